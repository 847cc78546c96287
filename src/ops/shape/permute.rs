//! Dimensions in another order, or walked from their end.

use crate::element::Element;
use crate::error::{Error, Result};
use crate::ops::copy::copy;
use crate::ops::strides::{Strides, axis, of_shape};
use crate::tensor::Tensor;

impl<T: Element> Tensor<T> {
    /// The dimensions in this order, negative ones counted from the end (`torch.permute`, ONNX `Transpose`).
    ///
    /// ```
    /// use warpsmith::{Device, Tensor};
    ///
    /// let images = Tensor::<f32>::zeros(&[8, 3, 32, 24], &Device::Cpu)?;
    /// assert_eq!(images.permute(&[0, 2, 3, 1])?.shape(), [8, 32, 24, 3]);
    /// # Ok::<(), warpsmith::Error>(())
    /// ```
    ///
    /// # Errors
    /// Where the list does not have each dimension once.
    pub fn permute(&self, dims: &[isize]) -> Result<Self> {
        let rank = self.dim();
        let mut order = Vec::with_capacity(rank);
        for dim in dims {
            order.push(axis("permute", *dim, rank)?);
        }
        let mut sorted = order.clone();
        sorted.sort_unstable();
        if !sorted.into_iter().eq(0..rank) {
            let expected = format!("each of {rank} dimensions once");
            return Err(Error::argument("permute", expected, format!("{dims:?}")));
        }
        if order.is_sorted() {
            return Ok(self.clone());
        }
        let own = of_shape(self.shape());
        let shape: Vec<usize> = order.iter().map(|d| self.shape()[*d]).collect();
        let strides: Vec<isize> = order.iter().map(|d| own[*d]).collect();
        self.gathered(shape, 0, &strides)
    }

    /// The tensor with these dimensions walked from their end (`torch.flip`).
    ///
    /// # Errors
    /// A dimension that the tensor does not have, or one twice.
    pub fn flip(&self, dims: &[isize]) -> Result<Self> {
        let mut strides = of_shape(self.shape());
        let mut start = 0;
        let mut flipped = Vec::new();
        for dim in dims {
            let d = axis("flip", *dim, self.dim())?;
            if flipped.contains(&d) {
                let got = format!("{dims:?}");
                return Err(Error::argument("flip", "each dimension once", got));
            }
            flipped.push(d);
            start += self.shape()[d].saturating_sub(1) * strides[d].unsigned_abs();
            strides[d] = -strides[d];
        }
        self.gathered(self.shape().to_vec(), start, &strides)
    }

    /// A tensor of `shape` whose elements are read from `start` on by these strides, which stay within this one.
    pub(super) fn gathered(
        &self,
        shape: Vec<usize>,
        start: usize,
        strides: &[isize],
    ) -> Result<Self> {
        let mut out = Self::empty(&shape, self.device())?;
        let walk = Strides::new(&shape, [strides, &of_shape(&shape)]);
        copy(self, &mut out, [start, 0], &walk)?;
        Ok(out)
    }
}
