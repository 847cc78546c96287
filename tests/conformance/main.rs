//! Every op against published ONNX vectors, on the CPU and on every CUDA device that answers.
//!
//! A line of the table is a test: the folder in `vectors/`, the files it reads, the function in `ops.rs` that runs the
//! op on them. The files are part of the binary, which then runs on any machine.

#[path = "../common/mod.rs"]
mod common;
mod ops;
mod reader;

use common::compare::{Tolerance, compare};
use reader::Value;
use warpsmith::{Device, Tensor};

/// Runs an op on a vector's inputs and gives its outputs.
type Op = fn(&Inputs) -> Vec<Vec<f32>>;

/// The inputs of a vector and the device to run them on.
struct Inputs {
    values: Vec<Value>,
    device: Device,
}

impl Inputs {
    /// An input of floats, on the device.
    fn tensor(&self, i: usize) -> Tensor<f32> {
        let value = &self.values[i];
        Tensor::from_slice(&value.floats, &value.shape, &self.device).unwrap()
    }

    /// An input of integers, on the device.
    fn labels(&self, i: usize) -> Tensor<i32> {
        let value = &self.values[i];
        let labels: Vec<i32> = value.integers.iter().map(|&v| v as i32).collect();
        Tensor::from_slice(&labels, &value.shape, &self.device).unwrap()
    }
}

/// The CPU, and CUDA where a driver answers and this build holds kernels; the run prints which.
fn devices() -> Vec<Device> {
    let mut devices = vec![Device::Cpu];
    for ordinal in 0..Device::cuda_count().unwrap_or_default() {
        match Device::cuda(ordinal) {
            Ok(device) => devices.push(device),
            Err(warpsmith::Error::NoKernels(_)) => {}
            Err(error) => panic!("cuda:{ordinal}: {error}"),
        }
    }
    devices
}

fn run(name: &str, op: Op, inputs: &[&[u8]], outputs: &[&[u8]]) {
    for device in devices() {
        println!("{name} on {device}");
        let values = inputs.iter().map(|bytes| Value::read(bytes)).collect();
        let got = op(&Inputs { values, device });
        assert_eq!(got.len(), outputs.len(), "outputs of {name}");
        for (got, want) in got.iter().zip(outputs) {
            let want = Value::read(want);
            let integers = want.integers.iter().map(|&v| v as f64);
            let want: Vec<f64> = want
                .floats
                .iter()
                .map(|&v| f64::from(v))
                .chain(integers)
                .collect();
            let got: Vec<f64> = got.iter().map(|&v| f64::from(v)).collect();
            // the vectors were computed in f32 as well
            let tolerance = Tolerance::of::<f32>(16, 1.0);
            compare(&got, &want, tolerance).unwrap_or_else(|e| panic!("{name}: {e}"));
        }
    }
}

macro_rules! vectors {
    ($($name:ident [$($input:literal)*] -> [$($output:literal)*] $op:ident,)*) => {
        $(#[test]
        fn $name() {
            run(
                stringify!($name),
                ops::$op,
                &[$(bytes!($name, "input", $input)),*],
                &[$(bytes!($name, "output", $output)),*],
            );
        })*

        /// The folders that the table uses.
        const USED: &[&str] = &[$(stringify!($name)),*];
    };
}

macro_rules! bytes {
    ($name:ident, $kind:literal, $number:literal) => {
        include_bytes!(concat!(
            "vectors/",
            stringify!($name),
            "/",
            $kind,
            "_",
            $number,
            ".pb"
        ))
    };
}

vectors! {
    argmax_negative_axis_keepdims_example [0] -> [0] argmax,
    argmax_negative_axis_keepdims_random [0] -> [0] argmax,
    argmax_no_keepdims_example [0] -> [0] argmax,
    logsoftmax_axis_2 [0] -> [0] log_softmax,
    logsoftmax_default_axis [0] -> [0] log_softmax,
    logsoftmax_example_1 [0] -> [0] log_softmax,
    logsoftmax_large_number [0] -> [0] log_softmax,
    logsoftmax_negative_axis [0] -> [0] log_softmax,
    reduce_mean_default_axes_keepdims_example [0] -> [0] mean,
    reduce_mean_default_axes_keepdims_random [0] -> [0] mean,
    reduce_sum_default_axes_keepdims_example [0] -> [0] sum,
    reduce_sum_default_axes_keepdims_random [0] -> [0] sum,
    relu [0] -> [0] relu,
    sce_mean [0 1] -> [0] cross_entropy,
    sce_mean_log_prob [0 1] -> [0 1] cross_entropy_and_log_softmax,
    sigmoid [0] -> [0] sigmoid,
    sigmoid_example [0] -> [0] sigmoid,
    softmax_axis_2 [0] -> [0] softmax,
    softmax_default_axis [0] -> [0] softmax,
    softmax_example [0] -> [0] softmax,
    softmax_large_number [0] -> [0] softmax,
    softmax_negative_axis [0] -> [0] softmax,
}

/// Folders of `vectors/` that wait for their ops: the first letters of their names.
const WAITING: &[&str] = &[
    "adam",
    "gemm",
    "lrn",
    "matmul",
    "momentum",
    "nesterov",
    "transpose",
];

#[test]
fn every_vector_is_used() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance/vectors");
    // where the binary was carried to a machine without the sources, there is nothing to compare with
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries.map(Result::unwrap).filter(|e| e.path().is_dir()) {
        let name = entry.file_name().into_string().unwrap();
        let waiting = WAITING.iter().any(|start| name.starts_with(start));
        assert_ne!(
            USED.contains(&name.as_str()),
            waiting,
            "{name}: used, or waiting, but not both"
        );
    }
}
