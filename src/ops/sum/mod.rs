//! Sum and mean of all elements: PyTorch `torch.sum(x)` and `torch.mean(x)`, ONNX `ReduceSum` and `ReduceMean` over all
//! axes with `keepdims = 0`.
//!
//! The result has the input's type, so that an `f16` sum past 65504 is infinite, as in PyTorch. The CPU adds in `f64`,
//! kernels add in `f32`, both in an order that the length alone decides: the same sum on every run. Neither ends with an
//! infinity that only stood on the way to a smaller sum or to the mean. The sum of nothing is 0, the mean of nothing NaN.

pub(crate) mod cpu;
pub mod cuda;

use crate::checks::expect_shape;
use crate::element::Float;
use crate::error::Result;
use crate::ops::dispatch;
use crate::tensor::Tensor;

const OP: &str = "sum";

impl<T: Float> Tensor<T> {
    /// The sum of all elements, a tensor without dimensions.
    ///
    /// # Errors
    /// Whatever the device answers.
    pub fn sum(&self) -> Result<Self> {
        let mut out = Self::empty(&[], self.device())?;
        self.sum_out(&mut out)?;
        Ok(out)
    }

    /// [`Tensor::sum`] into `out`, without dimensions, on the same device.
    ///
    /// # Errors
    /// Another shape or device.
    pub fn sum_out(&self, out: &mut Self) -> Result<()> {
        expect_shape(OP, &[], out)?;
        let cpu = |x: &[T], y: &mut [T]| y[0] = T::from_f32(cpu::sum(x) as f32);
        dispatch::unary(OP, self, out, cpu, |s, x, y| cuda::sum(s, x, y))
    }

    /// The mean of all elements, a tensor without dimensions.
    ///
    /// # Errors
    /// Whatever the device answers.
    pub fn mean(&self) -> Result<Self> {
        let mut out = Self::empty(&[], self.device())?;
        self.mean_out(&mut out)?;
        Ok(out)
    }

    /// [`Tensor::mean`] into `out`, without dimensions, on the same device.
    ///
    /// # Errors
    /// Another shape or device.
    pub fn mean_out(&self, out: &mut Self) -> Result<()> {
        const OP: &str = "mean";
        expect_shape(OP, &[], out)?;
        let cpu = |x: &[T], y: &mut [T]| y[0] = T::from_f32((cpu::sum(x) / x.len() as f64) as f32);
        dispatch::unary(OP, self, out, cpu, |s, x, y| cuda::mean(s, x, y))
    }
}
