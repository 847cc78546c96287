//! What is made of truths, and which floats are infinite. Truths are chosen among, which is one pass (`where_`).

use crate::element::Float;
use crate::error::Result;
use crate::ops::where_::where_;
use crate::tensor::Tensor;

impl Tensor<bool> {
    /// Whether both hold; they broadcast together (`torch.logical_and`, `a & b`). Of numbers, `x.ne(0.0)` first.
    ///
    /// ```
    /// use warpsmith::{Device, Tensor};
    ///
    /// let x = Tensor::new([-1.0_f32, 0.5, 2.0], &Device::Cpu)?;
    /// let within = x.gt(0.0)?.logical_and(&x.lt(1.0)?)?;
    /// assert_eq!(within.to_vec()?, [false, true, false]);
    /// # Ok::<(), warpsmith::Error>(())
    /// ```
    ///
    /// # Errors
    /// Shapes that do not broadcast together, or different devices.
    pub fn logical_and(&self, other: &Self) -> Result<Self> {
        where_(self, other, false)
    }

    /// Whether either holds; they broadcast together (`torch.logical_or`, `a | b`).
    ///
    /// # Errors
    /// Those of [`Tensor::logical_and`].
    pub fn logical_or(&self, other: &Self) -> Result<Self> {
        where_(self, true, other)
    }

    /// Whether one of them holds and the other does not; they broadcast together (`torch.logical_xor`, `a != b`).
    ///
    /// # Errors
    /// Those of [`Tensor::logical_and`].
    pub fn logical_xor(&self, other: &Self) -> Result<Self> {
        where_(self, &other.logical_not()?, other)
    }

    /// Whether each does not hold (`torch.logical_not`, `~a`).
    ///
    /// # Errors
    /// Whatever the device answers.
    pub fn logical_not(&self) -> Result<Self> {
        where_(self, false, true)
    }
}

impl<T: Float> Tensor<T> {
    /// Whether each element is infinite, of either sign.
    ///
    /// # Errors
    /// Whatever the device answers.
    pub fn isinf(&self) -> Result<Tensor<bool>> {
        self.abs()?.eq(f32::INFINITY)
    }

    /// Whether each element is a number, and not infinite.
    ///
    /// # Errors
    /// Whatever the device answers.
    pub fn isfinite(&self) -> Result<Tensor<bool>> {
        self.abs()?.lt(f32::INFINITY)
    }
}
