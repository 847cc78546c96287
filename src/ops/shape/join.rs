//! Tensors put together, or into a larger one.

use crate::element::Element;
use crate::error::{Error, Result, numel};
use crate::ops::copy::copy;
use crate::ops::strides::{Strides, axis, of_shape};
use crate::tensor::Tensor;

/// Tensors one behind the other along a dimension (`torch.cat`, ONNX `Concat`); the other sizes are equal.
///
/// ```
/// use warpsmith::{Device, Tensor, ops::cat};
///
/// let (a, b) = (Tensor::<f32>::ones(&[2, 3], &Device::Cpu)?, Tensor::zeros(&[2, 1], &Device::Cpu)?);
/// assert_eq!(cat(&[&a, &b], 1)?.shape(), [2, 4]);
/// # Ok::<(), warpsmith::Error>(())
/// ```
///
/// # Errors
/// No tensors, a dimension that is not there, other sizes or devices that differ.
pub fn cat<T: Element>(tensors: &[&Tensor<T>], dim: isize) -> Result<Tensor<T>> {
    let Some(first) = tensors.first() else {
        return Err(Error::argument("cat", "at least one tensor", 0));
    };
    let d = axis("cat", dim, first.dim())?;
    let mut shape = first.shape().to_vec();
    shape[d] = 0;
    for tensor in tensors {
        let mut own = tensor.shape().to_vec();
        let size = own.get(d).copied();
        if let Some(own) = own.get_mut(d) {
            *own = shape[d];
        }
        match size.filter(|_| own == shape) {
            Some(size) => shape[d] = shape[d].saturating_add(size),
            None => {
                let expected = format!("shapes that differ in dimension {d} only");
                let got = format!("{:?} and {:?}", first.shape(), tensor.shape());
                return Err(Error::shape("cat", expected, got));
            }
        }
    }
    numel("cat", &shape)?;
    if tensors.len() == 1 {
        return Ok((*first).clone());
    }
    let mut out = Tensor::empty(&shape, first.device())?;
    let strides = of_shape(&shape);
    let mut at = 0;
    for tensor in tensors {
        let walk = Strides::new(tensor.shape(), [&of_shape(tensor.shape()), &strides]);
        copy(tensor, &mut out, [0, at], &walk)?;
        at = tensor.shape()[d]
            .saturating_mul(strides[d].unsigned_abs())
            .saturating_add(at);
    }
    Ok(out)
}

/// Tensors of one shape along a new dimension (`torch.stack`).
///
/// # Errors
/// No tensors, a dimension that is not there, shapes or devices that differ.
pub fn stack<T: Element>(tensors: &[&Tensor<T>], dim: isize) -> Result<Tensor<T>> {
    if let Some(other) = tensors.iter().find(|t| t.shape() != tensors[0].shape()) {
        let got = format!("{:?} and {:?}", tensors[0].shape(), other.shape());
        return Err(Error::shape("stack", "tensors of one shape", got));
    }
    let rows: Vec<_> = tensors
        .iter()
        .map(|t| t.unsqueeze(dim))
        .collect::<Result<_>>()?;
    cat(&rows.iter().collect::<Vec<_>>(), dim)
}

impl<T: Element> Tensor<T> {
    /// The tensor amid `value`: so many places before and behind each dimension, the last dimension's first, as
    /// `torch.nn.functional.pad` has them.
    ///
    /// ```
    /// use warpsmith::{Device, Tensor};
    ///
    /// let x = Tensor::from_slice(&[1, 2], &[2], &Device::Cpu)?;
    /// assert_eq!(x.pad(&[[1, 2]], 0)?.to_vec()?, [0, 1, 2, 0, 0]);
    /// # Ok::<(), warpsmith::Error>(())
    /// ```
    ///
    /// # Errors
    /// More pairs than dimensions, or more elements than memory holds.
    pub fn pad(&self, pad: &[[usize; 2]], value: T) -> Result<Self> {
        if pad.len() > self.dim() {
            let expected = format!("at most {} pairs", self.dim());
            return Err(Error::argument("pad", expected, pad.len()));
        }
        let mut shape = self.shape().to_vec();
        for (size, [before, behind]) in shape.iter_mut().rev().zip(pad) {
            *size = size.saturating_add(before.saturating_add(*behind));
        }
        numel("pad", &shape)?;
        let mut out = Self::full(&shape, value, self.device())?;
        let strides = of_shape(&shape);
        let before = strides.iter().rev().zip(pad);
        let at = before
            .map(|(step, [before, _])| step.unsigned_abs() * before)
            .sum();
        let walk = Strides::new(self.shape(), [&of_shape(self.shape()), &strides]);
        copy(self, &mut out, [0, at], &walk)?;
        Ok(out)
    }
}
