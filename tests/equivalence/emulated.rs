//! What runs this whole test program again, with the emulated driver told otherwise: as older devices; `planted` adds
//! faults in the kernels. On hardware there is nothing to be told.

use std::process::{Command, Output};

/// This program's own tests whose names hold `filter`, on an emulated device with these variables.
pub fn again(filter: &str, variables: &[(&str, &str)]) -> Option<Output> {
    again_with(filter, &[], variables)
}

fn again_with(filter: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Option<Output> {
    if !cuda_emulator_testing::emulated() {
        println!("not on the emulated driver: nothing to do");
        return None;
    }
    let program = std::env::current_exe().unwrap();
    let mut command = Command::new(program);
    command
        .args([filter, "--test-threads=2"])
        .args(arguments)
        .env("WARPSMITH_DEVICE", "emulator");
    command
        .env("RUST_BACKTRACE", "0")
        .envs(variables.iter().copied());
    Some(command.output().unwrap())
}

pub fn text(output: &Output) -> String {
    [&output.stdout, &output.stderr]
        .map(|bytes| String::from_utf8_lossy(bytes))
        .concat()
}

/// False where a fault is planted in a kernel of another type or, if it has one in its name, of another layout: what does not
/// launch it says nothing of the fault.
pub fn wanted(of: &str, layout: &str) -> bool {
    let Ok(plant) = std::env::var("CUDA_EMULATOR_PLANT") else {
        return true;
    };
    let kernel = plant.split(' ').next().unwrap_or_default();
    let layouts = ["nn", "nt", "tn", "tt"];
    let of_layout = |layout: &str| kernel.contains(&format!("_{layout}_"));
    kernel.ends_with(of) && (of_layout(layout) || !layouts.into_iter().any(of_layout))
}

/// False where a fault is planted in a kernel of another name.
pub fn wanted_name(prefix: &str) -> bool {
    std::env::var("CUDA_EMULATOR_PLANT").map_or(true, |plant| plant.starts_with(prefix))
}

/// Every equivalence test with these variables, but for those whose names hold one of `but`; `says` is in what they print.
fn all(variables: &[(&str, &str)], but: &[&str], says: &str) {
    let skipped: Vec<&str> = but.iter().flat_map(|name| ["--skip", name]).collect();
    let Some(output) = again_with("tests::", &skipped, variables) else {
        return;
    };
    let text = text(&output);
    assert!(text.contains(says), "{says} is not in:\n{text}");
    assert!(output.status.success(), "with {variables:?}:\n{text}");
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
fn a_device_says_whether_it_is_emulated() {
    let emulated = cuda_emulator_testing::emulated();
    for device in crate::common::devices::cuda_devices() {
        assert_eq!(device.is_emulated(), emulated, "{device}");
    }
    assert!(!warpsmith::Device::Cpu.is_emulated());
}

/// On a device of this compute capability.
fn on(capability: &str, but: &[&str]) {
    let device = format!("(sm_{})", capability.replace('.', ""));
    all(&[("CUDA_EMULATOR_CC", capability)], but, &device);
}

#[test]
#[cfg_attr(
    not(warpsmith_kernels),
    ignore = "this build holds no kernels: NVRTC was not found"
)]
fn every_kernel_on_sm_75() {
    on("7.5", &[]);
}

/// Hopper's device runs the same texts, but for wgmma's: what takes its kernel by name has run there.
#[test]
#[cfg_attr(
    not(warpsmith_kernels),
    ignore = "this build holds no kernels: NVRTC was not found"
)]
fn every_choice_on_sm_80() {
    let by_name = [
        "matmul::mma_",
        "matmul::wmma_",
        "matmul::tiled_",
        "matmul::split",
        "conv2d::mma_",
        "conv2d::wmma_",
        "conv2d::tiled_",
    ];
    on("8.0", &by_name);
}

/// Blocks and warps out of line, approximations that err within the ISA's bounds, sums of Tensor Cores from the end.
#[test]
#[cfg_attr(
    not(warpsmith_kernels),
    ignore = "this build holds no kernels: NVRTC was not found"
)]
fn every_kernel_where_hardware_is_free() {
    let free = [
        ("CUDA_EMULATOR_ORDER", "1"),
        ("CUDA_EMULATOR_APPROXIMATE", "1"),
        ("CUDA_EMULATOR_ACCUMULATE", "backward"),
    ];
    all(&free, &[], "(sm_90)");
}
