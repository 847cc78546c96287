use half::{bf16, f16};
use warpsmith::ops::relu_backward_out;
use warpsmith::{Device, Float, Tensor};

use crate::common::compare::Tolerance;
use crate::common::data::with_specials;
use crate::elementwise::Activation;

fn relu<T: Float>() -> Activation<T> {
    Activation {
        name: "relu",
        plain: Tensor::relu,
        out: Tensor::relu_out,
        in_place: Tensor::relu_,
        tolerance: Tolerance::EXACT,
        backward_out: relu_backward_out,
        backward_inputs: [with_specials, with_specials],
        backward_tolerance: Tolerance::EXACT,
    }
}

pub fn forward(device: &Device) {
    relu::<f32>().forward(device);
    relu::<f16>().forward(device);
    relu::<bf16>().forward(device);
}

pub fn in_place(device: &Device) {
    relu::<f32>().in_place(device);
    relu::<f16>().in_place(device);
    relu::<bf16>().in_place(device);
}

pub fn backward(device: &Device) {
    relu::<f32>().backward(device);
    relu::<f16>().backward(device);
    relu::<bf16>().backward(device);
}
