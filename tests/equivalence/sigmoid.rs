use half::{bf16, f16};
use warpsmith::ops::sigmoid_backward_out;
use warpsmith::{Device, Float, Tensor};

use crate::common::compare::Tolerance;
use crate::common::data::{outliers, uniform};
use crate::elementwise::Activation;

fn sigmoid<T: Float>() -> Activation<T> {
    Activation {
        name: "sigmoid",
        plain: Tensor::sigmoid,
        out: Tensor::sigmoid_out,
        in_place: Tensor::sigmoid_,
        tolerance: Tolerance::of::<T>(4, 1.0),
        backward_out: sigmoid_backward_out,
        backward_inputs: [outliers, uniform],
        backward_tolerance: Tolerance::of::<T>(4, 1e-6),
    }
}

pub fn forward(device: &Device) {
    sigmoid::<f32>().forward(device);
    sigmoid::<f16>().forward(device);
    sigmoid::<bf16>().forward(device);
}

pub fn in_place(device: &Device) {
    sigmoid::<f32>().in_place(device);
    sigmoid::<f16>().in_place(device);
    sigmoid::<bf16>().in_place(device);
}

pub fn backward(device: &Device) {
    sigmoid::<f32>().backward(device);
    sigmoid::<f16>().backward(device);
    sigmoid::<bf16>().backward(device);
}
