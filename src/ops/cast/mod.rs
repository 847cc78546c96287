//! Conversion between element types: PyTorch's `x.to(dtype)`, ONNX `Cast`.
//!
//! To a float: the nearest value, ties to even, infinity past the largest; an integer is rounded to `f32` first. From a
//! float to an integer: towards zero; past its range the nearest value that it has, and 0 for NaN (PyTorch leaves those
//! undefined). Between integers the high bits go, as in PyTorch. To `bool`: whether it is not 0, which NaN is not.

pub(crate) mod cpu;
pub mod cuda;

use std::any::Any;

use crate::checks::expect_shape;
use crate::element::Element;
use crate::error::Result;
use crate::ops::dispatch;
use crate::tensor::Tensor;

const OP: &str = "cast";

impl<T: Element> Tensor<T> {
    /// The elements as another type.
    ///
    /// ```
    /// use warpsmith::{Device, Tensor};
    ///
    /// let x = Tensor::from_slice(&[1.9_f32, -1.9], &[2], &Device::Cpu)?;
    /// assert_eq!(x.cast::<i32>()?.to_vec()?, [1, -1]);
    /// # Ok::<(), warpsmith::Error>(())
    /// ```
    ///
    /// # Errors
    /// Whatever the device answers.
    pub fn cast<U: Element>(&self) -> Result<Tensor<U>> {
        if let Some(same) = (self as &dyn Any).downcast_ref::<Tensor<U>>() {
            return Ok(same.clone());
        }
        let mut out = Tensor::empty(self.shape(), self.device())?;
        self.cast_out(&mut out)?;
        Ok(out)
    }

    /// [`Tensor::cast`] into `out`, of the same shape and device.
    ///
    /// # Errors
    /// Another shape or device.
    pub fn cast_out<U: Element>(&self, out: &mut Tensor<U>) -> Result<()> {
        expect_shape(OP, self.shape(), out.shape())?;
        let same = (self as &dyn Any).downcast_ref::<Tensor<U>>();
        if let Some(same) = same.filter(|same| same.device() == out.device()) {
            out.clone_from(same);
            return Ok(());
        }
        dispatch::unary(OP, self, out, cpu::cast, |s, x, y| cuda::cast(s, x, y))
    }
}
