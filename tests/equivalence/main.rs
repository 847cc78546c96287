//! Every kernel against the CPU side of its op, on whatever CUDA device answers.
//!
//! A line of the table below is a test: the function that runs it on one device, and the kernels it must have
//! launched. `claims` holds the table to what is launched, and against the entry points in the PTX.

#[path = "../common/mod.rs"]
mod common;

mod adadelta;
mod adagrad;
mod adam;
mod adaptive_avg_pool2d;
mod add;
mod amp;
mod argmax;
mod batch_norm2d;
mod bias_add;
mod binary;
mod cast;
mod claims;
mod column_sum;
mod conv2d;
mod copy;
mod cross_entropy;
mod cumsum;
mod dropout;
mod elementwise;
mod emulated;
mod fill;
mod index;
mod lrn;
mod matmul;
mod optimizers;
mod planted;
mod pool2d;
mod reduce;
mod relu;
mod rmsprop;
mod sgd;
mod sigmoid;
mod softmax;
mod subnormals;
mod sum;
mod tanh;
mod topk;
mod transpose;
mod unary;

/// A kernel for each float of each op; the last three are the integers'.
const BINARY_FLOATS: &[&str] = warpsmith::ops::binary::KERNELS
    .split_at(warpsmith::ops::binary::KERNELS.len() - 3)
    .0;

/// Kernels of reductions to values, and to places.
const REDUCED: &[&str] = warpsmith::ops::reduce::KERNELS.split_at(48).0;
const PLACED: &[&str] = warpsmith::ops::reduce::KERNELS.split_at(48).1;

macro_rules! tests {
    ($($op:ident { $($test:ident: $kernels:expr,)* })*) => {
        mod tests {
            $(mod $op {
                $(#[test]
                #[cfg_attr(not(warpsmith_kernels), ignore = "this build holds no kernels: NVRTC was not found")]
                fn $test() {
                    crate::claims::run(concat!(stringify!($op), "::", stringify!($test)), crate::$op::$test, &$kernels as &[&str]);
                })*
            })*
        }

        const CLAIMED: &[&[&str]] = &[$($(&$kernels,)*)*];
    };
}

