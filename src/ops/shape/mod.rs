//! What changes a tensor's shape or takes a part of it, with PyTorch's names. Tensors are contiguous: `reshape`, `view`,
//! `squeeze`, `unsqueeze` and `flatten` share the elements and cost nothing; the others copy what they keep, once, in one
//! launch for each tensor that goes in (`copy`). Where PyTorch's are views, writes to ours do not reach the other tensor.
//!
//! `permute` orders dimensions, `expand` repeats, `slice` takes parts, `join` puts tensors together,
//! `triangle` keeps one half of a matrix.
//!
//! Backward: of a reshape the reshape back; of `permute` the inverse one; of `narrow` and its like `pad`; of `expand` and
//! `repeat` a sum over what was repeated; of `cat` the parts of dy; `flip` is its own.

mod expand;
mod join;
mod permute;
mod slice;
mod triangle;

pub use join::{cat, stack};
pub use slice::{Index, IntoIndices};

use crate::element::Element;
use crate::error::{Error, Result};
use crate::ops::strides::axis;
use crate::tensor::Tensor;

impl<T: Element> Tensor<T> {
    /// [`Tensor::reshape`] with one size that may be -1 and follows from the others (`torch.Tensor.view`).
    ///
    /// ```
    /// use warpsmith::{Device, Tensor};
    ///
    /// let x = Tensor::<f32>::zeros(&[8, 3, 5], &Device::Cpu)?;
    /// assert_eq!(x.view(&[4, -1])?.shape(), [4, 30]);
    /// # Ok::<(), warpsmith::Error>(())
    /// ```
    ///
    /// # Errors
    /// Where the shape holds another number of elements, or more than one size is -1.
    pub fn view(&self, shape: &[isize]) -> Result<Self> {
        let wrong = || {
            let expected = format!("a shape of {} elements, one size -1 at most", self.numel());
            Error::shape("view", expected, format!("{shape:?}"))
        };
        let mut known = shape.iter().filter(|size| **size >= 0);
        let known = known.try_fold(1_usize, |n, size| n.checked_mul(size.unsigned_abs()));
        let known = known.ok_or_else(wrong)?;
        let mut inferred = false;
        let mut sizes = Vec::with_capacity(shape.len());
        for size in shape {
            sizes.push(match usize::try_from(*size) {
                Ok(size) => size,
                Err(_) if *size == -1 && !inferred && known > 0 => {
                    inferred = true;
                    self.numel() / known
                }
                Err(_) => return Err(wrong()),
            });
        }
        match sizes.iter().product::<usize>() == self.numel() {
            true => self.reshape(&sizes),
            false => Err(wrong()),
        }
    }

    /// The same without its dimensions of size 1, or without that one where `dim` is given and its size is 1.
    ///
    /// # Errors
    /// A dimension that the tensor does not have.
    pub fn squeeze(&self, dim: impl Into<Option<isize>>) -> Result<Self> {
        let rank = self.shape().len();
        let only = dim
            .into()
            .map(|dim| axis("squeeze", dim, rank))
            .transpose()?;
        let kept = self.shape().iter().enumerate();
        let kept = kept.filter(|(d, size)| **size != 1 || only.is_some_and(|only| only != *d));
        let shape: Vec<usize> = kept.map(|(_, size)| *size).collect();
        self.reshape(&shape)
    }

    /// The same with a dimension of size 1 before `dim`, or behind all others for -1.
    ///
    /// # Errors
    /// A place that is not there.
    pub fn unsqueeze(&self, dim: isize) -> Result<Self> {
        let mut shape = self.shape().to_vec();
        shape.insert(axis("unsqueeze", dim, shape.len() + 1)?, 1);
        self.reshape(&shape)
    }

    /// The number of dimensions (`torch.Tensor.dim`).
    pub fn dim(&self) -> usize {
        self.shape().len()
    }

    /// The size of a dimension; negative ones count from the end.
    ///
    /// # Errors
    /// A dimension that the tensor does not have.
    pub fn size(&self, dim: isize) -> Result<usize> {
        Ok(self.shape()[axis("size", dim, self.dim())?])
    }
}
