//! Tanh: `y = (exp(x) - exp(-x)) / (exp(x) + exp(-x))`. ONNX `Tanh`, PyTorch `torch.tanh`.
//!
//! Backward: `dx = dy * (1 - y^2)`. It takes the output, so that the input need not be kept.

pub(crate) mod cpu;
pub mod cuda;

use crate::checks::expect_shape;
use crate::element::Float;
use crate::error::Result;
use crate::ops::dispatch;
use crate::tensor::Tensor;

const OP: &str = "tanh";

impl<T: Float> Tensor<T> {
    /// `(exp(x) - exp(-x)) / (exp(x) + exp(-x))` element by element.
    ///
    /// # Errors
    /// Whatever the device answers.
    pub fn tanh(&self) -> Result<Self> {
        let mut out = Self::empty(self.shape(), self.device())?;
        self.tanh_out(&mut out)?;
        Ok(out)
    }

    /// [`Tensor::tanh`] into `out`, of the same shape and device.
    ///
    /// # Errors
    /// Another shape or device.
    pub fn tanh_out(&self, out: &mut Self) -> Result<()> {
        expect_shape(OP, self.shape(), out.shape())?;
        dispatch::unary(OP, self, out, cpu::tanh, |s, x, y| cuda::tanh(s, x, y))
    }

    /// [`Tensor::tanh`] in place.
    ///
    /// # Errors
    /// Whatever the device answers.
    pub fn tanh_(&mut self) -> Result<()> {
        dispatch::in_place(self, cpu::tanh_in_place, |s, x| cuda::tanh_in_place(s, x))
    }
}

/// The gradient of [`Tensor::tanh`]'s input, from that of its output and the output itself.
///
/// # Errors
/// Different shapes or devices.
pub fn tanh_backward<T: Float>(grad: &Tensor<T>, output: &Tensor<T>) -> Result<Tensor<T>> {
    let mut out = Tensor::empty(grad.shape(), grad.device())?;
    tanh_backward_out(grad, output, &mut out)?;
    Ok(out)
}

/// [`tanh_backward`] into `out`.
///
/// # Errors
/// Different shapes or devices.
pub fn tanh_backward_out<T: Float>(
    grad: &Tensor<T>,
    output: &Tensor<T>,
    out: &mut Tensor<T>,
) -> Result<()> {
    const OP: &str = "tanh_backward";
    expect_shape(OP, grad.shape(), output.shape())?;
    expect_shape(OP, grad.shape(), out.shape())?;
    dispatch::binary(OP, grad, output, out, cpu::tanh_backward, |s, dy, y, dx| {
        cuda::tanh_backward(s, dy, y, dx)
    })
}
