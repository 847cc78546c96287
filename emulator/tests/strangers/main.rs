//! Kernels as other people write them, each against the processor: the sources and their PTX are in
//! `tests/fixtures/strangers/`, made by `tests/compile.py`.
//!
//! They run through the driver API, on the emulator or on a real driver alike, and on every architecture that can run
//! them ([`modes`]). What they compute must be right, nothing may be found in them, and faults planted in them must be
//! ([`planted`]).

mod attention;
mod calls;
mod chance;
mod clusters;
mod counting;
mod device;
mod hopper;
mod modes;
mod numbers;
mod odds;
mod planted;
mod scans;
mod sorts;
mod stencils;
mod tensor;
mod undefined;
mod words;

use std::process::Command;

/// A fixture's PTX.
macro_rules! ptx {
    ($name:literal) => {
        include_str!(concat!("../fixtures/strangers/", $name, ".ptx"))
    };
}
pub(crate) use ptx;

/// All of them.
const FIXTURES: [&str; 13] = [
    scans::PTX,
    sorts::PTX,
    counting::PTX,
    stencils::PTX,
    calls::PTX,
    chance::PTX,
    odds::PTX,
    attention::PTX,
    tensor::PTX,
    hopper::PTX,
    hopper::PADDED,
    clusters::PTX,
    undefined::PTX,
];

/// What runs is what stands in the sources, where NVRTC is there to say so.
#[test]
fn fixtures_are_what_their_sources_compile_to() {
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/compile.py");
    let output = match Command::new("python3").args([program, "--check"]).output() {
        Ok(output) => output,
        Err(error) => return println!("not tried, there is no python3: {error}"),
    };
    match output.status.code() {
        Some(0) => {}
        Some(77) => println!("not tried, there is no NVRTC 12.8"),
        _ => panic!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        ),
    }
}
