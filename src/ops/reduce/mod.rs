//! Reductions over one or several dimensions, with PyTorch's names and meaning: `sum_dim mean_dim prod amax amin var std norm
//! logsumexp argmax_dim argmin_dim all any` (ONNX `ReduceSum`, `ReduceMean`, ...). `dims` may be negative, from the end; none are
//! all dimensions. With `keepdim` they stay, of size 1. [`Tensor::sum`] and [`Tensor::mean`] over all have a kernel of their own.
//!
//! The CPU adds in `f64`, kernels in `f32` with what rounding leaves carried along; both in an order that shapes alone
//! decide. NaN is the largest and the smallest of what it is among.
//!
//! Sums and products of integers and of `bool` are `i64`, and wrap.

mod backward;
pub(crate) mod cpu;
pub mod cuda;
mod integers;
mod loops;
mod table;

pub use backward::{
    amax_backward, amin_backward, logsumexp_backward, mean_dim_backward, norm_backward,
    prod_backward, std_backward, sum_dim_backward, var_backward,
};
pub use integers::INTEGER_KERNELS;
pub(crate) use integers::sum_of_slabs;

pub use table::KERNELS;
use table::{ARGMAX, ARGMIN, LOGSUMEXP, MAX, MIN, NORM, Op, PROD, STD, SUM, VAR};

use crate::element::{Element, Float};
use crate::error::{Error, Result};
use crate::ops::dispatch;
use crate::ops::strides::axis;
use crate::tensor::Tensor;

/// What is reduced of a shape: as (outer, n, inner), and what is left of it.
struct Plan {
    /// The order to put dimensions in first, where what is reduced does not lie side by side.
    order: Option<Vec<isize>>,
    of: [usize; 3],
    left: Vec<usize>,
}

impl Plan {
    fn new(op: &'static str, shape: &[usize], dims: &[isize], keepdim: bool) -> Result<Self> {
        let rank = shape.len();
        let mut reduced = vec![dims.is_empty(); rank];
        for dim in dims {
            let d = axis(op, *dim, rank)?;
            if std::mem::replace(&mut reduced[d], true) {
                let got = format!("{dims:?}");
                return Err(Error::argument(op, "each dimension once", got));
            }
        }
        let sizes = shape.iter().zip(&reduced);
        let left = sizes.clone().filter(|(_, reduced)| keepdim || !**reduced);
        let left = left
            .map(|(size, reduced)| if *reduced { 1 } else { *size })
            .collect();
        let product = |range: std::ops::Range<usize>| shape[range].iter().fold(1, times);
        let first = reduced.iter().position(|r| *r).unwrap_or(rank);
        let end = reduced
            .iter()
            .rposition(|r| *r)
            .map_or(first, |last| last + 1);
        if reduced[first..end].iter().all(|r| *r) {
            let of = [product(0..first), product(first..end), product(end..rank)];
            return Ok(Self {
                order: None,
                of,
                left,
            });
        }
        let (mut order, mut last) = (Vec::new(), Vec::new());
        let [mut outer, mut n] = [1; 2];
        for (d, (size, reduced)) in shape.iter().zip(&reduced).enumerate() {
            let (places, product) = match reduced {
                true => (&mut last, &mut n),
                false => (&mut order, &mut outer),
            };
            places.push(d as isize);
            *product = times(*product, size);
        }
        order.extend(last);
        let (order, of) = (Some(order), [outer, n, 1]);
        Ok(Self { order, of, left })
    }

    /// The tensor with its dimensions in that order.
    fn ordered<T: Element>(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        match &self.order {
            Some(order) => x.permute(order),
            None => Ok(x.clone()),
        }
    }
}

/// Beside a 0 the other sizes may be anything.
fn times(product: usize, size: &usize) -> usize {
    product.saturating_mul(*size)
}

