//! Bias: `y[.., c] = x[.., c] + bias[c]`, one bias per column. ONNX `Add` and PyTorch `x + bias`, which broadcast.
//!
//! Backward: dx is dy itself, the gradient of the bias is the sum of dy over the rows.

pub(crate) mod cpu;
pub mod cuda;

use crate::checks::expect_shape;
use crate::element::Float;
use crate::error::{Error, Result};
use crate::ops::dispatch;
use crate::tensor::Tensor;

const OP: &str = "bias_add";

impl<T: Float> Tensor<T> {
    /// `bias` added to every row; the tensor is (..., columns) and `bias` (columns).
    ///
    /// # Errors
    /// A bias of another shape or on another device, or a tensor without dimensions.
    pub fn bias_add(&self, bias: &Self) -> Result<Self> {
        let mut out = Self::empty(self.shape(), self.device())?;
        self.bias_add_out(bias, &mut out)?;
        Ok(out)
    }

    /// [`Tensor::bias_add`] into `out`, of the same shape and device.
    ///
    /// # Errors
    /// Those of [`Tensor::bias_add`], and another shape or device.
    pub fn bias_add_out(&self, bias: &Self, out: &mut Self) -> Result<()> {
        expect_shape(OP, &[self.columns()?], bias.shape())?;
        expect_shape(OP, self.shape(), out.shape())?;
        dispatch::binary(OP, self, bias, out, cpu::bias_add, |s, x, b, y| {
            cuda::bias_add(s, x, b, y)
        })
    }

    /// [`Tensor::bias_add`] in place.
    ///
    /// # Errors
    /// Those of [`Tensor::bias_add`].
    pub fn bias_add_(&mut self, bias: &Self) -> Result<()> {
        expect_shape(OP, &[self.columns()?], bias.shape())?;
        dispatch::update(
            OP,
            bias,
            self,
            |b, y| cpu::bias_add_in_place(y, b),
            |s, b, y| cuda::bias_add_in_place(s, y, b),
        )
    }

    fn columns(&self) -> Result<usize> {
        self.shape().last().copied().ok_or_else(|| {
            let expected = "at least one dimension";
            Error::shape(OP, expected, format!("{:?}", self.shape()))
        })
    }
}
