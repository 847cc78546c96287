//! Scaling: `y = factor x`. ONNX `Mul` with a scalar, PyTorch `torch.mul(x, factor)`.
//!
//! Backward: `dx = dy.mul(factor)`.

pub(crate) mod cpu;
pub mod cuda;

use crate::checks::expect_shape;
use crate::element::Float;
use crate::error::Result;
use crate::ops::dispatch;
use crate::tensor::Tensor;

const OP: &str = "scale";

impl<T: Float> Tensor<T> {
    /// Every element times `factor`.
    ///
    /// # Errors
    /// Whatever the device answers.
    pub fn mul(&self, factor: f32) -> Result<Self> {
        let mut out = Self::empty(self.shape(), self.device())?;
        self.mul_out(factor, &mut out)?;
        Ok(out)
    }

    /// [`Tensor::mul`] into `out`, of the same shape and device.
    ///
    /// # Errors
    /// Another shape or device.
    pub fn mul_out(&self, factor: f32, out: &mut Self) -> Result<()> {
        expect_shape(OP, self.shape(), out.shape())?;
        dispatch::unary(
            OP,
            self,
            out,
            |x, y| cpu::scale(x, y, factor),
            |s, x, y| cuda::scale(s, x, y, factor),
        )
    }

    /// [`Tensor::mul`] in place.
    ///
    /// # Errors
    /// Whatever the device answers.
    pub fn mul_(&mut self, factor: f32) -> Result<()> {
        dispatch::in_place(
            self,
            |x| cpu::scale_in_place(x, factor),
            |s, x| cuda::scale_in_place(s, x, factor),
        )
    }
}
