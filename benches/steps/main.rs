//! What whole steps launch, and what every launch does, counted on the emulated driver, as JSON on stdout: a list of launches
//! for each step, and for each product and convolution of AlexNet. `scripts/performance` makes a report of it.
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

/// Runs `work` twice, since a first step also makes what later ones find, and keeps what the second launches.
fn second(report: &mut Report, name: String, mut work: impl FnMut() -> Result<()>) {
    let mut run = || work().unwrap_or_else(|error| panic!("{name}: {error}"));
    run();
    let launches = cuda_emulator_testing::launches(run);
    assert!(!launches.is_empty(), "{name} launches no kernel");
    assert!(report.insert(name, launches).is_none());
}

fn main() {
    if !cuda_emulator_testing::emulated() {
        eprintln!("only the emulated driver counts: set WARPSMITH_DEVICE=emulator");
        std::process::exit(2);
    }
    let device = Device::cuda(0).unwrap_or_else(|error| panic!("{error}"));
    let [mut steps, mut layers] = [Report::new(), Report::new()];
    networks::all(&mut steps, &device).unwrap_or_else(|error| panic!("{error}"));
    layers::all(&mut layers, &device);
    let json = serde_json::json!({ "steps": steps, "layers": layers });
    println!("{json}");
}
