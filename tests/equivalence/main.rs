//! Every kernel against the CPU side of its op, on whatever CUDA device answers.
//!
//! A line of the table below is a test: the function that runs it on one device, and the kernels it must have
//! launched. `every_kernel_has_a_test` holds the table against the entry points in the PTX.

#[path = "../common/mod.rs"]
mod common;

mod relu;

use warpsmith::{Device, kernels};

/// Runs a test on every device, and sees that it launched the kernels it claims.
fn run(name: &str, test: fn(&Device), kernels: &[&str]) {
    for device in common::devices::cuda_devices() {
        println!("{name} on {device}");
        test(&device);
    }
    for kernel in kernels {
        assert!(
            kernels::is_loaded(kernel),
            "{name} claims to test {kernel} but does not launch it"
        );
    }
}

macro_rules! tests {
    ($($op:ident { $($test:ident: $kernels:expr,)* })*) => {
        mod tests {
            $(mod $op {
                $(#[test]
                #[cfg_attr(not(warpsmith_kernels), ignore = "this build holds no kernels: NVRTC was not found")]
                fn $test() {
                    crate::run(concat!(stringify!($op), "::", stringify!($test)), crate::$op::$test, &$kernels);
                })*
            })*
        }

        const CLAIMED: &[&[&str]] = &[$($(&$kernels,)*)*];
    };
}

tests! {
    relu {
        forward: ["relu_f32", "relu_f16", "relu_bf16"],
        in_place: ["relu_f32", "relu_f16", "relu_bf16"],
        backward: ["relu_backward_f32", "relu_backward_f16", "relu_backward_bf16"],
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
