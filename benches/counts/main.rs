//! What every kernel does at shapes that stand for its use, counted on the emulated driver, as JSON on stdout:
//! case -> kernel -> counts. `scripts/kernel-report` makes a report of it. Counts are exact: every run gives the same.

mod cases;
mod conv2d;
mod families;
mod matmul;

use cuda_emulator_testing::counts::Kernels;
use std::collections::BTreeMap;
use warpsmith::{Device, Result};

/// Counts by the name of the case.
type Report = BTreeMap<String, Kernels>;

/// Runs `op` once and keeps what its kernels did.
fn case(report: &mut Report, name: String, op: impl FnOnce() -> Result<()>) {
    let mut done = Ok(());
    let kernels = cuda_emulator_testing::count(|| done = op());
    done.unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(!kernels.is_empty(), "{name} launches no kernel");
    assert!(report.insert(name, kernels).is_none());
}

fn main() {
    if !cuda_emulator_testing::emulated() {
        eprintln!("only the emulated driver counts: set WARPSMITH_DEVICE=emulator");
        std::process::exit(2);
    }
    let device = Device::cuda(0).unwrap_or_else(|error| panic!("{error}"));
    let mut report = Report::new();
    cases::all(&mut report, &device);
    conv2d::all(&mut report, &device);
    families::all(&mut report, &device);
    matmul::all(&mut report, &device);
    let json = serde_json::to_string_pretty(&report).expect("counts are plain numbers");
    println!("{json}");
}
