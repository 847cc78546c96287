//! Activations that a product or a convolution applies where its sums leave, and their gradients.

use crate::cpu;
use crate::cpu::math;
use crate::element::Float;
use crate::error::Result;
use crate::ops::{relu, sigmoid, tanh};
use crate::tensor::Tensor;

/// What is applied to every element of a product or convolution, after the bias.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Activation {
    /// The sum as it is.
    #[default]
    None,
    /// `max(v, 0)`, NaN for NaN.
    Relu,
    /// `1 / (1 + e^-v)`.
    Sigmoid,
    /// `(e^v - e^-v) / (e^v + e^-v)`.
    Tanh,
}

impl Activation {
    /// As `cuda/activation.cuh` has it.
    pub(crate) fn code(self) -> i32 {
        match self {
            Self::None => 0,
            Self::Relu => 1,
            Self::Sigmoid => 2,
            Self::Tanh => 3,
        }
    }

    /// Applies it to sums on the CPU, for a loop that is [`cpu::vectorized`].
    #[inline(always)]
    pub(crate) fn apply(self, y: &mut [f32]) {
        match self {
            Self::None => {}
            Self::Relu => y.iter_mut().for_each(|y| *y = relu::cpu::forward(*y)),
            Self::Sigmoid => y.iter_mut().for_each(|y| *y = math::sigmoid(*y)),
            Self::Tanh => y.iter_mut().for_each(|y| *y = math::tanh(*y)),
        }
    }

    /// The gradient of its input on the CPU, from that of its output `y`.
    pub(crate) fn backward<T: Float>(self, dy: &[T], y: &[T], dx: &mut [T]) {
        match self {
            Self::None => cpu::copy(dy, dx),
            Self::Relu => relu::cpu::relu_backward(dy, y, dx),
            Self::Sigmoid => sigmoid::cpu::sigmoid_backward(dy, y, dx),
            Self::Tanh => tanh::cpu::tanh_backward(dy, y, dx),
        }
    }
}

/// The gradient of an activation's input, from that of its output and the output itself.
///
/// # Errors
/// Different shapes or devices.
pub fn activation_backward<T: Float>(
    grad: &Tensor<T>,
    output: &Tensor<T>,
    activation: Activation,
) -> Result<Tensor<T>> {
    match activation {
        Activation::None => Ok(grad.clone()),
        Activation::Relu => relu::relu_backward(grad, output),
        Activation::Sigmoid => sigmoid::sigmoid_backward(grad, output),
        Activation::Tanh => tanh::tanh_backward(grad, output),
    }
}
