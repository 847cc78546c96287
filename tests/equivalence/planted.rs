//! Faults planted in every kernel, to see that the checks find them.

use rayon::prelude::*;
use warpsmith::kernels;

use crate::emulated::{again, text};

/// A test, a fault planted in the kernels it launches (a barrier, a wait or a guard dropped, an address shifted; see the
/// emulator's `plant.rs`), and what the checker must say. `{l}` in the kernel's name is each layout, `{t}` each of `types`.
///
/// Without a barrier either order may come first: who reads before anybody has written is told when somebody writes, or where the
/// value decides something.
struct Fault {
    test: &'static str,
    kernel: &'static str,
    types: &'static [&'static str],
    change: &'static str,
    says: &'static str,
}

const FLOATS: &[&str] = &["f32", "f16", "bf16"];
const HALVES: &[&str] = &["f16", "bf16"];
const F32: &[&str] = &["f32"];
const LAYOUTS: [&str; 4] = ["nn", "nt", "tn", "tt"];

const INTEGERS: &[&str] = &["i64", "i32", "u8"];
const TYPES: &[&str] = &["f32", "f16", "bf16", "i64", "i32", "u8", "bool"];
const WIDTHS: &[&str] = &["128", "64", "32", "16", "8"];

/// Moves the first store far past any buffer.
const FAR: &str = "shift st.global 0 1099511627776";

const READ: &str = "Invalid __global__ read";
const WRITE: &str = "Invalid __global__ write";
const UNWRITTEN: &str = "Uninitialized __shared__";
const RACE: &str = "Race: __shared__";
const SHARED: &str = "__shared__";

const fn fault(
    test: &'static str,
    kernel: &'static str,
    types: &'static [&'static str],
    change: &'static str,
    says: &'static str,
) -> Fault {
    Fault {
        test,
        kernel,
        types,
        change,
        says,
    }
}

