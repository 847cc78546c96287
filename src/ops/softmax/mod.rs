//! Softmax and log-softmax over the last axis: `y = exp(x - max) / sum(exp(x - max))` and
//! `y = x - max - log(sum(exp(x - max)))`. ONNX `Softmax` and `LogSoftmax` with `axis = -1`, PyTorch
//! `torch.softmax(x, -1)` and `torch.log_softmax(x, -1)`.
//!
//! A row with a NaN or +inf in it, or of nothing but -inf, is NaN throughout, as in PyTorch; -inf beside finite values
//! has probability 0.
//!
//! Backward: `dx = y * (dy - sum(dy * y))` and `dx = dy - exp(y) * sum(dy)`. Both take the output, so that the input
//! need not be kept.

pub(crate) mod cpu;
pub mod cuda;

use crate::checks::expect_shape;
use crate::element::Float;
use crate::error::{Error, Result};
use crate::ops::dispatch;
use crate::tensor::Tensor;

const OP: &str = "softmax";

/// Rows and columns of a shape whose last axis is the columns.
pub(crate) fn rows_and_cols(op: &'static str, shape: &[usize]) -> Result<(usize, usize)> {
    match shape.split_last() {
        Some((&cols, rest)) => Ok((rest.iter().product(), cols)),
        None => Err(Error::shape(op, "at least one dimension", "a scalar")),
    }
}

impl<T: Float> Tensor<T> {
    /// Softmax over the last axis (`torch.softmax(x, -1)`).
    ///
    /// # Errors
    /// A tensor without dimensions.
    pub fn softmax(&self) -> Result<Self> {
        let mut out = Self::empty(self.shape(), self.device())?;
        self.softmax_out(&mut out)?;
        Ok(out)
    }

    /// [`Tensor::softmax`] into `out`, of the same shape and device.
    ///
    /// # Errors
    /// Another shape or device, a tensor without dimensions.
    pub fn softmax_out(&self, out: &mut Self) -> Result<()> {
        let (rows, cols) = rows_and_cols(OP, self.shape())?;
        expect_shape(OP, self.shape(), out.shape())?;
        let cpu = |x: &[T], y: &mut [T]| cpu::softmax(x, y, cols);
        dispatch::unary(OP, self, out, cpu, |s, x, y| {
            cuda::softmax(s, x, y, rows, cols)
        })
    }

    /// Softmax along any dimension (`torch.softmax(x, dim)`), which is put last for it and back.
    ///
    /// # Errors
    /// A dimension that the tensor does not have.
    pub fn softmax_dim(&self, dim: isize) -> Result<Self> {
        self.transpose(dim, -1)?.softmax()?.transpose(dim, -1)
    }

    /// [`Tensor::log_softmax`] along any dimension (`torch.log_softmax(x, dim)`).
    ///
    /// # Errors
    /// A dimension that the tensor does not have.
    pub fn log_softmax_dim(&self, dim: isize) -> Result<Self> {
        self.transpose(dim, -1)?.log_softmax()?.transpose(dim, -1)
    }

    /// The logarithm of softmax over the last axis (`torch.log_softmax(x, -1)`).
    ///
    /// # Errors
    /// A tensor without dimensions.
    pub fn log_softmax(&self) -> Result<Self> {
        let mut out = Self::empty(self.shape(), self.device())?;
        self.log_softmax_out(&mut out)?;
        Ok(out)
    }

    /// [`Tensor::log_softmax`] into `out`, of the same shape and device.
    ///
    /// # Errors
    /// Another shape or device, a tensor without dimensions.
    pub fn log_softmax_out(&self, out: &mut Self) -> Result<()> {
        const OP: &str = "log_softmax";
        let (rows, cols) = rows_and_cols(OP, self.shape())?;
        expect_shape(OP, self.shape(), out.shape())?;
        let cpu = |x: &[T], y: &mut [T]| cpu::log_softmax(x, y, cols);
        dispatch::unary(OP, self, out, cpu, |s, x, y| {
            cuda::log_softmax(s, x, y, rows, cols)
        })
    }
}

/// The gradient of [`Tensor::softmax`]'s input, from that of its output and the output itself.
///
/// # Errors
/// Different shapes or devices, tensors without dimensions.
pub fn softmax_backward<T: Float>(grad: &Tensor<T>, output: &Tensor<T>) -> Result<Tensor<T>> {
    let mut out = Tensor::empty(grad.shape(), grad.device())?;
    softmax_backward_out(grad, output, &mut out)?;
    Ok(out)
}

/// [`softmax_backward`] into `out`.
///
/// # Errors
/// Different shapes or devices, tensors without dimensions.
pub fn softmax_backward_out<T: Float>(
    grad: &Tensor<T>,
    output: &Tensor<T>,
    out: &mut Tensor<T>,
) -> Result<()> {
    const OP: &str = "softmax_backward";
    let (rows, cols) = rows_and_cols(OP, grad.shape())?;
    expect_shape(OP, grad.shape(), output.shape())?;
    expect_shape(OP, grad.shape(), out.shape())?;
    let cpu = |dy: &[T], y: &[T], dx: &mut [T]| cpu::softmax_backward(dy, y, dx, cols);
    dispatch::binary(OP, grad, output, out, cpu, |s, dy, y, dx| {
        cuda::softmax_backward(s, dy, y, dx, rows, cols)
    })
}

/// The gradient of [`Tensor::log_softmax`]'s input, from that of its output and the output itself.
///
/// # Errors
/// Different shapes or devices, tensors without dimensions.
pub fn log_softmax_backward<T: Float>(grad: &Tensor<T>, output: &Tensor<T>) -> Result<Tensor<T>> {
    let mut out = Tensor::empty(grad.shape(), grad.device())?;
    log_softmax_backward_out(grad, output, &mut out)?;
    Ok(out)
}

/// [`log_softmax_backward`] into `out`.
///
/// # Errors
/// Different shapes or devices, tensors without dimensions.
pub fn log_softmax_backward_out<T: Float>(
    grad: &Tensor<T>,
    output: &Tensor<T>,
    out: &mut Tensor<T>,
) -> Result<()> {
    const OP: &str = "log_softmax_backward";
    let (rows, cols) = rows_and_cols(OP, grad.shape())?;
    expect_shape(OP, grad.shape(), output.shape())?;
    expect_shape(OP, grad.shape(), out.shape())?;
    let cpu = |dy: &[T], y: &[T], dx: &mut [T]| cpu::log_softmax_backward(dy, y, dx, cols);
    dispatch::binary(OP, grad, output, out, cpu, |s, dy, y, dx| {
        cuda::log_softmax_backward(s, dy, y, dx, rows, cols)
    })
}