fn reduce<T: Float, Y: Element>(
    op: &Op,
    x: &Tensor<T>,
    (dims, keepdim): (&[isize], bool),
    number: impl Fn(usize) -> f32,
    put: impl Fn(f64) -> Y + Sync,
) -> Result<Tensor<Y>> {
    let plan = Plan::new(op.name, x.shape(), dims, keepdim)?;
    let x = plan.ordered(x)?;
    let [outer, n, inner] = plan.of;
    let number = number(n);
    let mut out = Tensor::empty(&plan.left, x.device())?;
    dispatch::unary(
        op.name,
        &x,
        &mut out,
        |x, y| cpu::reduce(op, x, y, [n, inner], f64::from(number), put),
        |s, x, y| cuda::reduce(s, op, x, y, [outer, n, inner], number),
    )?;
    Ok(out)
}

/// The error of a maximum of nothing.
fn some<T: Float>(op: &'static str, x: &Tensor<T>, dims: &[isize]) -> Result<()> {
    let plan = Plan::new(op, x.shape(), dims, false)?;
    match plan.of {
        [outer, 0, inner] if outer * inner > 0 => {
            let got = format!("none, in shape {:?}", x.shape());
            Err(Error::shape(op, "at least one element to choose from", got))
        }
        _ => Ok(()),
    }
}

fn place(value: f64) -> i32 {
    value as i32
}

fn float<T: Float>(value: f64) -> T {
    T::from_f32(value as f32)
}

impl<T: Float> Tensor<T> {
    /// The sums along these dimensions (`torch.sum`); 0 of nothing.
    ///
    /// ```
    /// use warpsmith::{Device, Tensor};
    ///
    /// let x = Tensor::new(&[[1.0_f32, 2.0], [3.0, 4.0]], &Device::Cpu)?;
    /// assert_eq!(x.sum_dim(&[0], false)?.to_vec()?, [4.0, 6.0]);
    /// assert_eq!(x.sum_dim(&[1], true)?.shape(), [2, 1]);
    /// # Ok::<(), warpsmith::Error>(())
    /// ```
    ///
    /// # Errors
    /// A dimension that the tensor does not have, or one twice.
    pub fn sum_dim(&self, dims: &[isize], keepdim: bool) -> Result<Self> {
        reduce(&SUM, self, (dims, keepdim), |_| 1.0, float)
    }

    /// The means along these dimensions (`torch.mean`); NaN of nothing.
    ///
    /// # Errors
    /// Those of [`Tensor::sum_dim`].
    pub fn mean_dim(&self, dims: &[isize], keepdim: bool) -> Result<Self> {
        reduce(&SUM, self, (dims, keepdim), |n| n as f32, float)
    }

    /// The products along these dimensions (`torch.prod`); 1 of nothing.
    ///
    /// # Errors
    /// Those of [`Tensor::sum_dim`].
    pub fn prod(&self, dims: &[isize], keepdim: bool) -> Result<Self> {
        reduce(&PROD, self, (dims, keepdim), |_| 0.0, float)
    }

    /// The largest elements along these dimensions (`torch.amax`).
    ///
    /// # Errors
    /// Those of [`Tensor::sum_dim`], or where there is nothing to choose from.
    pub fn amax(&self, dims: &[isize], keepdim: bool) -> Result<Self> {
        some("amax", self, dims)?;
        reduce(&MAX, self, (dims, keepdim), |_| 0.0, float)
    }

    /// The smallest elements along these dimensions (`torch.amin`).
    ///
    /// # Errors
    /// Those of [`Tensor::amax`].
    pub fn amin(&self, dims: &[isize], keepdim: bool) -> Result<Self> {
        some("amin", self, dims)?;
        reduce(&MIN, self, (dims, keepdim), |_| 0.0, float)
    }

    /// The largest element of all (`torch.max(x)`).
    ///
    /// # Errors
    /// Where there is none.
    pub fn max(&self) -> Result<Self> {
        self.amax(&[], false)
    }

    /// The smallest element of all (`torch.min(x)`).
    ///
    /// # Errors
    /// Where there is none.
    pub fn min(&self) -> Result<Self> {
        self.amin(&[], false)
    }