#[rustfmt::skip] // a fault a line
const FAULTS: &[Fault] = &[
    fault("softmax::forward", "softmax_{t}", FLOATS, "drop bra 4", READ),
    fault("softmax::forward", "softmax_block_{t}", FLOATS, "drop bar.sync 0", RACE),
    fault("softmax::forward", "softmax_block_{t}", F32, "drop bar.sync 2", RACE),
    fault("softmax::forward", "softmax_block_{t}", F32, "shift st.shared 0 4", UNWRITTEN),
    fault("softmax::backward", "softmax_backward_{t}", FLOATS, "drop bra 4", READ),
    fault("softmax::backward", "softmax_backward_block_{t}", FLOATS, "drop bar.sync 0", RACE),
    fault("cross_entropy::forward", "cross_entropy_{t}", FLOATS, "drop bra 6", READ),
    fault("cross_entropy::forward", "cross_entropy_block_{t}", FLOATS, "drop bar.sync 0", RACE),
    fault("cross_entropy::backward", "cross_entropy_backward_{t}", FLOATS, "drop bra 2", READ),
    fault("cross_entropy::backward", "cross_entropy_backward_block_{t}", FLOATS, "drop bar.sync 0", RACE),
    fault("cross_entropy::weighted", "cross_entropy_weighted_{t}", FLOATS, "drop bra 6", READ),
    fault("cross_entropy::weighted", "cross_entropy_weighted_block_{t}", FLOATS, "drop bar.sync 0", RACE),
    fault("cross_entropy::weighted_backward", "cross_entropy_weighted_backward_{t}", FLOATS, "drop bra 2", READ),
    fault("cross_entropy::weighted_backward", "cross_entropy_weighted_backward_block_{t}", FLOATS, "drop bar.sync 0", RACE),
    fault("cross_entropy::reductions", "cross_entropy_sum", F32, "drop bar.sync 0", RACE),
    fault("cross_entropy::reductions", "cross_entropy_finish_{t}", FLOATS, "drop bar.sync 0", RACE),
    fault("amp::unscaled", "amp_unscale_{t}", F32, "drop bra 1", READ),
    // what is only looked at is not written
    fault("amp::unscaled", "amp_unscale_{t}", F32, "drop bra 3", WRITE),
    fault("amp::steps", "amp_advance", F32, "drop bra 0", READ),
    fault("amp::steps", "amp_advance", F32, FAR, WRITE),
    fault("amp::updated", "amp_update", F32, FAR, WRITE),
    fault("argmax", "argmax_{t}", FLOATS, "drop bra 6", READ),
    fault("argmax", "argmax_block_{t}", FLOATS, "drop bar.sync 0", RACE),
    fault("sum::sum", "sum_{t}", FLOATS, "drop bar.sync 0", RACE),
    fault("sum::sum", "sum_finish_{t}", FLOATS, "drop bar.sync 0", RACE),
    fault("column_sum", "column_sum_{t}", FLOATS, "drop bar.sync 0", RACE),
    fault("column_sum", "column_sum_{t}", F32, "drop bar.sync 1", RACE),
    fault("column_sum", "column_sum_finish_{t}", FLOATS, "drop bar.sync 0", RACE),
    fault("column_sum::activated", "column_sum_activated_{t}", FLOATS, "drop bar.sync 0", RACE),
    fault("transpose::words", "transpose_b32", F32, "drop bar.sync 0", SHARED),
    fault("transpose::words", "transpose_b32", F32, "shift st.shared 0 132", UNWRITTEN),
    fault("transpose::words", "transpose_b32", F32, "drop bra 3", READ),
    fault("transpose::halves", "transpose_b16", HALVES, "drop bar.sync 0", SHARED),
    fault("matmul::tiled_128", "matmul_tiled_128_{l}_{t}", F32, "drop bar.sync 0", SHARED),
    fault("matmul::tiled_64", "matmul_tiled_64_{l}_{t}", &["f32", "bf16"], "drop bar.sync 0", SHARED),
    fault("matmul::tiled_32", "matmul_tiled_32_{l}_{t}", F32, "drop bar.sync 0", SHARED),
    fault("matmul::wmma_64", "matmul_wmma_64_{l}_{t}", FLOATS, "drop bar.sync 0", SHARED),
    fault("matmul::wmma_64", "matmul_wmma_64_nn_{t}", HALVES, "drop bar.sync 2", SHARED),
    fault("matmul::wmma_64", "matmul_wmma_64_nn_{t}", FLOATS, "drop cp.async.wait_group 1", "Asynchronous copy not waited for"),
    fault("matmul::wmma_128", "matmul_wmma_128_{l}_{t}", FLOATS, "drop bar.sync 0", SHARED),
    fault("matmul::wmma_128", "matmul_wmma_128_tt_{t}", HALVES, "drop bar.sync 2", SHARED),
    fault("matmul::mma_128x256", "matmul_mma_128x256_{l}_{t}", HALVES, "drop bar.sync 1", SHARED),
    fault("matmul::mma_128x256", "matmul_mma_128x256_nn_{t}", F32, "drop bar.sync 1", SHARED),
    fault("matmul::mma_128x256", "matmul_mma_128x256_nt_{t}", F32, "drop bar.sync 1", SHARED),
    fault("matmul::mma_128x256", "matmul_mma_128x256_tt_{t}", F32, "drop bar.sync 1", SHARED),
    fault("matmul::mma_128", "matmul_mma_128_{l}_{t}", HALVES, "drop bar.sync 1", SHARED),
    fault("matmul::mma_128", "matmul_mma_128_nn_{t}", F32, "drop bar.sync 1", SHARED),
    fault("matmul::mma_128", "matmul_mma_128_nt_{t}", F32, "drop bar.sync 1", SHARED),
    fault("matmul::mma_128", "matmul_mma_128_tt_{t}", F32, "drop bar.sync 1", SHARED),
    fault("matmul::mma_64", "matmul_mma_64_{l}_{t}", FLOATS, "drop bar.sync 1", SHARED),
    fault("matmul::mma_64", "matmul_mma_64_nn_{t}", FLOATS, "drop bar.sync 0", SHARED),
    fault("matmul::mma_64", "matmul_mma_64_nt_{t}", FLOATS, "drop cp.async.wait_group 1", "Asynchronous copy not waited for"),
    fault("matmul::split", "matmul_split_64_{l}_{t}", FLOATS, "drop bar.sync 1", SHARED),
    fault("matmul::split", "matmul_finish_{t}", FLOATS, "drop bra 0", READ),
    fault("matmul::thin_rows", "matmul_thin_dots_{t}", FLOATS, "drop bar.sync 1", SHARED),
    fault("matmul::thin_rows", "matmul_thin_sums_{t}", FLOATS, "drop bar.sync 1", SHARED),
    fault("matmul::thin_cols", "matmul_thin_dots_{t}", FLOATS, "drop bar.sync 0", SHARED),
    fault("matmul::thin_terms", "matmul_thin_terms_{t}", FLOATS, "drop bar.sync 0", SHARED),
    fault("matmul::wgmma", "matmul_wgmma_{l}_{t}", HALVES, "drop wgmma.wait_group 1", "wgmma"),
    fault("matmul::wgmma", "matmul_wgmma_nn_{t}", HALVES, "drop wgmma.fence 0", "wgmma"),
    fault("matmul::wgmma", "matmul_wgmma_tn_{t}", HALVES, "drop fence.proxy.async 0", "proxy"),
    fault("matmul::wgmma", "matmul_wgmma_nt_{t}", HALVES, "drop bar.sync 1", SHARED),
    fault("matmul::wgmma", "matmul_wgmma_nt_{t}", F32, "drop wgmma.wait_group 1", "wgmma"),
    fault("matmul::wgmma", "matmul_wgmma_nt_{t}", F32, "drop fence.proxy.async 0", "proxy"),
    fault("matmul::wgmma_128", "matmul_wgmma_128_{l}_{t}", HALVES, "drop wgmma.wait_group 1", "wgmma"),
    fault("matmul::wgmma_128", "matmul_wgmma_128_nt_{t}", F32, "drop bar.sync 1", SHARED),
    fault("matmul::wgmma_128", "matmul_wgmma_128_tt_{t}", HALVES, "drop fence.proxy.async 0", "proxy"),
    fault("matmul::wgmma_split", "matmul_wgmma_split_{l}_{t}", HALVES, "drop wgmma.wait_group 1", "wgmma"),
    fault("matmul::wgmma_split", "matmul_wgmma_split_nn_{t}", HALVES, "drop bar.sync 1", SHARED),
    fault("matmul::wgmma_walk", "matmul_wgmma_nn_bf16", HALVES, "drop cp.async.bulk.wait_group.read 2", "where it still reads"),
    fault("conv2d::tiled_128", "conv2d_tiled_128_{t}", F32, "drop bar.sync 0", SHARED),
    fault("conv2d::tiled_128", "conv2d_tiled_128_backward_input_{t}", F32, "drop bar.sync 0", SHARED),
    fault("conv2d::tiled_128", "conv2d_tiled_128_backward_weight_{t}", F32, "drop bar.sync 1", SHARED),
    fault("conv2d::tiled_64", "conv2d_tiled_64_{t}", &["f32", "bf16"], "drop bar.sync 0", SHARED),
    fault("conv2d::tiled_64", "conv2d_tiled_64_backward_input_{t}", &["f32", "bf16"], "drop bar.sync 0", SHARED),
    fault("conv2d::tiled_64", "conv2d_tiled_64_backward_weight_{t}", &["f32", "bf16"], "drop bar.sync 1", SHARED),
    fault("conv2d::tiled_32", "conv2d_tiled_32_{t}", F32, "drop bar.sync 0", SHARED),
    fault("conv2d::tiled_32", "conv2d_tiled_32_backward_input_{t}", F32, "drop bar.sync 0", SHARED),
    fault("conv2d::wmma_128", "conv2d_wmma_128_{t}", HALVES, "drop bar.sync 0", SHARED),
    fault("conv2d::wmma_128", "conv2d_wmma_128_backward_input_{t}", HALVES, "drop bar.sync 0", SHARED),
    fault("conv2d::wmma_64", "conv2d_wmma_64_{t}", FLOATS, "drop bar.sync 0", SHARED),
    fault("conv2d::wmma_64", "conv2d_wmma_64_backward_input_{t}", FLOATS, "drop bar.sync 0", SHARED),
    fault("conv2d::wmma_64", "conv2d_wmma_64_backward_weight_{t}", FLOATS, "drop bar.sync 1", SHARED),
    fault("conv2d::mma_128", "conv2d_mma_128_{t}", FLOATS, "drop bar.sync 1", SHARED),
    fault("conv2d::mma_128", "conv2d_mma_128_backward_weight_{t}", FLOATS, "drop bar.sync 1", SHARED),
    fault("conv2d::mma_96x128", "conv2d_mma_96x128_{t}", FLOATS, "drop bar.sync 1", SHARED),
    fault("conv2d::mma_96x128", "conv2d_mma_96x128_backward_weight_{t}", FLOATS, "drop bar.sync 0", SHARED),
    fault("conv2d::mma_64", "conv2d_mma_64_{t}", FLOATS, "drop bar.sync 0", SHARED),
    fault("conv2d::mma_64", "conv2d_mma_64_backward_weight_{t}", FLOATS, "drop bar.sync 1", SHARED),
    fault("conv2d::mma_64", "conv2d_mma_64_backward_weight_{t}", FLOATS, "drop cp.async.wait_group 1", "Asynchronous copy not waited for"),
    fault("conv2d::mma_64", "conv2d_channels_last_{t}", FLOATS, "drop bra 0", WRITE),
    fault("conv2d::mma_64", "conv2d_neighbours_last_{t}", FLOATS, "drop bra 0", WRITE),
    fault("conv2d::mma_64", "conv2d_rows_{t}", F32, "drop bra 0", READ),
    fault("conv2d::mma_64", "conv2d_pack_{t}", FLOATS, "drop bra 0", READ),
    fault("conv2d::mma_64", "conv2d_unpack_{t}", FLOATS, "drop bra 0", READ),
    fault("conv2d::tensors", "conv2d_finish_{t}", FLOATS, "drop bra 0", WRITE),
    fault("conv2d::tensors", "conv2d_repack_{t}", FLOATS, "drop bra 0", READ),
    fault("conv2d::tensors", "conv2d_bias_{t}", FLOATS, "drop bar.sync 0", RACE),
    fault("conv2d::activated", "conv2d_bias_activated_{t}", FLOATS, "drop bar.sync 0", RACE),
    fault("conv2d::layer", "conv2d_bias_last_{t}", HALVES, "drop bar.sync 0", RACE),
    fault("conv2d::layer", "conv2d_channels_last_f32_{t}", HALVES, "drop bra 0", WRITE),
    fault("conv2d::layer", "conv2d_neighbours_last_f32_{t}", HALVES, "drop bra 0", WRITE),
    fault("pool2d::max_forward", "max_pool2d_{t}", FLOATS, "drop bra 0", READ),
    fault("pool2d::max_gradient", "max_pool2d_backward_{t}", FLOATS, "drop bra 0", READ),
    fault("pool2d::average", "avg_pool2d_{t}", FLOATS, "drop bra 0", READ),
    fault("pool2d::average", "avg_pool2d_backward_{t}", FLOATS, "drop bra 0", READ),
    fault("adaptive_avg_pool2d::average", "adaptive_avg_pool2d_{t}", FLOATS, "drop bra 2", READ),
    fault("adaptive_avg_pool2d::average", "adaptive_avg_pool2d_{t}", FLOATS, "drop bra 5", READ),
    fault("adaptive_avg_pool2d::average", "adaptive_avg_pool2d_backward_{t}", FLOATS, "drop bra 0", READ),
    fault("batch_norm2d::statistics", "batch_norm2d_stats_{t}", FLOATS, "drop bar.sync 0", RACE),
    fault("batch_norm2d::statistics", "batch_norm2d_finish", F32, "drop bra 0", READ),
    fault("batch_norm2d::forward", "batch_norm2d_{t}", FLOATS, "drop bra 1", READ),
    fault("batch_norm2d::backward_parameters", "batch_norm2d_backward_sums_{t}", FLOATS, "drop bar.sync 0", RACE),
    fault("batch_norm2d::backward_parameters", "batch_norm2d_backward_finish", F32, "drop bra 0", READ),
    fault("batch_norm2d::backward_input", "batch_norm2d_backward_{t}", FLOATS, "drop bra 0", READ),
    fault("dropout::masks", "dropout_{t}", F32, "drop bra 19", READ),
    fault("dropout::masks", "dropout_{t}", HALVES, "drop bra 9", READ),
    fault("tanh::forward", "tanh_{t}", FLOATS, "drop bra 1", READ),
    fault("tanh::backward", "tanh_backward_{t}", FLOATS, "drop bra 1", READ),
    fault("lrn::registers", "lrn_registers_{t}", FLOATS, "drop bra 2", READ),
    fault("lrn::columns", "lrn_columns_{t}", FLOATS, "drop bra 1", "Invalid __shared__ write"),
    fault("lrn::columns", "lrn_columns_{t}", FLOATS, "drop bra 2", READ),
    fault("lrn::backward_registers", "lrn_backward_registers_{t}", F32, "drop bra 2", READ),
    fault("lrn::backward_registers", "lrn_backward_registers_{t}", HALVES, "drop bra 0", READ),
    fault("lrn::backward_columns", "lrn_backward_columns_{t}", FLOATS, "drop bra 6", READ),
    fault("relu::forward", "relu_{t}", FLOATS, "drop bra 1", READ),
    fault("relu::backward", "relu_backward_{t}", FLOATS, "drop bra 1", READ),
    fault("sigmoid::forward", "sigmoid_{t}", F32, "drop bra 7", READ),
    fault("sigmoid::forward", "sigmoid_{t}", HALVES, "drop bra 1", READ),
    fault("sigmoid::backward", "sigmoid_backward_{t}", FLOATS, "drop bra 1", READ),
    fault("add::out_of_place", "add_{t}", F32, "drop bra 8", READ),
    fault("add::out_of_place", "add_{t}", HALVES, "drop bra 1", READ),
    fault("bias_add::out_of_place", "bias_add_{t}", FLOATS, "drop bra 10", READ),
    fault("cast::from_f32", "cast_f32_{t}", TYPES, FAR, WRITE),
    fault("cast::from_f16", "cast_f16_{t}", TYPES, FAR, WRITE),
    fault("cast::from_bf16", "cast_bf16_{t}", TYPES, FAR, WRITE),
    fault("cast::from_integers", "cast_i64_{t}", TYPES, FAR, WRITE),
    fault("cast::from_integers", "cast_i32_{t}", TYPES, FAR, WRITE),
    fault("cast::from_integers", "cast_u8_{t}", TYPES, FAR, WRITE),
    fault("cast::from_bool", "cast_bool_{t}", TYPES, FAR, WRITE),
    fault("copy::widths", "copy_b{t}", WIDTHS, FAR, WRITE),
    fault("copy::widths", "where_b{t}", &["64", "32", "16", "8"], FAR, WRITE),
    fault("copy::widths", "transpose_b{t}", &["64", "8"], "drop bar.sync 0", SHARED),
    fault("index::gather", "gather_b{t}", WIDTHS, FAR, WRITE),
    fault("index::scatter_add", "scatter_add_{t}", &["f32", "f16", "bf16", "i64"], FAR, WRITE),
    fault("cumsum", "cumsum_{t}", &["f32", "f16", "bf16", "i64", "i32", "u8"], "drop bar.sync 0", SHARED),
    fault("topk", "topk_select_b{t}", &["64", "32", "16", "8"], "drop bar.sync 1", RACE),
    fault("topk", "topk_order_b{t}", &["64", "32"], "drop bar.sync 0", SHARED),
    fault("reduce::integers", "reduce_sum_{t}", INTEGERS, "drop bar.sync 0", SHARED),
    fault("reduce::integers", "reduce_sum_finish_i64", F32, "drop bar.sync 0", SHARED),
    fault("reduce::integers", "reduce_prod_{t}", INTEGERS, "drop bar.sync 0", SHARED),
    fault("reduce::integers", "reduce_prod_finish_i64", F32, "drop bar.sync 0", SHARED),
    fault("binary::integers", "binary_{t}", INTEGERS, FAR, WRITE),
    fault("binary::compare", "compare_{t}", &["f32", "f16", "bf16", "i64", "i32", "u8"], FAR, WRITE),
    fault("fill::words", "fill_b32", F32, "drop bra 8", WRITE),
    fault("fill::halves", "fill_b16", HALVES, "drop bra 1", WRITE),
    fault("fill::words", "fill_b64", F32, FAR, WRITE),
    fault("fill::halves", "fill_b8", F32, FAR, WRITE),
    fault("sgd::plain", "sgd_{t}", FLOATS, "drop bra 5", READ),
    fault("sgd::momentum", "sgd_momentum_{t}", FLOATS, "drop bra 5", READ),
    fault("adam::step", "adam_{t}", FLOATS, "drop bra 5", READ),
    fault("adagrad", "adagrad_{t}", FLOATS, "drop bra 5", READ),
    fault("adadelta", "adadelta_{t}", FLOATS, "drop bra 5", READ),
    fault("adam::amsgrad", "adam_amsgrad_{t}", FLOATS, "drop bra 5", READ),
    fault("rmsprop::plain", "rmsprop_{t}", FLOATS, "drop bra 5", READ),
    fault("rmsprop::momentum", "rmsprop_momentum_{t}", FLOATS, "drop bra 5", READ),
    fault("rmsprop::centered", "rmsprop_centered_{t}", FLOATS, "drop bra 5", READ),
    fault("rmsprop::centered_momentum", "rmsprop_centered_momentum_{t}", FLOATS, "drop bra 5", READ),
    // nor writes copies that nobody asked for
    fault("sgd::plain", "sgd_{t}", F32, "drop bra 6", WRITE),
    fault("adam::step", "adam_{t}", FLOATS, "drop bra 6", WRITE),
    // a step without a scale reads none, nor what was found
    fault("adam::step", "adam_{t}", FLOATS, "drop bra 1", READ),
    fault("adam::step", "adam_{t}", FLOATS, "drop bra 3", READ),
    fault("sgd::plain", "sgd_{t}", FLOATS, "drop bra 1", READ),
    fault("sgd::momentum", "sgd_momentum_{t}", FLOATS, "drop bra 3", READ),
    // a launch that is not captured reads no live values
    fault("sgd::momentum", "sgd_momentum_{t}", F32, "drop bra 0", READ),
    fault("adam::step", "adam_{t}", F32, "drop bra 0", READ),
    fault("adagrad", "adagrad_{t}", F32, "drop bra 0", READ),
    fault("sgd::plain", "sgd_{t}", F32, "drop bra 0", READ),
    fault("adam::amsgrad", "adam_amsgrad_{t}", F32, "drop bra 0", READ),
    fault("adadelta", "adadelta_{t}", F32, "drop bra 0", READ),
    fault("rmsprop::centered", "rmsprop_centered_{t}", F32, "drop bra 0", READ),
    fault("dropout::masks", "dropout_{t}", F32, "drop bra 0", READ),
];

