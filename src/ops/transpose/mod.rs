//! Transpose: the last two axes swapped, of a matrix or of every matrix of a batch. ONNX `Transpose` with a `perm` that
//! ends in the two swapped, PyTorch `x.transpose(-2, -1)` followed by `contiguous()`: here every tensor is contiguous.

pub(crate) mod cpu;
pub mod cuda;

use crate::checks::expect_shape;
use crate::element::Element;
use crate::error::{Error, Result};
use crate::ops::dispatch;
use crate::ops::strides::axis;
use crate::tensor::Tensor;

const OP: &str = "transpose";

impl<T: Element> Tensor<T> {
    /// The tensor with two dimensions swapped; negative ones count from the end, as in PyTorch. The last two are this
    /// kernel's, others go by [`Tensor::permute`].
    ///
    /// # Errors
    /// Dimensions that the tensor does not have, or whatever the device answers.
    pub fn transpose(&self, dim0: isize, dim1: isize) -> Result<Self> {
        let rank = self.shape().len();
        let (first, second) = (axis(OP, dim0, rank)?, axis(OP, dim1, rank)?);
        if first == second {
            return Ok(self.clone());
        }
        if first.min(second) + 2 < rank {
            let mut dims: Vec<isize> = (0..rank as isize).collect();
            dims.swap(first, second);
            return self.permute(&dims);
        }
        let mut out = Self::empty(&self.transposed_shape()?, self.device())?;
        self.transpose_out(dim0, dim1, &mut out)?;
        Ok(out)
    }

    /// [`Tensor::transpose`] into `out`, of the transposed shape and on the same device.
    ///
    /// # Errors
    /// Axes that are not the last two, another shape or device.
    pub fn transpose_out(&self, dim0: isize, dim1: isize, out: &mut Self) -> Result<()> {
        if self.last_two(dim0)? == self.last_two(dim1)? {
            let got = format!("{dim0} and {dim1}");
            return Err(Error::argument(OP, "two different axes", got));
        }
        expect_shape(OP, &self.transposed_shape()?, out.shape())?;
        let (rows, cols) = match self.shape() {
            [.., rows, cols] => (*rows, *cols),
            _ => (1, 1),
        };
        dispatch::unary(
            OP,
            self,
            out,
            |x, y| cpu::transpose(x, y, rows, cols),
            |s, x, y| cuda::transpose(s, x, y, self.numel() / (rows * cols), rows, cols),
        )
    }

    /// The transposed matrix; a tensor of fewer than two dimensions is returned as it is, as in PyTorch.
    ///
    /// # Errors
    /// More than two dimensions, or whatever the device answers.
    pub fn t(&self) -> Result<Self> {
        match self.shape().len() {
            0 | 1 => Ok(self.clone()),
            2 => self.transpose(0, 1),
            _ => Err(Error::shape(
                "t",
                "at most two dimensions",
                format!("{:?}", self.shape()),
            )),
        }
    }

    /// The axis from the front, if it is one of the last two.
    fn last_two(&self, dim: isize) -> Result<usize> {
        let rank = self.shape().len();
        let axis = axis(OP, dim, rank)?;
        match axis + 2 >= rank {
            true => Ok(axis),
            false => {
                let expected = format!("one of the last two axes of shape {:?}", self.shape());
                Err(Error::argument(OP, expected, format!("axis {dim}")))
            }
        }
    }

    fn transposed_shape(&self) -> Result<Vec<usize>> {
        let mut shape = self.shape().to_vec();
        match shape.as_mut_slice() {
            [.., rows, cols] => std::mem::swap(rows, cols),
            _ => {
                let got = format!("{shape:?}");
                return Err(Error::shape(OP, "at least two dimensions", got));
            }
        }
        Ok(shape)
    }
}
