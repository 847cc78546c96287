//! Elements by their places along a dimension, which another tensor holds: `index_select`, `gather`, `scatter_add`, with
//! PyTorch's names and meaning (ONNX `Gather`, `GatherElements`, `ScatterElements` with `reduction = "add"`).
//!
//! ```text
//! index_select   y[.., k, ..] = x[.., index[k], ..]
//! gather         y[.., k, ..] = x[.., index[.., k, ..], ..]
//! scatter_add    y[.., index[.., k, ..], ..] += src[.., k, ..]
//! ```
//! What `scatter_add` adds to one element it adds in the order of k, cut by shapes alone: the same bits on every run. Halves are
//! added up in `f32` and rounded once, integers wrap.
//!
//! # Indices out of range
//! They are `i64` and count from the front: negative ones are out of range. On the CPU one such is an [`Error::Index`] at once. On
//! CUDA the host cannot look at indices without waiting for everything queued before, so the kernel leaves word, and the same
//! error comes from what waits for the stream next: `to_vec`, `item`, [`Device::synchronize`](crate::Device::synchronize). Until
//! then such an index reads 0, or adds nothing.
//!
//! Backward of `scatter_add`: of `src` it is `dy.gather(dim, &index)`, of the tensor dy itself.

pub(crate) mod cpu;
pub mod cuda;
mod walk;

pub use walk::KERNELS;
use walk::{Gather, Scatter};

use std::any::Any;

use crate::checks::same_device;
use crate::device::Device;
use crate::element::{Element, Float, Number};
use crate::error::{Error, Result};
use crate::ops::copy::copy;
use crate::ops::reduce::sum_of_slabs;
use crate::ops::strides::{Strides, axis};
use crate::tensor::{DataMut, Tensor};

/// The dimension, if `index` is a list of places along it.
fn list(op: &'static str, shape: &[usize], dim: isize, index: &Tensor<i64>) -> Result<usize> {
    let dim = axis(op, dim, shape.len())?;
    match index.dim() {
        0 | 1 => Ok(dim),
        _ => {
            let got = format!("{:?}", index.shape());
            Err(Error::shape(op, "an index of one dimension", got))
        }
    }
}

impl<T: Element> Tensor<T> {
    /// The parts of a dimension at these places (`torch.index_select`, ONNX `Gather` with a list).
    ///
    /// ```
    /// use warpsmith::{Device, Tensor};
    ///
    /// let x = Tensor::new([[1.0_f32, 2.0], [3.0, 4.0], [5.0, 6.0]], &Device::Cpu)?;
    /// let index = Tensor::new([2_i64, 0], &Device::Cpu)?;
    /// assert_eq!(x.index_select(0, &index)?.to_vec()?, [5.0, 6.0, 1.0, 2.0]);
    /// # Ok::<(), warpsmith::Error>(())
    /// ```
    ///
    /// # Errors
    /// A dimension that the tensor does not have, an index of more than one, different devices; on the CPU an index out of
    /// range, which on CUDA is told later (see [`ops::index`](crate::ops::index)).
    pub fn index_select(&self, dim: isize, index: &Tensor<i64>) -> Result<Self> {
        const OP: &str = "index_select";
        let dim = list(OP, self.shape(), dim, index)?;
        taken(
            self,
            index,
            &Gather::list(OP, self.shape(), dim, index.numel()),
        )
    }

    /// Of each place of `index` the element at that index along a dimension, of `index`'s shape (`torch.gather`, ONNX
    /// `GatherElements`).
    ///
    /// ```
    /// use warpsmith::{Device, Tensor};
    ///
    /// let x = Tensor::new([[1.0_f32, 2.0], [3.0, 4.0]], &Device::Cpu)?;
    /// let index = Tensor::new([[0_i64, 0], [1, 0]], &Device::Cpu)?;
    /// assert_eq!(x.gather(1, &index)?.to_vec()?, [1.0, 1.0, 4.0, 3.0]);
    /// # Ok::<(), warpsmith::Error>(())
    /// ```
    ///
    /// # Errors
    /// A dimension that the tensor does not have, an index of another number of dimensions or longer in one of the others,
    /// different devices; on the CPU an index out of range, which on CUDA is told later (see
    /// [`ops::index`](crate::ops::index)).
    pub fn gather(&self, dim: isize, index: &Tensor<i64>) -> Result<Self> {
        const OP: &str = "gather";
        let dim = axis(OP, dim, self.dim())?;
        taken(
            self,
            index,
            &Gather::elements(OP, self.shape(), dim, index.shape())?,
        )
    }
}

fn taken<T: Element>(x: &Tensor<T>, index: &Tensor<i64>, walk: &Gather) -> Result<Tensor<T>> {
    let op = walk.op;
    same_device(op, &[x.device(), index.device()])?;
    let mut out = Tensor::empty(&walk.shape, x.device())?;
    if out.numel() == 0 {
        return Ok(out);
    }
    let (x, index) = (x.data(), index.data());
    match out.data_mut()? {
        DataMut::Cpu(y) => cpu::gather(x.cpu(op)?, index.cpu(op)?, y, walk)?,
        DataMut::Cuda(y) => {
            let stream = y.stream().clone();
            cuda::run_gather(&stream, x.cuda(op)?, index.cuda(op)?, y, walk)?;
        }
    }
    Ok(out)
}

