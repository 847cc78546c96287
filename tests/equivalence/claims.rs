//! What a test claims to launch, held to it as it runs; and that every kernel is claimed.

use warpsmith::{Device, kernels};

use crate::CLAIMED;
use crate::common::devices::cuda_devices;

/// Runs a test on every device, and sees that it launched the kernels it claims.
pub fn run(name: &str, test: fn(&Device), kernels: &[&str]) {
    let devices = cuda_devices();
    // opening a device has launched one already
    let before: Vec<u64> = kernels.iter().map(|k| kernels::times_asked(k)).collect();
    for device in &devices {
        println!("{name} on {device}");
        test(device);
    }
    for (kernel, before) in kernels.iter().zip(before) {
        // bf16 on Tensor Cores, for one, is for newer devices than a T4
        let on_any = devices.iter().any(|d| {
            d.as_cuda()
                .is_some_and(|cuda| kernels::is_on(cuda.stream().context(), kernel))
        });
        assert!(
            kernels::times_asked(kernel) > before || !on_any,
            "{name} claims to test {kernel} but does not launch it"
        );
    }
}

#[test]
#[cfg_attr(
    not(warpsmith_kernels),
    ignore = "this build holds no kernels: NVRTC was not found"
)]
fn every_kernel_has_a_test() {
    let built: Vec<&str> = kernels::entry_points().map(|(_, name)| name).collect();
    assert!(!built.is_empty(), "no entry points in this build");
    let claimed: Vec<&str> = CLAIMED
        .iter()
        .flat_map(|names| names.iter().copied())
        .collect();
    let untested: Vec<_> = built
        .iter()
        .filter(|name| !claimed.contains(name))
        .collect();
    assert!(
        untested.is_empty(),
        "kernels without an equivalence test: {untested:?}"
    );
    let unknown: Vec<_> = claimed
        .iter()
        .filter(|name| !built.contains(name))
        .collect();
    assert!(
        unknown.is_empty(),
        "tests of kernels that are not built: {unknown:?}"
    );
}