tests! {
    subnormals {
        kept: ["add_f32", "binary_mul_f32", "relu_f32", "tanh_f32", "bias_add_f32", "cast_f32_bf16", "cast_f16_f32", "sum_f32"],
        exponentials: ["sigmoid_f32", "sigmoid_f16", "sigmoid_bf16", "softmax_f32"],
        powers: ["lrn_registers_f32", "lrn_columns_f32"],
        sums: ["sum_f32", "sum_f16", "sum_bf16", "sum_finish_f32", "sum_finish_f16", "sum_finish_bf16"],
    }
    amp {
        unscaled: ["amp_unscale_f32"],
        updated: ["amp_update"],
        steps: ["amp_advance", "sgd_f32", "sgd_momentum_f32", "adam_f32", "adam_amsgrad_f32", "adagrad_f32", "adadelta_f32",
            "rmsprop_f32", "rmsprop_momentum_f32", "rmsprop_centered_f32", "rmsprop_centered_momentum_f32"],
    }
    adam {
        step: ["adam_f32", "adam_f16", "adam_bf16"],
        decoupled: ["adam_f32", "adam_bf16"],
        amsgrad: ["adam_amsgrad_f32", "adam_amsgrad_f16", "adam_amsgrad_bf16"],
    }
    adadelta {
        step: ["adadelta_f32", "adadelta_f16", "adadelta_bf16"],
    }
    adagrad {
        step: ["adagrad_f32", "adagrad_f16", "adagrad_bf16"],
    }
    add {
        out_of_place: ["add_f32", "add_f16", "add_bf16"],
        in_place: ["add_f32", "add_f16", "add_bf16"],
    }
    batch_norm2d {
        statistics: ["batch_norm2d_stats_f32", "batch_norm2d_stats_f16", "batch_norm2d_stats_bf16",
            "batch_norm2d_finish"],
        forward: ["batch_norm2d_f32", "batch_norm2d_f16", "batch_norm2d_bf16"],
        backward_parameters: ["batch_norm2d_backward_sums_f32", "batch_norm2d_backward_sums_f16",
            "batch_norm2d_backward_sums_bf16", "batch_norm2d_backward_finish"],
        backward_input: ["batch_norm2d_backward_f32", "batch_norm2d_backward_f16", "batch_norm2d_backward_bf16"],
        views: [],
        layers: [],
    }
    adaptive_avg_pool2d {
        average: ["adaptive_avg_pool2d_f32", "adaptive_avg_pool2d_f16", "adaptive_avg_pool2d_bf16",
            "adaptive_avg_pool2d_backward_f32", "adaptive_avg_pool2d_backward_f16",
            "adaptive_avg_pool2d_backward_bf16"],
        views: [],
    }
    bias_add {
        out_of_place: ["bias_add_f32", "bias_add_f16", "bias_add_bf16"],
        in_place: ["bias_add_f32", "bias_add_f16", "bias_add_bf16"],
        misaligned_view: ["bias_add_f32"],
    }
    unary {
        all: *warpsmith::ops::unary::KERNELS,
        in_place: ["unary_gelu_f32", "unary_clamp_f32"],
    }
    binary {
        floats: *crate::BINARY_FLOATS,
        integers: ["binary_i64", "binary_i32", "binary_u8"],
        in_place: ["binary_sub_f16", "binary_mul_f16", "binary_add_f16"],
        compare: ["compare_f32", "compare_f16", "compare_bf16", "compare_i64", "compare_i32", "compare_u8"],
    }
    reduce {
        floats: *crate::REDUCED,
        places: *crate::PLACED,
        integers: *warpsmith::ops::reduce::INTEGER_KERNELS,
        gradients: [],
        exact: ["reduce_sum_f32"],
        truth: ["reduce_min_f32", "reduce_max_f32"],
    }
    copy {
        widths: ["copy_b128", "copy_b64", "copy_b32", "copy_b16", "copy_b8",
            "where_b64", "where_b32", "where_b16", "where_b8", "transpose_b64", "transpose_b8"],
        views: ["copy_b32"],
        printed: [],
    }
    index {
        gather: ["gather_b128", "gather_b64", "gather_b32", "gather_b16", "gather_b8"],
        scatter_add: ["scatter_add_f32", "scatter_add_f16", "scatter_add_bf16", "scatter_add_i64"],
        narrow_integers: ["scatter_add_i64"],
        gradients: ["scatter_add_f32"],
        views: ["gather_b32"],
        out_of_range: ["gather_b32", "scatter_add_f32"],
    }
    cumsum {
        floats: ["cumsum_f32", "cumsum_f16", "cumsum_bf16"],
        integers: ["cumsum_i64", "cumsum_i32", "cumsum_u8"],
        exact: ["cumsum_f32"],
    }
    topk {
        floats: ["topk_select_b32", "topk_select_b16", "topk_order_b32"],
        integers: ["topk_select_b64", "topk_select_b8", "topk_order_b64"],
    }
    cast {
        from_f32: ["cast_f32_f16", "cast_f32_bf16", "cast_f32_i64", "cast_f32_i32", "cast_f32_u8", "cast_f32_bool"],
        from_f16: ["cast_f16_f32", "cast_f16_bf16", "cast_f16_i64", "cast_f16_i32", "cast_f16_u8", "cast_f16_bool"],
        from_bf16: ["cast_bf16_f32", "cast_bf16_f16", "cast_bf16_i64", "cast_bf16_i32", "cast_bf16_u8", "cast_bf16_bool"],
        from_integers: ["cast_i64_f32", "cast_i64_f16", "cast_i64_bf16", "cast_i64_i32", "cast_i64_u8", "cast_i64_bool",
            "cast_i32_f32", "cast_i32_f16", "cast_i32_bf16", "cast_i32_i64", "cast_i32_u8", "cast_i32_bool",
            "cast_u8_f32", "cast_u8_f16", "cast_u8_bf16", "cast_u8_i64", "cast_u8_i32", "cast_u8_bool"],
        from_bool: ["cast_bool_f32", "cast_bool_f16", "cast_bool_bf16", "cast_bool_i64", "cast_bool_i32", "cast_bool_u8"],
        misaligned_view: ["cast_f16_f32"],
    }
    dropout {
        masks: ["dropout_f32", "dropout_f16", "dropout_bf16"],
        misaligned_view: ["dropout_f16"],
    }
    fill {
        words: ["fill_b64", "fill_b32"],
        halves: ["fill_b16", "fill_b8"],
        view: ["fill_b32"],
    }
    lrn {
        registers: ["lrn_registers_f32", "lrn_registers_f16", "lrn_registers_bf16"],
        columns: ["lrn_columns_f32", "lrn_columns_f16", "lrn_columns_bf16"],
        backward_registers: ["lrn_backward_registers_f32", "lrn_backward_registers_f16", "lrn_backward_registers_bf16"],
        backward_columns: ["lrn_backward_columns_f32", "lrn_backward_columns_f16", "lrn_backward_columns_bf16"],
        misaligned_view: ["lrn_registers_f16"],
    }
    argmax {
        rows: ["argmax_f32", "argmax_f16", "argmax_bf16",
            "argmax_block_f32", "argmax_block_f16", "argmax_block_bf16"],
    }
    column_sum {
        shapes: ["column_sum_f32", "column_sum_f16", "column_sum_bf16",
            "column_sum_finish_f32", "column_sum_finish_f16", "column_sum_finish_bf16"],
        activated: ["column_sum_activated_f32", "column_sum_activated_f16", "column_sum_activated_bf16"],
    }
    conv2d {
        tiled_128: [
            "conv2d_tiled_128_f32",
            "conv2d_tiled_128_backward_input_f32",
            "conv2d_tiled_128_backward_weight_f32",
        ],
        tiled_64: [
            "conv2d_tiled_64_f32",
            "conv2d_tiled_64_backward_input_f32",
            "conv2d_tiled_64_backward_weight_f32",
            "conv2d_tiled_64_bf16",
            "conv2d_tiled_64_backward_input_bf16",
            "conv2d_tiled_64_backward_weight_bf16",
        ],
        tiled_32: [
            "conv2d_tiled_32_f32",
            "conv2d_tiled_32_backward_input_f32",
        ],
        wmma_128: [
            "conv2d_wmma_128_f16",
            "conv2d_wmma_128_backward_input_f16",
            "conv2d_wmma_128_bf16",
            "conv2d_wmma_128_backward_input_bf16",
        ],
        wmma_64: [
            "conv2d_wmma_64_f16",
            "conv2d_wmma_64_backward_input_f16",
            "conv2d_wmma_64_backward_weight_f16",
            "conv2d_wmma_64_bf16",
            "conv2d_wmma_64_backward_input_bf16",
            "conv2d_wmma_64_backward_weight_bf16",
            "conv2d_wmma_64_f32",
            "conv2d_wmma_64_backward_input_f32",
            "conv2d_wmma_64_backward_weight_f32",
        ],
        mma_128: [
            "conv2d_mma_128_f16",
            "conv2d_mma_128_backward_weight_f16",
            "conv2d_mma_128_bf16",
            "conv2d_mma_128_backward_weight_bf16",
            "conv2d_mma_128_f32",
            "conv2d_mma_128_backward_weight_f32",
            "conv2d_channels_last_f16",
            "conv2d_channels_last_bf16",
            "conv2d_channels_last_f32",
            "conv2d_neighbours_last_f16",
            "conv2d_neighbours_last_bf16",
            "conv2d_neighbours_last_f32",
            "conv2d_pack_f16",
            "conv2d_pack_bf16",
            "conv2d_pack_f32",
            "conv2d_rows_f32",
            "conv2d_unpack_f16",
            "conv2d_unpack_bf16",
            "conv2d_unpack_f32",
        ],
        mma_96x128: [
            "conv2d_mma_96x128_f16",
            "conv2d_mma_96x128_backward_weight_f16",
            "conv2d_mma_96x128_bf16",
            "conv2d_mma_96x128_backward_weight_bf16",
            "conv2d_mma_96x128_f32",
            "conv2d_mma_96x128_backward_weight_f32",
            "conv2d_channels_last_f16",
            "conv2d_channels_last_bf16",
            "conv2d_channels_last_f32",
            "conv2d_neighbours_last_f16",
            "conv2d_neighbours_last_bf16",
            "conv2d_neighbours_last_f32",
            "conv2d_pack_f16",
            "conv2d_pack_bf16",
            "conv2d_pack_f32",
            "conv2d_rows_f32",
            "conv2d_unpack_f16",
            "conv2d_unpack_bf16",
            "conv2d_unpack_f32",
        ],
        mma_64: [
            "conv2d_mma_64_f16",
            "conv2d_mma_64_backward_weight_f16",
            "conv2d_mma_64_bf16",
            "conv2d_mma_64_backward_weight_bf16",
            "conv2d_mma_64_f32",
            "conv2d_mma_64_backward_weight_f32",
            "conv2d_channels_last_f16",
            "conv2d_channels_last_bf16",
            "conv2d_channels_last_f32",
            "conv2d_neighbours_last_f16",
            "conv2d_neighbours_last_bf16",
            "conv2d_neighbours_last_f32",
            "conv2d_pack_f16",
            "conv2d_pack_bf16",
            "conv2d_pack_f32",
            "conv2d_rows_f32",
            "conv2d_unpack_f16",
            "conv2d_unpack_bf16",
            "conv2d_unpack_f32",
        ],
        tensors: [
            "conv2d_mma_64_f16",
            "conv2d_mma_64_bf16",
            "conv2d_mma_64_f32",
            "conv2d_repack_f32",
            "conv2d_repack_f16",
            "conv2d_repack_bf16",
            "conv2d_bias_f32",
            "conv2d_bias_f16",
            "conv2d_bias_bf16",
            "conv2d_finish_f32",
            "conv2d_finish_f16",
            "conv2d_finish_bf16",
        ],
        activated: [
            "conv2d_bias_activated_f32",
            "conv2d_bias_activated_f16",
            "conv2d_bias_activated_bf16",
        ],
        layer: [
            "conv2d_bias_last_f16",
            "conv2d_bias_last_bf16",
            "conv2d_channels_last_f32_f16",
            "conv2d_channels_last_f32_bf16",
            "conv2d_neighbours_last_f32_f16",
            "conv2d_neighbours_last_f32_bf16",
        ],
    }
    cross_entropy {
        forward: ["cross_entropy_f32", "cross_entropy_f16", "cross_entropy_bf16",
            "cross_entropy_block_f32", "cross_entropy_block_f16", "cross_entropy_block_bf16"],
        backward: ["cross_entropy_backward_f32", "cross_entropy_backward_f16", "cross_entropy_backward_bf16",
            "cross_entropy_backward_block_f32", "cross_entropy_backward_block_f16",
            "cross_entropy_backward_block_bf16"],
        reductions: ["cross_entropy_sum", "cross_entropy_finish_f32", "cross_entropy_finish_f16",
            "cross_entropy_finish_bf16"],
        weighted: ["cross_entropy_weighted_f32", "cross_entropy_weighted_f16", "cross_entropy_weighted_bf16",
            "cross_entropy_weighted_block_f32", "cross_entropy_weighted_block_f16",
            "cross_entropy_weighted_block_bf16"],
        weighted_backward: ["cross_entropy_weighted_backward_f32", "cross_entropy_weighted_backward_f16",
            "cross_entropy_weighted_backward_bf16", "cross_entropy_weighted_backward_block_f32",
            "cross_entropy_weighted_backward_block_f16", "cross_entropy_weighted_backward_block_bf16"],
        ignored_rows: [],
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
        mma_128x256: [
            "matmul_mma_128x256_nn_f16",
            "matmul_mma_128x256_nt_f16",
            "matmul_mma_128x256_tn_f16",
            "matmul_mma_128x256_tt_f16",
            "matmul_mma_128x256_nn_bf16",
            "matmul_mma_128x256_nt_bf16",
            "matmul_mma_128x256_tn_bf16",
            "matmul_mma_128x256_tt_bf16",
            "matmul_mma_128x256_nn_f32",
            "matmul_mma_128x256_nt_f32",
            "matmul_mma_128x256_tt_f32",
        ],
        mma_128: [
            "matmul_mma_128_nn_f16",
            "matmul_mma_128_nt_f16",
            "matmul_mma_128_tn_f16",
            "matmul_mma_128_tt_f16",
            "matmul_mma_128_nn_bf16",
            "matmul_mma_128_nt_bf16",
            "matmul_mma_128_tn_bf16",
            "matmul_mma_128_tt_bf16",
            "matmul_mma_128_nn_f32",
            "matmul_mma_128_nt_f32",
            "matmul_mma_128_tt_f32",
        ],
        mma_64: [
            "matmul_mma_64_nn_f16",
            "matmul_mma_64_nt_f16",
            "matmul_mma_64_tn_f16",
            "matmul_mma_64_tt_f16",
            "matmul_mma_64_nn_bf16",
            "matmul_mma_64_nt_bf16",
            "matmul_mma_64_tn_bf16",
            "matmul_mma_64_tt_bf16",
            "matmul_mma_64_nn_f32",
            "matmul_mma_64_nt_f32",
            "matmul_mma_64_tn_f32",
            "matmul_mma_64_tt_f32",
        ],
        split: [
            "matmul_split_64_nn_f16",
            "matmul_split_64_nt_f16",
            "matmul_split_64_tn_f16",
            "matmul_split_64_tt_f16",
            "matmul_split_64_nn_bf16",
            "matmul_split_64_nt_bf16",
            "matmul_split_64_tn_bf16",
            "matmul_split_64_tt_bf16",
            "matmul_split_64_nn_f32",
            "matmul_split_64_nt_f32",
            "matmul_split_64_tn_f32",
            "matmul_split_64_tt_f32",
        ],
        thin_rows: [
            "matmul_thin_dots_f32",
            "matmul_thin_dots_f16",
            "matmul_thin_dots_bf16",
            "matmul_thin_sums_f32",
            "matmul_thin_sums_f16",
            "matmul_thin_sums_bf16",
            "matmul_finish_f32",
            "matmul_finish_f16",
            "matmul_finish_bf16",
        ],
        thin_cols: [
            "matmul_thin_dots_f32",
            "matmul_thin_dots_f16",
            "matmul_thin_dots_bf16",
            "matmul_thin_sums_f32",
            "matmul_thin_sums_f16",
            "matmul_thin_sums_bf16",
        ],
        thin_terms: [
            "matmul_thin_terms_f32",
            "matmul_thin_terms_f16",
            "matmul_thin_terms_bf16",
        ],
        thin_choice: [],
        wgmma: [
            "matmul_wgmma_nn_f16",
            "matmul_wgmma_nt_f16",
            "matmul_wgmma_tn_f16",
            "matmul_wgmma_tt_f16",
            "matmul_wgmma_nn_bf16",
            "matmul_wgmma_nt_bf16",
            "matmul_wgmma_tn_bf16",
            "matmul_wgmma_tt_bf16",
            "matmul_wgmma_nt_f32",
        ],
        wgmma_128: [
            "matmul_wgmma_128_nn_f16",
            "matmul_wgmma_128_nt_f16",
            "matmul_wgmma_128_tn_f16",
            "matmul_wgmma_128_tt_f16",
            "matmul_wgmma_128_nn_bf16",
            "matmul_wgmma_128_nt_bf16",
            "matmul_wgmma_128_tn_bf16",
            "matmul_wgmma_128_tt_bf16",
            "matmul_wgmma_128_nt_f32",
        ],
        wgmma_split: [
            "matmul_wgmma_split_nn_f16",
            "matmul_wgmma_split_nt_f16",
            "matmul_wgmma_split_tn_f16",
            "matmul_wgmma_split_tt_f16",
            "matmul_wgmma_split_nn_bf16",
            "matmul_wgmma_split_nt_bf16",
            "matmul_wgmma_split_tn_bf16",
            "matmul_wgmma_split_tt_bf16",
        ],
        wgmma_walk: [],
        pieces_choice: [],
        turned: [],
        choice: [],
        tensors: [],
    }
    optimizers {
        many_f32: ["sgd_f32", "sgd_momentum_f32", "adam_f32", "adam_amsgrad_f32",
            "adagrad_f32", "adadelta_f32", "rmsprop_f32", "rmsprop_momentum_f32",
            "rmsprop_centered_momentum_f32"],
        many_f16: ["sgd_f16", "sgd_momentum_f16", "adam_f16", "adam_amsgrad_f16",
            "adagrad_f16", "adadelta_f16", "rmsprop_f16", "rmsprop_momentum_f16",
            "rmsprop_centered_momentum_f16"],
        many_bf16: ["sgd_bf16", "sgd_momentum_bf16", "adam_bf16", "adam_amsgrad_bf16",
            "adagrad_bf16", "adadelta_bf16", "rmsprop_bf16", "rmsprop_momentum_bf16",
            "rmsprop_centered_momentum_bf16"],
        misaligned_views: ["sgd_momentum_f32"],
    }
    pool2d {
        max_forward: ["max_pool2d_f32", "max_pool2d_f16", "max_pool2d_bf16"],
        max_gradient: ["max_pool2d_backward_f32", "max_pool2d_backward_f16", "max_pool2d_backward_bf16"],
        average: ["avg_pool2d_f32", "avg_pool2d_f16", "avg_pool2d_bf16",
            "avg_pool2d_backward_f32", "avg_pool2d_backward_f16", "avg_pool2d_backward_bf16"],
    }
    relu {
        forward: ["relu_f32", "relu_f16", "relu_bf16"],
        in_place: ["relu_f32", "relu_f16", "relu_bf16"],
        backward: ["relu_backward_f32", "relu_backward_f16", "relu_backward_bf16"],
    }
    rmsprop {
        plain: ["rmsprop_f32", "rmsprop_f16", "rmsprop_bf16"],
        momentum: ["rmsprop_momentum_f32", "rmsprop_momentum_f16", "rmsprop_momentum_bf16"],
        centered: ["rmsprop_centered_f32", "rmsprop_centered_f16", "rmsprop_centered_bf16"],
        centered_momentum: ["rmsprop_centered_momentum_f32", "rmsprop_centered_momentum_f16",
            "rmsprop_centered_momentum_bf16"],
    }
    sgd {
        plain: ["sgd_f32", "sgd_f16", "sgd_bf16"],
        momentum: ["sgd_momentum_f32", "sgd_momentum_f16", "sgd_momentum_bf16"],
    }
    tanh {
        forward: ["tanh_f32", "tanh_f16", "tanh_bf16"],
        in_place: ["tanh_f32", "tanh_f16", "tanh_bf16"],
        backward: ["tanh_backward_f32", "tanh_backward_f16", "tanh_backward_bf16"],
    }
    transpose {
        words: ["transpose_b32"],
        halves: ["transpose_b16"],
        misaligned_view: ["transpose_b16"],
    }
}
