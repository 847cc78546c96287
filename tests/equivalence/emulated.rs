//! What runs this whole test program again, with the emulated driver told otherwise: as older devices, and with faults
//! planted in the kernels. On hardware there is nothing to be told.

use std::process::{Command, Output};

/// This program's own tests whose names hold `filter`, on an emulated device with these variables.
fn again(filter: &str, variables: &[(&str, &str)]) -> Option<Output> {
    if !cuda_emulator_testing::emulated() {
        println!("not on the emulated driver: nothing to do");
        return None;
    }
    let program = std::env::current_exe().unwrap();
    let mut command = Command::new(program);
    command
        .args([filter, "--test-threads=2"])
        .env("WARPSMITH_DEVICE", "emulator");
    command
        .env("RUST_BACKTRACE", "0")
        .envs(variables.iter().copied());
    Some(command.output().unwrap())
}

fn text(output: &Output) -> String {
    [&output.stdout, &output.stderr]
        .map(|bytes| String::from_utf8_lossy(bytes))
        .concat()
}

/// Every equivalence test on a device of this compute capability.
fn on(capability: &str) {
    let Some(output) = again("tests::", &[("CUDA_EMULATOR_CC", capability)]) else {
        return;
    };
    let text = text(&output);
    let device = format!("(sm_{})", capability.replace('.', ""));
    assert!(
        text.contains(&device),
        "the device is not {device}:\n{text}"
    );
    assert!(
        output.status.success(),
        "on compute capability {capability}:\n{text}"
    );
    assert!(
        !text.contains("running 0 tests") && text.contains(" 0 ignored"),
        "{text}"
    );
}

#[test]
#[cfg_attr(
    not(warpsmith_kernels),
    ignore = "this build holds no kernels: NVRTC was not found"
)]
fn every_kernel_on_sm_75() {
    on("7.5");
}

#[test]
#[cfg_attr(
    not(warpsmith_kernels),
    ignore = "this build holds no kernels: NVRTC was not found"
)]
fn every_kernel_on_sm_80() {
    on("8.0");
}

/// A test, a fault planted in a kernel it launches, and what the checker must say.
struct Fault {
    test: &'static str,
    plant: &'static str,
    says: &'static str,
}

const FAULTS: &[Fault] = &[];

/// The checker finds every fault, and names the kernel and the line of its source.
#[test]
#[cfg_attr(
    not(warpsmith_kernels),
    ignore = "this build holds no kernels: NVRTC was not found"
)]
fn planted_faults_are_found() {
    let mut missed = Vec::new();
    for fault in FAULTS {
        let variables = [
            ("CUDA_EMULATOR_PLANT", fault.plant),
            ("CUDA_EMULATOR_CC", "8.0"),
        ];
        let Some(output) = again(fault.test, &variables) else {
            return;
        };
        let text = text(&output);
        let kernel = fault.plant.split(' ').next().unwrap_or_default();
        let found = !output.status.success()
            && text.contains(fault.says)
            && text.contains(&format!("at {kernel}, PTX line"));
        if !found || !text.contains(".cu") {
            missed.push(format!(
                "{}: expected {:?} of\n{text}",
                fault.plant, fault.says
            ));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}
