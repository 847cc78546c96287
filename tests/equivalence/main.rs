//! Every kernel against the CPU side of its op, on whatever CUDA device answers.
//!
//! A line of the table below is a test: the function that runs it on one device, and the kernels it must have
//! launched. `every_kernel_has_a_test` holds the table against the entry points in the PTX.

#[path = "../common/mod.rs"]
mod common;

mod matmul;
mod relu;

use warpsmith::{Device, kernels};

/// Runs a test on every device, and sees that it launched the kernels it claims.
fn run(name: &str, test: fn(&Device), kernels: &[&str]) {
    let devices = common::devices::cuda_devices();
    for device in &devices {
        println!("{name} on {device}");
        test(device);
    }
    for kernel in kernels {
        // bf16 on Tensor Cores, for one, is for newer devices than a T4
        let on_any = devices.iter().any(|d| kernels::is_on(d, kernel));
        assert!(
            kernels::is_loaded(kernel) || !on_any,
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
    matmul {
        tiled_128: [
            "matmul_tiled_128_nn_f32",
            "matmul_tiled_128_nt_f32",
            "matmul_tiled_128_tn_f32",
            "matmul_tiled_128_tt_f32",
        ],
        tiled_64: [
            "matmul_tiled_64_nn_f32",
            "matmul_tiled_64_nt_f32",
            "matmul_tiled_64_tn_f32",
            "matmul_tiled_64_tt_f32",
            "matmul_tiled_64_nn_bf16",
            "matmul_tiled_64_nt_bf16",
            "matmul_tiled_64_tn_bf16",
            "matmul_tiled_64_tt_bf16",
        ],
        tiled_32: [
            "matmul_tiled_32_nn_f32",
            "matmul_tiled_32_nt_f32",
            "matmul_tiled_32_tn_f32",
            "matmul_tiled_32_tt_f32",
        ],
        wmma_128: [
            "matmul_wmma_128_nn_f16",
            "matmul_wmma_128_nt_f16",
            "matmul_wmma_128_tn_f16",
            "matmul_wmma_128_tt_f16",
            "matmul_wmma_128_nn_bf16",
            "matmul_wmma_128_nt_bf16",
            "matmul_wmma_128_tn_bf16",
            "matmul_wmma_128_tt_bf16",
            "matmul_wmma_128_nn_f32",
            "matmul_wmma_128_nt_f32",
            "matmul_wmma_128_tn_f32",
            "matmul_wmma_128_tt_f32",
        ],
        wmma_64: [
            "matmul_wmma_64_nn_f16",
            "matmul_wmma_64_nt_f16",
            "matmul_wmma_64_tn_f16",
            "matmul_wmma_64_tt_f16",
            "matmul_wmma_64_nn_bf16",
            "matmul_wmma_64_nt_bf16",
            "matmul_wmma_64_tn_bf16",
            "matmul_wmma_64_tt_bf16",
            "matmul_wmma_64_nn_f32",
            "matmul_wmma_64_nt_f32",
            "matmul_wmma_64_tn_f32",
            "matmul_wmma_64_tt_f32",
        ],
        tensors: [],
    }
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
