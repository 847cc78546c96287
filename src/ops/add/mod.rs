//! Scaled sum: `y = a + alpha b`, rounded once: PyTorch `torch.add(a, b, alpha=alpha)`. Without alpha it is an op of [`binary`](super::binary).
//!
//! Backward: the gradient of `a` is dy itself, that of `b` is `dy.mul(alpha)`.

pub(crate) mod cpu;
pub mod cuda;

use crate::checks::expect_shape;
use crate::element::Float;
use crate::error::Result;
use crate::ops::dispatch;
use crate::tensor::Tensor;

const OP: &str = "add";

impl<T: Float> Tensor<T> {
    /// `self + alpha * other` element by element.
    ///
    /// # Errors
    /// Different shapes or devices.
    pub fn add_alpha(&self, other: &Self, alpha: f32) -> Result<Self> {
        let mut out = Self::empty(self.shape(), self.device())?;
        self.add_alpha_out(other, alpha, &mut out)?;
        Ok(out)
    }

    /// [`Tensor::add_alpha`] into `out`, of the same shape and device.
    ///
    /// # Errors
    /// Different shapes or devices.
    pub fn add_alpha_out(&self, other: &Self, alpha: f32, out: &mut Self) -> Result<()> {
        expect_shape(OP, self.shape(), other.shape())?;
        expect_shape(OP, self.shape(), out.shape())?;
        dispatch::binary(
            OP,
            self,
            other,
            out,
            |a, b, y| cpu::add(a, b, y, alpha),
            |s, a, b, y| cuda::add(s, a, b, y, alpha),
        )
    }

    /// [`Tensor::add_alpha`] in place.
    ///
    /// # Errors
    /// Different shapes or devices.
    pub fn add_alpha_(&mut self, other: &Self, alpha: f32) -> Result<()> {
        expect_shape(OP, self.shape(), other.shape())?;
        dispatch::update(
            OP,
            other,
            self,
            |b, y| cpu::add_in_place(y, b, alpha),
            |s, b, y| cuda::add_in_place(s, y, b, alpha),
        )
    }
}
