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

/// A test, a fault planted in a kernel it launches (a barrier, a wait or a guard dropped, an address shifted; see the
/// emulator's `plant.rs`), and what the checker must say.
///
/// Without a barrier either order may come first, so the report is of a race or of memory not written yet.
struct Fault {
    test: &'static str,
    plant: &'static str,
    says: &'static str,
}

#[rustfmt::skip] // a fault a line
const FAULTS: &[Fault] = &[
    Fault { test: "softmax::forward", plant: "softmax_f32 drop bra 4", says: "Invalid __global__ read" },
    Fault { test: "softmax::forward", plant: "softmax_block_f32 drop bar.sync 0", says: "Uninitialized __shared__" },
    Fault { test: "softmax::forward", plant: "softmax_block_f32 drop bar.sync 2", says: "Uninitialized __shared__" },
    Fault { test: "softmax::forward", plant: "softmax_block_f32 shift st.shared 0 4", says: "Uninitialized __shared__" },
    Fault { test: "softmax::backward", plant: "softmax_backward_f32 drop bra 4", says: "Invalid __global__ read" },
    Fault { test: "softmax::backward", plant: "softmax_backward_block_f32 drop bar.sync 0", says: "Uninitialized __shared__" },
    Fault { test: "cross_entropy::forward", plant: "cross_entropy_f32 drop bra 6", says: "Invalid __global__ read" },
    Fault { test: "cross_entropy::forward", plant: "cross_entropy_block_f32 drop bar.sync 0", says: "Uninitialized __shared__" },
    Fault { test: "cross_entropy::backward", plant: "cross_entropy_backward_block_f32 drop bar.sync 0", says: "Uninitialized __shared__" },
    Fault { test: "argmax", plant: "argmax_f32 drop bra 6", says: "Invalid __global__ read" },
    Fault { test: "argmax", plant: "argmax_block_f32 drop bar.sync 0", says: "Uninitialized __shared__" },
    Fault { test: "sum::sum", plant: "sum_f32 drop bar.sync 0", says: "Uninitialized __shared__" },
    Fault { test: "column_sum", plant: "column_sum_f32 drop bar.sync 0", says: "Uninitialized __shared__" },
    Fault { test: "column_sum", plant: "column_sum_f32 drop bar.sync 1", says: "Uninitialized __shared__" },
    Fault { test: "transpose::words", plant: "transpose_b32 drop bar.sync 0", says: "__shared__" },
    Fault { test: "transpose::words", plant: "transpose_b32 shift st.shared 0 132", says: "Uninitialized __shared__" },
    Fault { test: "transpose::words", plant: "transpose_b32 drop bra 3", says: "Invalid __global__ read" },
    Fault { test: "transpose::halves", plant: "transpose_b16 drop bar.sync 0", says: "__shared__" },
    Fault { test: "matmul::tiled_128", plant: "matmul_tiled_128_nn_f32 drop bar.sync 0", says: "__shared__" },
    Fault { test: "matmul::tiled_64", plant: "matmul_tiled_64_tn_f32 drop bar.sync 0", says: "__shared__" },
    Fault { test: "matmul::tiled_32", plant: "matmul_tiled_32_nt_f32 drop bar.sync 0", says: "__shared__" },
    Fault { test: "matmul::wmma_64", plant: "matmul_wmma_64_nn_f16 drop bar.sync 0", says: "__shared__" },
    Fault { test: "matmul::wmma_64", plant: "matmul_wmma_64_nn_f16 drop bar.sync 1", says: "__shared__" },
    Fault { test: "matmul::wmma_64", plant: "matmul_wmma_64_nn_f16 drop cp.async.wait_group 0", says: "Asynchronous copy not waited for" },
    Fault { test: "matmul::wmma_128", plant: "matmul_wmma_128_tt_bf16 drop bar.sync 0", says: "__shared__" },
    Fault { test: "matmul::wmma_128", plant: "matmul_wmma_128_tt_bf16 drop bar.sync 1", says: "__shared__" },
    Fault { test: "conv2d::tiled_64", plant: "conv2d_tiled_64_f32 drop bar.sync 0", says: "__shared__" },
    Fault { test: "conv2d::tiled_64", plant: "conv2d_tiled_64_f32 drop bar.sync 1", says: "__shared__" },
    Fault { test: "conv2d::wmma_64", plant: "conv2d_wmma_64_f16 drop bar.sync 0", says: "__shared__" },
    Fault { test: "conv2d::wmma_64", plant: "conv2d_wmma_64_backward_input_f16 drop bar.sync 1", says: "__shared__" },
    Fault { test: "conv2d::tensors", plant: "conv2d_finish_f32 drop bra 0", says: "Invalid __global__ write" },
    Fault { test: "conv2d::tensors", plant: "conv2d_repack_f32 drop bra 0", says: "Invalid __global__ read" },
    Fault { test: "pool2d::max_forward", plant: "max_pool2d_f32 drop bra 0", says: "Invalid __global__ read" },
    Fault { test: "pool2d::max_gradient", plant: "max_pool2d_backward_f32 drop bra 0", says: "Invalid __global__ read" },
    Fault { test: "pool2d::average", plant: "avg_pool2d_f32 drop bra 0", says: "Invalid __global__ read" },
    Fault { test: "lrn::registers", plant: "lrn_registers_f32 drop bra 2", says: "Invalid __global__ read" },
    Fault { test: "lrn::columns", plant: "lrn_columns_f32 drop bra 1", says: "Invalid __shared__ write" },
    Fault { test: "lrn::columns", plant: "lrn_columns_f32 drop bra 2", says: "Invalid __global__ read" },
    Fault { test: "lrn::backward_registers", plant: "lrn_backward_registers_f32 drop bra 2", says: "Invalid __global__ read" },
    Fault { test: "lrn::backward_columns", plant: "lrn_backward_columns_f32 drop bra 6", says: "Invalid __global__ read" },
    Fault { test: "relu::forward", plant: "relu_f32 drop bra 1", says: "Invalid __global__ read" },
    Fault { test: "sigmoid::forward", plant: "sigmoid_f32 drop bra 7", says: "Invalid __global__ read" },
    Fault { test: "add::out_of_place", plant: "add_f32 drop bra 8", says: "Invalid __global__ read" },
    Fault { test: "scale::out_of_place", plant: "scale_f32 drop bra 8", says: "Invalid __global__ read" },
    Fault { test: "cast::from_f32", plant: "cast_f32_f16 drop bra 4", says: "Invalid __global__ read" },
    Fault { test: "fill", plant: "fill_b32 drop bra 8", says: "Invalid __global__ write" },
    Fault { test: "dropout::masks", plant: "dropout_f32 drop bra 8", says: "Invalid __global__ read" },
    Fault { test: "tanh::forward", plant: "tanh_f32 drop bra 1", says: "Invalid __global__ read" },
    Fault { test: "sgd::plain", plant: "sgd_f32 drop bra 8", says: "Invalid __global__ read" },
    Fault { test: "adam", plant: "adam_f32 drop bra 4", says: "Invalid __global__ read" },
];

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
        let report = text.lines().any(|line| {
            // and where NVRTC's line info leads: to cuda/, or to a header that the kernel includes
            line.contains(&format!("at {kernel}, PTX line ")) && line.contains(" (")
        });
        if output.status.success() || !report || !text.contains(fault.says) {
            missed.push(format!(
                "{}: expected a report of {:?} in\n{text}",
                fault.plant, fault.says
            ));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}
