//! Elements repeated along dimensions.

use crate::element::Element;
use crate::error::{Error, Result};
use crate::ops::strides::{expanded, of_shape};
use crate::tensor::Tensor;

impl<T: Element> Tensor<T> {
    /// The elements repeated to a shape that this one broadcasts to (`torch.broadcast_to`, ONNX `Expand`). Ops of two
    /// tensors do that while they read; this writes it out.
    ///
    /// # Errors
    /// A shape that this one does not broadcast to.
    pub fn broadcast_to(&self, shape: &[usize]) -> Result<Self> {
        if self.shape() == shape {
            return Ok(self.clone());
        }
        let strides = expanded("broadcast_to", self.shape(), shape)?;
        self.gathered(shape.to_vec(), 0, &strides)
    }

    /// [`Tensor::broadcast_to`] with -1 for a size that stays (`torch.Tensor.expand`).
    ///
    /// # Errors
    /// Those of [`Tensor::broadcast_to`], or -1 for a dimension that is new.
    pub fn expand(&self, shape: &[isize]) -> Result<Self> {
        let new = shape.len().checked_sub(self.dim());
        let size = |(d, size): (usize, &isize)| match *size {
            -1 => Some(self.shape()[d.checked_sub(new?)?]),
            size => usize::try_from(size).ok(),
        };
        let sizes: Option<Vec<usize>> = shape.iter().enumerate().map(size).collect();
        let sizes = sizes.ok_or_else(|| {
            let expected = format!("a shape that {:?} broadcasts to, or -1", self.shape());
            Error::shape("expand", expected, format!("{shape:?}"))
        })?;
        self.broadcast_to(&sizes)
    }

    /// The tensor so many times along each dimension, new ones first (`torch.Tensor.repeat`, ONNX `Tile`).
    ///
    /// ```
    /// use warpsmith::{Device, Tensor};
    ///
    /// let x = Tensor::from_slice(&[1, 2], &[2], &Device::Cpu)?;
    /// assert_eq!(x.repeat(&[2, 2])?.to_vec()?, [1, 2, 1, 2, 1, 2, 1, 2]);
    /// # Ok::<(), warpsmith::Error>(())
    /// ```
    ///
    /// # Errors
    /// Fewer counts than dimensions, or more elements than memory holds.
    pub fn repeat(&self, counts: &[usize]) -> Result<Self> {
        let Some(new) = counts.len().checked_sub(self.dim()) else {
            let expected = format!("a count for each of {} dimensions", self.dim());
            return Err(Error::argument("repeat", expected, format!("{counts:?}")));
        };
        // each dimension as two, the count's stride being 0
        let own = of_shape(self.shape());
        let (mut sizes, mut strides, mut shape) = (Vec::new(), Vec::new(), Vec::new());
        for (d, &count) in counts.iter().enumerate() {
            let (size, stride) = match d.checked_sub(new) {
                Some(d) => (self.shape()[d], own[d]),
                None => (1, 0),
            };
            sizes.extend([count, size]);
            strides.extend([0, stride]);
            shape.push(count.saturating_mul(size));
        }
        crate::error::numel("repeat", &shape)?;
        self.gathered(sizes, 0, &strides)?.reshape(&shape)
    }
}