    /// The variances along these dimensions, squares about the mean over n - `correction` (`torch.var`, 1 there).
    ///
    /// # Errors
    /// Those of [`Tensor::sum_dim`].
    pub fn var(&self, dims: &[isize], correction: usize, keepdim: bool) -> Result<Self> {
        reduce(&VAR, self, (dims, keepdim), |_| correction as f32, float)
    }

    /// The square roots of [`Tensor::var`] (`torch.std`).
    ///
    /// # Errors
    /// Those of [`Tensor::sum_dim`].
    pub fn std(&self, dims: &[isize], correction: usize, keepdim: bool) -> Result<Self> {
        reduce(&STD, self, (dims, keepdim), |_| correction as f32, float)
    }

    /// The Euclidean norms along these dimensions (`torch.linalg.vector_norm`).
    ///
    /// # Errors
    /// Those of [`Tensor::sum_dim`].
    pub fn norm(&self, dims: &[isize], keepdim: bool) -> Result<Self> {
        reduce(&NORM, self, (dims, keepdim), |_| 0.0, float)
    }

    /// `log(sum(exp(x)))` along these dimensions, whatever the size of x (`torch.logsumexp`).
    ///
    /// # Errors
    /// Those of [`Tensor::sum_dim`].
    pub fn logsumexp(&self, dims: &[isize], keepdim: bool) -> Result<Self> {
        reduce(&LOGSUMEXP, self, (dims, keepdim), |_| 0.0, float)
    }

    /// The places of the first of the largest along a dimension (`torch.argmax`, whose places are `i64`).
    ///
    /// # Errors
    /// A dimension that is not there, or nothing to choose from.
    pub fn argmax_dim(&self, dim: isize, keepdim: bool) -> Result<Tensor<i32>> {
        some("argmax", self, &[dim])?;
        reduce(&ARGMAX, self, (&[dim], keepdim), |_| 0.0, place)
    }

    /// The places of the first of the smallest along a dimension (`torch.argmin`, whose places are `i64`).
    ///
    /// # Errors
    /// Those of [`Tensor::argmax_dim`].
    pub fn argmin_dim(&self, dim: isize, keepdim: bool) -> Result<Tensor<i32>> {
        some("argmin", self, &[dim])?;
        reduce(&ARGMIN, self, (&[dim], keepdim), |_| 0.0, place)
    }
}

impl Tensor<bool> {
    /// Whether all hold along these dimensions (`torch.all`); of nothing, yes.
    ///
    /// # Errors
    /// Those of [`Tensor::sum_dim`].
    pub fn all(&self, dims: &[isize], keepdim: bool) -> Result<Self> {
        // the least of nothing is infinite, which is not 0
        let least =
            reduce::<f32, f32>(&MIN, &self.cast()?, (dims, keepdim), |_| 0.0, |v| v as f32)?;
        least.ne(0.0)
    }

    /// Whether any holds along these dimensions (`torch.any`); of nothing, no.
    ///
    /// # Errors
    /// Those of [`Tensor::sum_dim`].
    pub fn any(&self, dims: &[isize], keepdim: bool) -> Result<Self> {
        let most = reduce::<f32, f32>(&MAX, &self.cast()?, (dims, keepdim), |_| 0.0, |v| v as f32)?;
        most.gt(0.0)
    }
}

/// The sum of a gradient over what its tensor, of this shape, was broadcast along.
///
/// # Errors
/// A shape that does not broadcast to the gradient's.
pub fn sum_to_shape<T: Float>(grad: &Tensor<T>, shape: &[usize]) -> Result<Tensor<T>> {
    crate::ops::strides::expanded("sum_to_shape", shape, grad.shape())?;
    let new = grad.dim() - shape.len();
    let repeated = |d: &usize| *d < new || (shape[*d - new] == 1 && grad.shape()[*d] != 1);
    let dims: Vec<isize> = (0..grad.dim())
        .filter(repeated)
        .map(|d| d as isize)
        .collect();
    match dims.is_empty() {
        true => grad.reshape(shape),
        false => grad.sum_dim(&dims, true)?.reshape(shape),
    }
}