#[rustfmt::skip] // a fault a line
/// A fault for each op of a family, whose tables name them: in the kernel of f32, since one line makes those of all types.
const FAMILIES: &[(Fault, &[&str])] = &[
    (fault("unary::all", "", &[], FAR, WRITE), warpsmith::ops::unary::KERNELS),
    (fault("binary::floats", "", &[], FAR, WRITE), crate::BINARY_FLOATS),
    (fault("reduce::floats", "", &[], "drop bar.sync 0", SHARED), crate::REDUCED),
    (fault("reduce::places", "", &[], "drop bar.sync 0", SHARED), crate::PLACED),
];

impl Fault {
    fn kernels(&self) -> Vec<String> {
        let itself = |t: &&&str| !self.kernel.starts_with(&format!("cast_{t}_"));
        let types = self.types.iter().filter(itself);
        let typed = types.map(|t| self.kernel.replace("{t}", t));
        let mut names: Vec<String> = typed
            .flat_map(|name| LAYOUTS.map(|l| name.replace("{l}", l)))
            .collect();
        names.sort();
        names.dedup();
        names
    }

    /// Of a device that the kernel is for.
    fn capability(&self) -> &'static str {
        match self.kernel.contains("wgmma") {
            true => "9.0",
            false => "8.0",
        }
    }

    /// What is wrong with the report of this fault in a kernel, if anything.
    fn missed(&self, kernel: &str) -> Option<String> {
        let plant = format!("{kernel} {}", self.change);
        let variables = [
            ("CUDA_EMULATOR_PLANT", plant.as_str()),
            ("CUDA_EMULATOR_CC", self.capability()),
            ("RAYON_NUM_THREADS", "1"),
        ];
        let output = again(self.test, &variables)?;
        let text = text(&output);
        let report = text.lines().any(|line| {
            // and where NVRTC's line info leads: to cuda/, or to a header that the kernel includes
            line.contains(&format!("at {kernel}, PTX line ")) && line.contains(" (")
        });
        let found = !output.status.success() && report && text.contains(self.says);
        (!found).then(|| format!("{plant}: expected a report of {:?} in\n{text}", self.says))
    }
}

