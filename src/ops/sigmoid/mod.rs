//! Sigmoid: `y = 1 / (1 + exp(-x))`. ONNX `Sigmoid`, PyTorch `torch.sigmoid`.
//!
//! Backward: `dx = dy * y * (1 - y)`. It takes the output, so that the input need not be kept.

pub(crate) mod cpu;
pub mod cuda;

use crate::checks::expect_shape;
use crate::element::Float;
use crate::error::Result;
use crate::ops::dispatch;
use crate::tensor::Tensor;

const OP: &str = "sigmoid";

impl<T: Float> Tensor<T> {
    /// `1 / (1 + exp(-x))` element by element.
    ///
    /// # Errors
    /// Whatever the device answers.
    pub fn sigmoid(&self) -> Result<Self> {
        let mut out = Self::empty(self.shape(), self.device())?;
        self.sigmoid_out(&mut out)?;
        Ok(out)
    }

    /// [`Tensor::sigmoid`] into `out`, of the same shape and device.
    ///
    /// # Errors
    /// Another shape or device.
    pub fn sigmoid_out(&self, out: &mut Self) -> Result<()> {
        expect_shape(OP, self.shape(), out.shape())?;
        dispatch::unary(OP, self, out, cpu::sigmoid, |s, x, y| {
            cuda::sigmoid(s, x, y)
        })
    }

    /// [`Tensor::sigmoid`] in place.
    ///
    /// # Errors
    /// Whatever the device answers.
    pub fn sigmoid_(&mut self) -> Result<()> {
        dispatch::in_place(self, cpu::sigmoid_in_place, |s, x| {
            cuda::sigmoid_in_place(s, x)
        })
    }
}

/// The gradient of [`Tensor::sigmoid`]'s input, from that of its output and the output itself.
///
/// # Errors
/// Different shapes or devices.
pub fn sigmoid_backward<T: Float>(grad: &Tensor<T>, output: &Tensor<T>) -> Result<Tensor<T>> {
    let mut out = Tensor::empty(grad.shape(), grad.device())?;
    sigmoid_backward_out(grad, output, &mut out)?;
    Ok(out)
}

/// [`sigmoid_backward`] into `out`.
///
/// # Errors
/// Different shapes or devices.
pub fn sigmoid_backward_out<T: Float>(
    grad: &Tensor<T>,
    output: &Tensor<T>,
    out: &mut Tensor<T>,
) -> Result<()> {
    const OP: &str = "sigmoid_backward";
    expect_shape(OP, grad.shape(), output.shape())?;
    expect_shape(OP, grad.shape(), out.shape())?;
    dispatch::binary(
        OP,
        grad,
        output,
        out,
        cpu::sigmoid_backward,
        |s, dy, y, dx| cuda::sigmoid_backward(s, dy, y, dx),
    )
}
