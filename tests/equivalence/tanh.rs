use half::{bf16, f16};
use warpsmith::ops::tanh_backward_out;
use warpsmith::{Device, Float, Tensor};

use crate::common::compare::Tolerance;
use crate::common::data::{outliers, uniform};
use crate::elementwise::Activation;

fn tanh<T: Float>() -> Activation<T> {
    Activation {
        name: "tanh",
        plain: Tensor::tanh,
        out: Tensor::tanh_out,
        in_place: Tensor::tanh_,
        tolerance: Tolerance::of::<T>(9, 0.0),
        backward_out: tanh_backward_out,
        backward_inputs: [outliers, uniform],
        backward_tolerance: Tolerance::of::<T>(4, 1e-6),
    }
}

pub fn forward(device: &Device) {
    tanh::<f32>().forward(device);
    tanh::<f16>().forward(device);
    tanh::<bf16>().forward(device);
}

pub fn in_place(device: &Device) {
    tanh::<f32>().in_place(device);
    tanh::<f16>().in_place(device);
    tanh::<bf16>().in_place(device);
}

pub fn backward(device: &Device) {
    tanh::<f32>().backward(device);
    tanh::<f16>().backward(device);
    tanh::<bf16>().backward(device);
}
