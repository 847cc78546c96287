//! Parts of a tensor.

use std::ops::{Range, RangeFrom, RangeFull, RangeInclusive, RangeTo};

use crate::element::Element;
use crate::error::{Error, Result};
use crate::ops::strides::{axis, of_shape};
use crate::tensor::Tensor;

/// What [`Tensor::i`] takes of one dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Index {
    /// One place, negative from the end; the dimension goes.
    At(isize),
    /// Places from the first on and before the second, negative from the end; all to the end for `None`.
    Range(isize, Option<isize>),
    /// A new dimension of size 1 (PyTorch's `None`).
    New,
}

impl From<isize> for Index {
    fn from(at: isize) -> Self {
        Self::At(at)
    }
}
impl From<Range<isize>> for Index {
    fn from(range: Range<isize>) -> Self {
        Self::Range(range.start, Some(range.end))
    }
}
impl From<RangeInclusive<isize>> for Index {
    fn from(range: RangeInclusive<isize>) -> Self {
        // behind the last place from the end there is nothing to name
        Self::Range(
            *range.start(),
            range.end().checked_add(1).filter(|end| *end != 0),
        )
    }
}
impl From<RangeFrom<isize>> for Index {
    fn from(range: RangeFrom<isize>) -> Self {
        Self::Range(range.start, None)
    }
}
impl From<RangeTo<isize>> for Index {
    fn from(range: RangeTo<isize>) -> Self {
        Self::Range(0, Some(range.end))
    }
}
impl From<RangeFull> for Index {
    fn from(_: RangeFull) -> Self {
        Self::Range(0, None)
    }
}

/// One [`Index`], or a tuple of up to six, for the first dimensions.
pub trait IntoIndices {
    /// The indices in order.
    fn into_indices(self) -> Vec<Index>;
}

impl<I: Into<Index>> IntoIndices for I {
    fn into_indices(self) -> Vec<Index> {
        vec![self.into()]
    }
}

macro_rules! tuple {
    ($($name:ident)*) => {
        impl<$($name: Into<Index>),*> IntoIndices for ($($name,)*) {
            #[allow(non_snake_case, reason = "a value has its type's name")]
            fn into_indices(self) -> Vec<Index> {
                let ($($name,)*) = self;
                vec![$($name.into()),*]
            }
        }
    };
}
tuple!(A B);
tuple!(A B C);
tuple!(A B C D);
tuple!(A B C D E);
tuple!(A B C D E F);

impl<T: Element> Tensor<T> {
    /// A part by indices and ranges, as `x[0, 1:3, :, -1]` in PyTorch is `x.i((0, 1..3, .., -1))`.
    ///
    /// ```
    /// use warpsmith::{Device, Tensor};
    ///
    /// let x = Tensor::arange(0, 6, 1, &Device::Cpu)?.reshape(&[2, 3])?;
    /// assert_eq!(x.i(1)?.to_vec()?, [3, 4, 5]);
    /// assert_eq!(x.i((.., 1..))?.to_vec()?, [1, 2, 4, 5]);
    /// assert_eq!(x.i((-1, -1))?.item()?, 5);
    /// # Ok::<(), warpsmith::Error>(())
    /// ```
    ///
    /// # Errors
    /// More indices than dimensions, a place that is not there (named with its dimension and size), or a range that ends
    /// before it begins. As in PyTorch a range may reach past the end.
    pub fn i(&self, indices: impl IntoIndices) -> Result<Self> {
        let indices = indices.into_indices();
        let named = indices.iter().filter(|i| **i != Index::New).count();
        if named > self.dim() {
            let expected = format!(
                "at most {} indices for shape {:?}",
                self.dim(),
                self.shape()
            );
            return Err(Error::argument("i", expected, named));
        }
        let own = of_shape(self.shape());
        let (mut start, mut d) = (0, 0);
        let (mut shape, mut strides) = (Vec::new(), Vec::new());
        let rest = self.dim() - named;
        let all = std::iter::repeat_n(Index::Range(0, None), rest);
        for index in indices.into_iter().chain(all) {
            match index {
                Index::New => {
                    shape.push(1);
                    strides.push(0);
                    continue;
                }
                Index::At(at) => start += self.place("i", d, at)? * own[d].unsigned_abs(),
                Index::Range(from, to) => {
                    let size = self.shape()[d];
                    let bound = |at: isize| match at {
                        0.. => at.unsigned_abs().min(size),
                        _ => size.saturating_sub(at.unsigned_abs()),
                    };
                    let (first, end) = (bound(from), to.map_or(size, bound));
                    let len = end.saturating_sub(first);
                    start += if len == 0 {
                        0
                    } else {
                        first * own[d].unsigned_abs()
                    };
                    shape.push(len);
                    strides.push(own[d]);
                }
            }
            d += 1;
        }
        self.part(shape, start, &strides)
    }

