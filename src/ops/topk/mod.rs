//! The largest or smallest elements along a dimension, with their places (`torch.topk`, ONNX `TopK`).
//!
//! NaN is larger than all numbers. Among equal elements the one of the lowest index comes first, and is taken first, on every
//! device; PyTorch leaves that open.
//!
//! Backward: `gather_backward(dy, x.shape(), dim, &index)`.

pub(crate) mod cpu;
pub mod cuda;

use crate::element::Number;
use crate::error::{Error, Result};
use crate::ops::dispatch;
use crate::ops::strides::axis;
use crate::tensor::Tensor;

pub use cuda::KERNELS;

const OP: &str = "topk";

impl<T: Number> Tensor<T> {
    /// The `k` largest elements along a dimension, or the smallest, and their indices: sorted, the best first, or in the order
    /// of their indices.
    ///
    /// ```
    /// use warpsmith::{Device, Tensor};
    ///
    /// let x = Tensor::new([1.0_f32, 7.0, 3.0, 7.0], &Device::Cpu)?;
    /// let (values, index) = x.topk(3, 0, true, true)?;
    /// assert_eq!(values.to_vec()?, [7.0, 7.0, 3.0]);
    /// assert_eq!(index.to_vec()?, [1, 3, 2]);
    /// # Ok::<(), warpsmith::Error>(())
    /// ```
    ///
    /// # Errors
    /// A dimension that the tensor does not have, or a `k` past its size.
    pub fn topk(
        &self,
        k: usize,
        dim: isize,
        largest: bool,
        sorted: bool,
    ) -> Result<(Self, Tensor<i64>)> {
        let d = axis(OP, dim, self.dim())?;
        let size = self.shape()[d];
        if k > size {
            let expected = format!("k of at most {size}, the size of dimension {d}");
            return Err(Error::argument(OP, expected, k));
        }
        let last = self.transpose(dim, -1)?;
        let mut shape = last.shape().to_vec();
        shape[self.dim() - 1] = k;
        let mut index = Tensor::<i64>::empty(&shape, self.device())?;
        dispatch::unary(
            OP,
            &last,
            &mut index,
            |x, y| cpu::topk(x, y, [size, k], largest, sorted),
            |s, x, y| cuda::topk(s, x, y, [size, k], largest, sorted),
        )?;
        let values = last.gather(-1, &index)?;
        Ok((values.transpose(dim, -1)?, index.transpose(dim, -1)?))
    }
}
