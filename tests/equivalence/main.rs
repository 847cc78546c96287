//! Every kernel against the CPU side of its op, on whatever CUDA device answers.
//!
//! A line of the table below is a test: the function that runs it on one device, and the kernels it must have
//! launched. `every_kernel_has_a_test` holds the table against the entry points in the PTX.

#[path = "../common/mod.rs"]
mod common;

mod argmax;
mod column_sum;
mod cross_entropy;
mod relu;
mod sigmoid;
mod softmax;
mod sum;

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
                    crate::run(concat!(stringify!($op), "::", stringify!($test)), crate::$op::$test, &$kernels as &[&str]);
                })*
            })*
        }

        const CLAIMED: &[&[&str]] = &[$($(&$kernels,)*)*];
    };
}

tests! {
    argmax {
        rows: ["argmax_f32", "argmax_f16", "argmax_bf16",
            "argmax_block_f32", "argmax_block_f16", "argmax_block_bf16"],
    }
    column_sum {
        shapes: ["column_sum_f32", "column_sum_f16", "column_sum_bf16",
            "column_sum_finish_f32", "column_sum_finish_f16", "column_sum_finish_bf16"],
    }
    cross_entropy {
        forward: ["cross_entropy_f32", "cross_entropy_f16", "cross_entropy_bf16",
            "cross_entropy_block_f32", "cross_entropy_block_f16", "cross_entropy_block_bf16"],
        backward: ["cross_entropy_backward_f32", "cross_entropy_backward_f16", "cross_entropy_backward_bf16",
            "cross_entropy_backward_block_f32", "cross_entropy_backward_block_f16",
            "cross_entropy_backward_block_bf16"],
        labels_outside_the_classes: [],
    }
    sigmoid {
        forward: ["sigmoid_f32", "sigmoid_f16", "sigmoid_bf16"],
        in_place: ["sigmoid_f32", "sigmoid_f16", "sigmoid_bf16"],
        backward: ["sigmoid_backward_f32", "sigmoid_backward_f16", "sigmoid_backward_bf16"],
    }
    softmax {
        forward: ["softmax_f32", "softmax_f16", "softmax_bf16",
            "softmax_block_f32", "softmax_block_f16", "softmax_block_bf16"],
        log_forward: ["softmax_f32", "softmax_f16", "softmax_bf16",
            "softmax_block_f32", "softmax_block_f16", "softmax_block_bf16"],
        backward: ["softmax_backward_f32", "softmax_backward_f16", "softmax_backward_bf16",
            "softmax_backward_block_f32", "softmax_backward_block_f16", "softmax_backward_block_bf16"],
        log_backward: ["softmax_backward_f32", "softmax_backward_f16", "softmax_backward_bf16",
            "softmax_backward_block_f32", "softmax_backward_block_f16", "softmax_backward_block_bf16"],
        views: [],
    }
    sum {
        sum: ["sum_f32", "sum_f16", "sum_bf16", "sum_finish_f32", "sum_finish_f16", "sum_finish_bf16"],
        mean: [],
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
