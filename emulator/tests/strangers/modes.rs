//! The suite again on every architecture, and with all that hardware leaves open done otherwise.
//!
//! This program runs itself with a variable of the emulator set; results must not change beyond the tests' tolerances,
//! and nothing may be found. So must nothing where one worker runs the blocks.

use crate::FIXTURES;
use crate::device::kernels;
use std::collections::BTreeSet;
use std::process::{Command, Output};

/// Runs tests of this program with variables set.
pub fn again(tests: &[&str], variables: &[(&str, &str)]) -> Output {
    Command::new(std::env::current_exe().expect("a path"))
        .args(tests)
        .arg("--nocapture")
        .env("WARPSMITH_DEVICE", "emulator")
        .envs(variables.iter().copied())
        .output()
        .expect("this program runs again")
}

/// What it wrote to both streams.
pub fn text(output: &Output) -> String {
    [&output.stdout, &output.stderr]
        .map(|bytes| String::from_utf8_lossy(bytes))
        .concat()
}

/// The whole suite runs, and launches every kernel that the device can run.
fn suite(capability: i32, variables: &[(&str, &str)]) {
    let output = again(
        &[
            "--skip",
            "modes::",
            "--skip",
            "planted::",
            "--skip",
            "fixtures_are",
        ],
        variables,
    );
    let text = text(&output);
    assert!(output.status.success(), "{variables:?}\n{text}");
    let launched: BTreeSet<&str> = text
        .split("launched ")
        .skip(1)
        .filter_map(|rest| rest.split_whitespace().next())
        .collect();
    let all = FIXTURES.iter().flat_map(|ptx| kernels(ptx));
    let can: BTreeSet<&str> = all
        .filter(|(_, target)| *target <= capability)
        .map(|(name, _)| name)
        .collect();
    assert_eq!(launched, can, "{variables:?}");
}

#[test]
fn on_a_t4() {
    suite(75, &[("CUDA_EMULATOR_CC", "7.5")]);
}

#[test]
fn on_an_a100() {
    suite(80, &[("CUDA_EMULATOR_CC", "8.0")]);
}

#[test]
fn on_an_h100_with_one_worker() {
    suite(
        90,
        &[("CUDA_EMULATOR_CC", "9.0"), ("RAYON_NUM_THREADS", "1")],
    );
}

#[test]
fn in_other_orders() {
    for seed in ["1", "2", "3"] {
        suite(90, &[("CUDA_EMULATOR_ORDER", seed)]);
    }
}

#[test]
fn with_approximations_that_err() {
    for seed in ["1", "2"] {
        suite(90, &[("CUDA_EMULATOR_APPROXIMATE", seed)]);
    }
}

#[test]
fn with_sums_from_the_other_end() {
    suite(90, &[("CUDA_EMULATOR_ACCUMULATE", "backward")]);
}

#[test]
fn with_no_checks() {
    suite(90, &[("CUDA_EMULATOR_CHECKS", "none")]);
}
