//! Choice element by element: `y = condition ? a : b` (`torch.where`, ONNX `Where`), all three broadcast together. Either of
//! a and b may be one value.
//!
//! Backward: da is `where_(condition, dy, 0)`, db the other one, each summed over what it was broadcast along.

pub(crate) mod cpu;
pub mod cuda;

use crate::checks::same_device;
use crate::element::Element;
use crate::error::Result;
use crate::ops::binary::cuda::whole;
use crate::ops::dispatch::Side;
use crate::ops::strides::{Strides, broadcast, expanded, of_shape};
use crate::tensor::{Data, DataMut, Tensor};

const OP: &str = "where";

/// A tensor, or one value for all elements.
#[derive(Clone, Copy, Debug)]
pub enum Choice<'a, T: Element> {
    /// A tensor's elements.
    Tensor(&'a Tensor<T>),
    /// The same everywhere.
    Value(T),
}

impl<'a, T: Element> From<&'a Tensor<T>> for Choice<'a, T> {
    fn from(tensor: &'a Tensor<T>) -> Self {
        Self::Tensor(tensor)
    }
}

impl<T: Element> From<T> for Choice<'_, T> {
    fn from(value: T) -> Self {
        Self::Value(value)
    }
}

impl<T: Element> Choice<'_, T> {
    fn tensor(&self) -> Option<&Tensor<T>> {
        match self {
            Self::Tensor(tensor) => Some(tensor),
            Self::Value(_) => None,
        }
    }

    fn shape(&self) -> &[usize] {
        self.tensor().map_or(&[], Tensor::shape)
    }

    fn side(&self) -> Side<Data<'_, T>, T> {
        match *self {
            Self::Tensor(tensor) => Side::Data(tensor.data()),
            Self::Value(value) => Side::Value(value),
        }
    }

    fn strides(&self, shape: &[usize]) -> Result<Vec<isize>> {
        match self {
            Self::Tensor(tensor) => expanded(OP, tensor.shape(), shape),
            Self::Value(_) => Ok(of_shape(shape)),
        }
    }
}

/// `a` where the condition holds, `b` elsewhere; tensors or values.
///
/// ```
/// use warpsmith::{Device, Tensor, ops::where_};
///
/// let x = Tensor::from_slice(&[-1.0_f32, 2.0], &[2], &Device::Cpu)?;
/// assert_eq!(where_(&x.gt(0.0)?, &x, 0.5)?.to_vec()?, [0.5, 2.0]);
/// # Ok::<(), warpsmith::Error>(())
/// ```
///
/// # Errors
/// Shapes that do not broadcast together, or different devices.
pub fn where_<'a, T: Element>(
    condition: &Tensor<bool>,
    a: impl Into<Choice<'a, T>>,
    b: impl Into<Choice<'a, T>>,
) -> Result<Tensor<T>> {
    let (a, b) = (a.into(), b.into());
    let shape = broadcast(OP, condition.shape(), a.shape())?;
    let shape = broadcast(OP, &shape, b.shape())?;
    let devices = [&a, &b]
        .into_iter()
        .filter_map(Choice::tensor)
        .map(Tensor::device);
    let devices: Vec<_> = [condition.device()].into_iter().chain(devices).collect();
    same_device(OP, &devices)?;
    let own = expanded(OP, condition.shape(), &shape)?;
    let strides = Strides::new(&shape, [&own, &a.strides(&shape)?, &b.strides(&shape)?]);
    let mut out = Tensor::empty(&shape, condition.device())?;
    if out.numel() == 0 {
        return Ok(out);
    }
    let (condition, a, b) = (condition.data(), a.side(), b.side());
    match out.data_mut()? {
        DataMut::Cpu(y) => {
            let (a, b) = (a.cpu(OP)?, b.cpu(OP)?);
            cpu::where_(condition.cpu(OP)?, &a, &b, y, &strides);
        }
        DataMut::Cuda(y) => {
            let (condition, a, b) = (condition.cuda(OP)?, a.cuda(OP)?, b.cuda(OP)?);
            let stream = y.stream().clone();
            let condition = (condition, condition.len());
            cuda::launch(&stream, condition, whole(a), whole(b), y, &strides)?;
        }
    }
    Ok(out)
}

impl<T: Element> Tensor<T> {
    /// The elements, with `value` where the mask, which broadcasts to this shape, holds (`torch.masked_fill`).
    ///
    /// # Errors
    /// A mask of another shape or device.
    pub fn masked_fill(&self, mask: &Tensor<bool>, value: T) -> Result<Self> {
        expanded("masked_fill", mask.shape(), self.shape())?;
        where_(mask, value, self)
    }
}
