//! Dropout: `y = x * m / (1 - p)`, m being 0 with probability p and else 1, each element for itself. PyTorch
//! `F.dropout(x, p, training=True)`, ONNX `Dropout(ratio)` with `training_mode`; in evaluation dropout does nothing and
//! is not called.
//!
//! The numbers are those of Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011) with
//! the seed as key and the counter `(i / 4, call)`, word `i % 4` for element i: a dropped element is one whose word is
//! below `p * 2^32`. So the mask depends on [`DropoutOptions`] and the element's place alone. It is the same on every
//! device, and backward makes it anew. With p = 0 every element is kept as it is, with p = 1 every one is dropped.
//!
//! Backward: `dx = dy * m / (1 - p)`.

pub(crate) mod cpu;
pub mod cuda;

use crate::checks::expect_shape;
use crate::element::Float;
use crate::error::{Error, Result};
use crate::ops::dispatch;
use crate::runtime::live::Live;
use crate::tensor::Tensor;

const OP: &str = "dropout";

/// Which elements are dropped.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DropoutOptions {
    /// The probability of being dropped, from 0 to 1.
    pub p: f64,
    /// The seed: another one gives other masks throughout.
    pub seed: u64,
    /// The number of this mask among those of the seed; a training step takes a new one.
    pub call: u64,
}

impl DropoutOptions {
    /// The mask's number as the kernel reads it where it is live.
    pub(crate) fn words(call: u64) -> Vec<i32> {
        vec![call as u32 as i32, (call >> 32) as u32 as i32]
    }

    /// The words below this are dropped; up to 2^32.
    pub(crate) fn threshold(&self) -> u64 {
        (self.p * f64::powi(2.0, 32)).round() as u64
    }

    /// What the elements that stay are multiplied with.
    pub(crate) fn scale(&self) -> f32 {
        match self.p {
            1.0 => 0.0,
            p => (1.0 / (1.0 - p)) as f32,
        }
    }

    pub(crate) fn check(&self, op: &'static str) -> Result<()> {
        match (0.0..=1.0).contains(&self.p) {
            true => Ok(()),
            false => Err(Error::argument(op, "a probability from 0 to 1", self.p)),
        }
    }
}

impl<T: Float> Tensor<T> {
    /// Zero with probability p, else `x / (1 - p)`, element by element.
    ///
    /// # Errors
    /// A p outside 0..=1, or whatever the device answers.
    pub fn dropout(&self, options: &DropoutOptions) -> Result<Self> {
        let mut out = Self::empty(self.shape(), self.device())?;
        self.dropout_out(options, &mut out)?;
        Ok(out)
    }

    /// [`Tensor::dropout`] into `out`, of the same shape and device.
    ///
    /// # Errors
    /// Those of [`Tensor::dropout`], and another shape or device.
    pub fn dropout_out(&self, options: &DropoutOptions, out: &mut Self) -> Result<()> {
        dropout_at(OP, self, options, None, out)
    }
}

/// The gradient of [`Tensor::dropout`]'s input, from that of its output and the options that made the mask.
///
/// # Errors
/// Those of [`Tensor::dropout`].
pub fn dropout_backward<T: Float>(grad: &Tensor<T>, options: &DropoutOptions) -> Result<Tensor<T>> {
    let mut out = Tensor::empty(grad.shape(), grad.device())?;
    dropout_backward_out(grad, options, &mut out)?;
    Ok(out)
}

/// [`dropout_backward`] into `out`.
///
/// # Errors
/// Those of [`Tensor::dropout_out`].
pub fn dropout_backward_out<T: Float>(
    grad: &Tensor<T>,
    options: &DropoutOptions,
    out: &mut Tensor<T>,
) -> Result<()> {
    dropout_at("dropout_backward", grad, options, None, out)
}

/// Either direction; the number of the mask is not that of the options where it changes from replay to replay.
pub(crate) fn dropout_at<T: Float>(
    op: &'static str,
    x: &Tensor<T>,
    options: &DropoutOptions,
    live: Option<&Live>,
    out: &mut Tensor<T>,
) -> Result<()> {
    options.check(op)?;
    expect_shape(op, x.shape(), out.shape())?;
    dispatch::unary(
        op,
        x,
        out,
        |x, y| cpu::dropout(x, y, options),
        |s, x, y| cuda::dropout_at(s, x, y, options, live),
    )
}
