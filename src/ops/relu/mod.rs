//! ReLU: `y = max(x, 0)`, NaN where x is NaN. ONNX `Relu`, PyTorch `torch.relu`.
//!
//! Backward: `dx = 0` where `y <= 0`, else `dy`, so that the gradient passes where y is NaN, as in PyTorch. It takes the output, so that the input need not be kept.

pub(crate) mod cpu;
pub mod cuda;

use crate::checks::same_shape;
use crate::element::Float;
use crate::error::Result;
use crate::ops::dispatch;
use crate::tensor::Tensor;

const OP: &str = "relu";

impl<T: Float> Tensor<T> {
    /// `max(x, 0)` element by element.
    ///
    /// # Errors
    /// Whatever the device answers.
    pub fn relu(&self) -> Result<Self> {
        let mut out = Self::empty(self.shape(), self.device())?;
        self.relu_out(&mut out)?;
        Ok(out)
    }

    /// [`Tensor::relu`] into `out`, of the same shape and device.
    ///
    /// # Errors
    /// Another shape or device.
    pub fn relu_out(&self, out: &mut Self) -> Result<()> {
        same_shape(OP, self, out)?;
        dispatch::unary(OP, self, out, cpu::relu, |s, x, y| cuda::relu(s, x, y))
    }

    /// [`Tensor::relu`] in place.
    ///
    /// # Errors
    /// Whatever the device answers.
    pub fn relu_(&mut self) -> Result<()> {
        dispatch::in_place(self, cpu::relu_in_place, |s, x| cuda::relu_in_place(s, x))
    }
}

/// The gradient of [`Tensor::relu`]'s input, from that of its output and the output itself.
///
/// # Errors
/// Different shapes or devices.
pub fn relu_backward<T: Float>(grad: &Tensor<T>, output: &Tensor<T>) -> Result<Tensor<T>> {
    let mut out = Tensor::empty(grad.shape(), grad.device())?;
    relu_backward_out(grad, output, &mut out)?;
    Ok(out)
}

/// [`relu_backward`] into `out`.
///
/// # Errors
/// Different shapes or devices.
pub fn relu_backward_out<T: Float>(
    grad: &Tensor<T>,
    output: &Tensor<T>,
    out: &mut Tensor<T>,
) -> Result<()> {
    const OP: &str = "relu_backward";
    same_shape(OP, grad, output)?;
    same_shape(OP, grad, out)?;
    dispatch::binary(OP, grad, output, out, cpu::relu_backward, |s, dy, y, dx| {
        cuda::relu_backward(s, dy, y, dx)
    })
}
