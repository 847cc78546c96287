//! Published ONNX vectors, on the CPU and on every CUDA device.
//!
//! A folder of `vectors/` is a test of its name; `every_vector_is_used` holds the folders against the list below.

#[path = "../common/mod.rs"]
mod common;
mod norm;
mod onnx;
mod run;
mod windows;

use include_dir::{Dir, include_dir};
use warpsmith::Device;

use common::compare::{Tolerance, compare};
use onnx::{Message, Model, Node, TensorProto};

static VECTORS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/tests/conformance/vectors");

/// One folder: the op with its attributes, what goes in and what must come out.
pub struct Vector {
    /// The op.
    pub node: Node,
    /// What goes in.
    pub inputs: Vec<TensorProto>,
    outputs: Vec<TensorProto>,
}

impl Vector {
    /// The shape that an output must have.
    pub fn output_shape(&self, i: usize) -> Vec<usize> {
        self.outputs[i].shape()
    }
}

fn read(name: &str) -> Vector {
    let bytes = |file: String| VECTORS.get_file(&file).map(|f| f.contents());
    let tensors = |kind: &str| -> Vec<TensorProto> {
        let each = (0..).map_while(|i| bytes(format!("{name}/{kind}_{i}.pb")));
        each.map(TensorProto::decode).collect()
    };
    let mut model = Model::decode(bytes(format!("{name}/model.onnx")).expect("a model"));
    let node = model.graph.node.remove(0);
    Vector {
        node,
        inputs: tensors("input"),
        outputs: tensors("output"),
    }
}

fn check(name: &str, device: &Device) {
    let vector = read(name);
    assert!(!vector.outputs.is_empty(), "{name} has no output");
    let got = run::run(&vector, device).unwrap_or_else(|e| panic!("{name} on {device}: {e}"));
    for (i, (got, want)) in got.iter().zip(&vector.outputs).enumerate() {
        let want: Vec<f64> = match want.data_type {
            7 => want.ints().iter().map(|&v| v as f64).collect(),
            _ => want.floats().iter().map(|&v| f64::from(v)).collect(),
        };
        // sums of ten terms at most, of size one
        if let Err(message) = compare(got, &want, Tolerance::of::<f32>(10, 1.0)) {
            panic!("{name} output {i} on {device}: {message}");
        }
    }
}

macro_rules! vectors {
    ($($name:ident)*) => {
        mod cpu {
            $(#[test]
            #[allow(non_snake_case, reason = "ONNX's names")]
            fn $name() {
                crate::check(stringify!($name), &warpsmith::Device::Cpu);
            })*
        }
        mod cuda {
            $(#[test]
            #[allow(non_snake_case, reason = "ONNX's names")]
            #[cfg_attr(not(warpsmith_kernels), ignore = "this build holds no kernels: NVRTC was not found")]
            fn $name() {
                for device in crate::common::devices::cuda_devices() {
                    crate::check(stringify!($name), &device);
                }
            })*
        }
        const LISTED: &[&str] = &[$(stringify!($name),)*];
    };
}

vectors! {
    adagrad
    adam
    argmax_negative_axis_keepdims_example
    argmax_negative_axis_keepdims_random
    averagepool_2d_ceil
    averagepool_2d_default
    averagepool_2d_dilations
    averagepool_2d_pads
    averagepool_2d_pads_count_include_pad
    averagepool_2d_precomputed_pads
    averagepool_2d_precomputed_pads_count_include_pad
    averagepool_2d_precomputed_same_upper
    averagepool_2d_precomputed_strides
    averagepool_2d_same_lower
    averagepool_2d_same_upper
    averagepool_2d_strides
    basic_conv_with_padding
    basic_conv_without_padding
    batchnorm_epsilon
    batchnorm_epsilon_training_mode
    batchnorm_example
    batchnorm_example_training_mode
    conv_with_autopad_same
    conv_with_strides_and_asymmetric_padding
    conv_with_strides_no_padding
    conv_with_strides_padding
    dropout_default
    dropout_default_ratio
    flatten_axis1
    flatten_axis2
    flatten_axis3
    flatten_default_axis
    flatten_negative_axis1
    flatten_negative_axis2
    flatten_negative_axis3
    gemm_default_no_bias
    gemm_default_vector_bias
    gemm_default_zero_bias
    gemm_transposeA
    gemm_transposeB
    globalaveragepool
    globalaveragepool_precomputed
    logsoftmax_axis_2
    logsoftmax_default_axis
    logsoftmax_example_1
    logsoftmax_large_number
    logsoftmax_negative_axis
    lrn
    lrn_default
    matmul_2d
    matmul_3d
    maxpool_2d_ceil
    maxpool_2d_ceil_output_size_reduce_by_one
    maxpool_2d_default
    maxpool_2d_dilations
    maxpool_2d_pads
    maxpool_2d_precomputed_pads
    maxpool_2d_precomputed_same_upper
    maxpool_2d_precomputed_strides
    maxpool_2d_same_lower
    maxpool_2d_same_upper
    maxpool_2d_strides
    maxpool_with_argmax_2d_precomputed_pads
    maxpool_with_argmax_2d_precomputed_strides
    momentum
    nesterov_momentum
    reduce_mean_default_axes_keepdims_random
    reduce_sum_default_axes_keepdims_random
    relu
    sce_mean
    sigmoid
    sigmoid_example
    softmax_axis_2
    softmax_default_axis
    softmax_example
    softmax_large_number
    softmax_negative_axis
    tanh
    tanh_example
    transpose_all_permutations_1
}

#[test]
fn every_vector_is_used() {
    let mut folders: Vec<_> = VECTORS
        .dirs()
        .map(|d| d.path().to_string_lossy().into_owned())
        .collect();
    folders.sort();
    assert_eq!(folders, LISTED);
}
