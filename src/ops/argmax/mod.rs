//! The place of the maximum in each row: PyTorch `torch.argmax(x, -1)`, ONNX `ArgMax` with `axis = -1`, `keepdims = 0`,
//! `select_last_index = 0`.
//!
//! The first of equal maxima wins; a NaN counts as the maximum, as in PyTorch (ONNX does not say).

pub(crate) mod cpu;
pub mod cuda;

use crate::checks::expect_shape;
use crate::element::Float;
use crate::error::{Error, Result, to_i32};
use crate::ops::dispatch;
use crate::ops::softmax::rows_and_cols;
use crate::tensor::Tensor;

const OP: &str = "argmax";

impl<T: Float> Tensor<T> {
    /// The place of the maximum along the last axis, for a tensor (..., cols) a tensor (...).
    ///
    /// # Errors
    /// No dimensions, or rows without columns.
    pub fn argmax(&self) -> Result<Tensor<i32>> {
        let rows = &self.shape()[..self.shape().len().saturating_sub(1)];
        let mut out = Tensor::empty(rows, self.device())?;
        self.argmax_out(&mut out)?;
        Ok(out)
    }

    /// [`Tensor::argmax`] into `out` (...).
    ///
    /// # Errors
    /// Another shape or device, no dimensions, or rows without columns.
    pub fn argmax_out(&self, out: &mut Tensor<i32>) -> Result<()> {
        let (rows, cols) = rows_and_cols(OP, self.shape())?;
        expect_shape(OP, &self.shape()[..self.shape().len() - 1], out.shape())?;
        if cols == 0 && rows > 0 {
            return Err(Error::shape(
                OP,
                "rows of at least one column",
                format!("{:?}", self.shape()),
            ));
        }
        to_i32(OP, "columns", cols)?;
        let cpu = |x: &[T], y: &mut [i32]| cpu::argmax(x, y, cols);
        dispatch::unary(OP, self, out, cpu, |s, x, y| {
            cuda::argmax(s, x, y, rows, cols)
        })
    }
}