impl<T: Number> Tensor<T> {
    /// The tensor with each element of `src` added to the one at its index along a dimension (`torch.scatter_add`, ONNX
    /// `ScatterElements` with `reduction = "add"`).
    ///
    /// ```
    /// use warpsmith::{Device, Tensor};
    ///
    /// let index = Tensor::new([0_i64, 2, 0], &Device::Cpu)?;
    /// let src = Tensor::new([1.0_f32, 2.0, 4.0], &Device::Cpu)?;
    /// let y = Tensor::zeros(&[3], &Device::Cpu)?.scatter_add(0, &index, &src)?;
    /// assert_eq!(y.to_vec()?, [5.0, 0.0, 2.0]);
    /// # Ok::<(), warpsmith::Error>(())
    /// ```
    ///
    /// # Errors
    /// A dimension that the tensor does not have, other numbers of dimensions, an index longer than `src` somewhere, or than
    /// the tensor in one of the other dimensions, different devices; on the CPU an index out of range, which on CUDA is told
    /// later (see [`ops::index`](crate::ops::index)).
    pub fn scatter_add(&self, dim: isize, index: &Tensor<i64>, src: &Self) -> Result<Self> {
        let mut y = self.clone();
        y.scatter_add_(dim, index, src)?;
        Ok(y)
    }

    /// [`Tensor::scatter_add`] in place.
    ///
    /// # Errors
    /// Those of [`Tensor::scatter_add`], after which the tensor is what it was; on CUDA all but what is out of range is added.
    pub fn scatter_add_(&mut self, dim: isize, index: &Tensor<i64>, src: &Self) -> Result<()> {
        const OP: &str = "scatter_add";
        let dim = axis(OP, dim, self.dim())?;
        let walk = Scatter::elements(OP, self.shape(), dim, index.shape(), src.shape())?;
        add(self, index, src, &walk)
    }
}

fn add<T: Number>(
    y: &mut Tensor<T>,
    index: &Tensor<i64>,
    src: &Tensor<T>,
    walk: &Scatter,
) -> Result<()> {
    let op = walk.op;
    same_device(op, &[y.device(), index.device(), src.device()])?;
    if walk.n * walk.columns.numel() == 0 {
        return Ok(());
    }
    if *y.device() == Device::Cpu {
        let (index, src) = (index.data().cpu(op)?, src.data().cpu(op)?);
        cpu::check(index, walk)?;
        cpu::scatter_add(src, index, y.data_update()?.cpu(op)?, walk);
        return Ok(());
    }
    if T::IS_INTEGER && T::NAME != i64::NAME {
        let mut sums = y.cast::<i64>()?;
        add(&mut sums, index, &src.cast()?, walk)?;
        return y.replace(sums.cast()?);
    }
    let cut = walk.cut(y.numel());
    let (index, src) = (index.data().cuda(op)?, src.data().cuda(op)?);
    let run = |sums: &mut Tensor<T::Wide>| {
        let sums = sums.data_update()?.cuda(op)?;
        cuda::run_scatter_add::<T>(src.stream(), src, index, sums, walk, &cut)
    };
    if cut.chunks == 1 {
        if let Some(y) = (y as &mut dyn Any).downcast_mut() {
            return run(y);
        }
        let mut sums = y.cast()?;
        run(&mut sums)?;
        return y.replace(sums.cast()?);
    }
    // a slab of sums for each chunk, the first of which begins with what the tensor has
    let n = y.numel();
    let mut slabs = Tensor::zeros(&[cut.chunks, n], y.device())?;
    let whole = Strides::new(&[n], [&[1], &[1]]);
    copy(&y.cast::<T::Wide>()?, &mut slabs, [0, 0], &whole)?;
    run(&mut slabs)?;
    let sums = sum_of_slabs(&slabs)?.reshape(y.shape())?;
    y.replace(sums.cast()?)
}

/// The gradient of [`Tensor::index_select`]'s input, of this shape: `grad` added to zeros at the places it came from.
///
/// # Errors
/// A `grad` of another shape than the output, and the errors of [`Tensor::index_select`].
pub fn index_select_backward<T: Float>(
    grad: &Tensor<T>,
    shape: &[usize],
    dim: isize,
    index: &Tensor<i64>,
) -> Result<Tensor<T>> {
    const OP: &str = "index_select_backward";
    let dim = list(OP, shape, dim, index)?;
    let walk = Scatter::list(OP, shape, dim, index.numel(), grad.shape())?;
    let mut out = Tensor::zeros(shape, grad.device())?;
    add(&mut out, index, grad, &walk)?;
    Ok(out)
}

/// The gradient of [`Tensor::gather`]'s input, of this shape: `grad` added to zeros at the places it came from.
///
/// # Errors
/// A `grad` of another shape than `index`, and the errors of [`Tensor::gather`].
pub fn gather_backward<T: Float>(
    grad: &Tensor<T>,
    shape: &[usize],
    dim: isize,
    index: &Tensor<i64>,
) -> Result<Tensor<T>> {
    const OP: &str = "gather_backward";
    let dim = axis(OP, dim, shape.len())?;
    crate::checks::expect_shape(OP, index.shape(), grad.shape())?;
    let walk = Scatter::elements(OP, shape, dim, index.shape(), grad.shape())?;
    let mut out = Tensor::zeros(shape, grad.device())?;
    add(&mut out, index, grad, &walk)?;
    Ok(out)
}