    /// `length` places of a dimension from `start` on (`torch.narrow`).
    ///
    /// # Errors
    /// A dimension or places that are not there.
    pub fn narrow(&self, dim: isize, start: usize, length: usize) -> Result<Self> {
        let d = axis("narrow", dim, self.dim())?;
        let size = self.shape()[d];
        if start.checked_add(length).is_none_or(|end| end > size) {
            let expected = format!("places within dimension {d} of size {size}");
            let got = format!("{length} from {start} on");
            return Err(Error::argument("narrow", expected, got));
        }
        let strides = of_shape(self.shape());
        let mut shape = self.shape().to_vec();
        shape[d] = length;
        self.part(shape, start * strides[d].unsigned_abs(), &strides)
    }

    /// One place of a dimension, which goes (`torch.select`).
    ///
    /// # Errors
    /// A dimension or place that is not there.
    pub fn select(&self, dim: isize, index: isize) -> Result<Self> {
        let d = axis("select", dim, self.dim())?;
        let at = self.place("select", d, index)?;
        let mut shape = self.shape().to_vec();
        shape.remove(d);
        self.narrow(dim, at, 1)?.reshape(&shape)
    }

    /// Parts of a dimension, `size` places each, the last one less where that does not divide (`torch.split`).
    ///
    /// # Errors
    /// A dimension that is not there, or a size of 0.
    pub fn split(&self, size: usize, dim: isize) -> Result<Vec<Self>> {
        let all = self.shape()[axis("split", dim, self.dim())?];
        if size == 0 {
            return Err(Error::argument("split", "a size of at least 1", size));
        }
        let starts = (0..all.max(1)).step_by(size);
        starts
            .map(|start| self.narrow(dim, start, size.min(all - start)))
            .collect()
    }

    /// A dimension in so many parts of one size, the last ones less or missing where that does not divide (`torch.chunk`).
    ///
    /// # Errors
    /// A dimension that is not there, or no chunks.
    pub fn chunk(&self, chunks: usize, dim: isize) -> Result<Vec<Self>> {
        let all = self.shape()[axis("chunk", dim, self.dim())?];
        if chunks == 0 {
            return Err(Error::argument("chunk", "at least one chunk", chunks));
        }
        self.split(all.div_ceil(chunks).max(1), dim)
    }

    /// The place from the front.
    fn place(&self, op: &'static str, d: usize, at: isize) -> Result<usize> {
        let size = self.shape()[d];
        axis(op, at, size).map_err(|_| {
            let expected = format!("an index within dimension {d} of size {size}");
            Error::argument(op, expected, at)
        })
    }

    /// [`Tensor::gathered`], or this tensor itself where that is all of it.
    fn part(&self, shape: Vec<usize>, start: usize, strides: &[isize]) -> Result<Self> {
        match shape.iter().product::<usize>() == self.numel() {
            true => self.reshape(&shape),
            false => self.gathered(shape, start, strides),
        }
    }
}