/// The checker finds every fault, and names the kernel and the line of its source.
#[test]
#[cfg_attr(
    not(warpsmith_kernels),
    ignore = "this build holds no kernels: NVRTC was not found"
)]
fn planted_faults_are_found() {
    let each: Vec<(&Fault, String)> = FAULTS
        .iter()
        .flat_map(|fault| fault.kernels().into_iter().map(move |k| (fault, k)))
        .chain(FAMILIES.iter().flat_map(|(fault, kernels)| {
            let of_f32 = kernels.iter().filter(|kernel| kernel.ends_with("_f32"));
            of_f32.map(move |kernel| (fault, (*kernel).to_owned()))
        }))
        .collect();
    let missed: Vec<String> = each
        .par_iter()
        .filter_map(|(fault, kernel)| fault.missed(kernel))
        .collect();
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
#[cfg_attr(
    not(warpsmith_kernels),
    ignore = "this build holds no kernels: NVRTC was not found"
)]
fn every_kernel_has_a_planted_fault() {
    let of_families = FAMILIES.iter().flat_map(|(_, kernels)| *kernels);
    let planted = FAULTS.iter().flat_map(Fault::kernels);
    let planted: Vec<String> = planted
        .chain(of_families.map(|k| (*k).to_owned()))
        .collect();
    let without: Vec<&str> = kernels::entry_points()
        .map(|(_, name)| name)
        .filter(|name| !planted.iter().any(|planted| planted == name))
        .collect();
    assert!(
        without.is_empty(),
        "kernels without a planted fault: {without:?}"
    );
}
