//! What whole steps launch, and what every launch does, counted on the emulated driver, as JSON on stdout: a list of launches
//! for each step of the networks (`networks LeNet`: of that one), or, with the argument `layers`, for each product and convolution
//! of AlexNet.
//! `scripts/performance` makes a report of it.
//!
//! With `CUDA_EMULATOR_SAMPLE` the counts are those of a sample of the blocks, scaled to all: a step of AlexNet at batch 128 would
//! take the emulator hours otherwise. What is launched is exact, as nothing but shapes and the device decides it.

mod layers;
mod networks;

use cuda_emulator_testing::counts::Launch;
use std::collections::BTreeMap;
use warpsmith::{Device, Result};

/// Launches by the name of what launches them.
type Report = BTreeMap<String, Vec<Launch>>;

/// Keeps what `work` launches.
fn once(report: &mut Report, name: String, work: impl FnOnce() -> Result<()>) {
    let run = || work().unwrap_or_else(|error| panic!("{name}: {error}"));
    let launches = cuda_emulator_testing::launches(run);
    assert!(!launches.is_empty(), "{name} launches no kernel");
    assert!(report.insert(name, launches).is_none());
}

/// Runs `work` twice, since a first step also makes what later ones find, and keeps what the second launches.
fn second(report: &mut Report, name: String, mut work: impl FnMut() -> Result<()>) {
    work().unwrap_or_else(|error| panic!("{name}: {error}"));
    once(report, name, work);
}

fn main() {
    if !cuda_emulator_testing::emulated() {
        eprintln!("only the emulated driver counts: set WARPSMITH_DEVICE=emulator");
        std::process::exit(2);
    }
    let device = Device::cuda(0).unwrap_or_else(|error| panic!("{error}"));
    let mut report = Report::new();
    match std::env::args().nth(1).as_deref() {
        Some("layers") => layers::all(&mut report, &device),
        _ => {
            let only = std::env::args().nth(2).unwrap_or_default();
            let counted = networks::all(&mut report, &device, &only);
            counted.unwrap_or_else(|error| panic!("{error}"));
        }
    }
    let json = serde_json::to_string(&report).expect("counts are plain numbers");
    println!("{json}");
}
