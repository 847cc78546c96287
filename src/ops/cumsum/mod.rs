//! Sums of all elements up to each (`torch.cumsum`, ONNX `CumSum`).
//!
//! ```text
//! y[.., k, ..] = sum of x[.., j, ..] over j <= k
//! dx[.., k, ..] = sum of dy[.., j, ..] over j >= k
//! ```
//! Floats keep their type, and each sum is rounded once; integers and `bool` are added up in `i64`, which wraps. The CPU adds in
//! `f64`, kernels in `f32` with what rounding leaves carried along, both in an order that shapes alone decide.

pub(crate) mod cpu;
pub mod cuda;

use crate::element::{Element, Float};
use crate::error::Result;
use crate::ops::dispatch;
use crate::ops::strides::axis;
use crate::tensor::Tensor;

pub use cuda::KERNELS;

/// (outer, n, inner) of a shape about a dimension.
fn about(shape: &[usize], dim: usize) -> [usize; 3] {
    let product = |sizes: &[usize]| {
        sizes
            .iter()
            .fold(1_usize, |n, size| n.saturating_mul(*size))
    };
    [
        product(&shape[..dim]),
        shape[dim],
        product(&shape[dim + 1..]),
    ]
}

fn sums<T: Element, Y: Element>(
    op: &'static str,
    x: &Tensor<T>,
    dim: isize,
    reverse: bool,
    cpu: impl FnOnce(&[T], &mut [Y], [usize; 2]),
) -> Result<Tensor<Y>> {
    let shape = about(x.shape(), axis(op, dim, x.dim())?);
    let [_, n, inner] = shape;
    let mut out = Tensor::empty(x.shape(), x.device())?;
    dispatch::unary(
        op,
        x,
        &mut out,
        |x, y| cpu(x, y, [n, inner]),
        |s, x, y| cuda::run::<T, Y>(s, x, y, shape, reverse),
    )?;
    Ok(out)
}

impl<T: Float> Tensor<T> {
    /// The sums of the elements up to each along a dimension (`torch.cumsum`).
    ///
    /// ```
    /// use warpsmith::{Device, Tensor};
    ///
    /// let x = Tensor::new([1.0_f32, 2.0, 3.0], &Device::Cpu)?;
    /// assert_eq!(x.cumsum(0)?.to_vec()?, [1.0, 3.0, 6.0]);
    /// # Ok::<(), warpsmith::Error>(())
    /// ```
    ///
    /// # Errors
    /// A dimension that the tensor does not have.
    pub fn cumsum(&self, dim: isize) -> Result<Self> {
        sums("cumsum", self, dim, false, |x, y, shape| {
            cpu::floats(x, y, shape, false);
        })
    }
}

/// The gradient of [`Tensor::cumsum`]'s input: the sums from each element on.
///
/// # Errors
/// A dimension that the tensor does not have.
pub fn cumsum_backward<T: Float>(grad: &Tensor<T>, dim: isize) -> Result<Tensor<T>> {
    sums("cumsum_backward", grad, dim, true, |x, y, shape| {
        cpu::floats(x, y, shape, true);
    })
}

macro_rules! integers {
    ($($type:ty)*) => {
        $(impl Tensor<$type> {
            /// The sums of the elements up to each along a dimension (`torch.cumsum`) in `i64`, which wraps.
            ///
            /// # Errors
            /// A dimension that the tensor does not have.
            pub fn cumsum(&self, dim: isize) -> Result<Tensor<i64>> {
                sums("cumsum", self, dim, false, cpu::integers)
            }
        })*
    };
}
integers!(i64 i32 u8 bool);
