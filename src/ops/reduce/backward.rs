//! Gradients of reductions: what came of many elements goes back to each of them.
//!
//! ```text
//! sum         dx = dy                    var   dx = dy 2 (x - mean) / (n - correction)
//! mean        dx = dy / n                std   dx = dy (x - mean) / ((n - correction) y)
//! amax, amin  dx = dy [x == y] / how many of x are y             norm  dx = dy x / y
//! prod        dx = dy times the product of the others            logsumexp  dx = dy exp(x - y)
//! ```
//! Where y is 0, `std` and `norm` have no gradient and are given 0, as in PyTorch. `grad` has the output's shape, with or without
//! the dimensions that `keepdim` keeps. They are made of other ops, in `f32`, and rounded once.

use super::Plan;
use crate::checks::expect_shape;
use crate::element::Float;
use crate::error::Result;
use crate::ops::where_::where_;
use crate::tensor::Tensor;

/// A reduction of a shape, undone.
struct Undone {
    op: &'static str,
    /// The output's shape, with the reduced dimensions and without.
    kept: Vec<usize>,
    left: Vec<usize>,
    /// How many elements came together.
    n: usize,
}

impl Undone {
    fn new(op: &'static str, shape: &[usize], dims: &[isize]) -> Result<Self> {
        let (kept, left) = (
            Plan::new(op, shape, dims, true)?,
            Plan::new(op, shape, dims, false)?,
        );
        Ok(Self {
            op,
            n: left.of[1],
            kept: kept.left,
            left: left.left,
        })
    }

    /// What has the output's shape, in the one that broadcasts to the input's.
    fn spread<T: Float>(&self, y: &Tensor<T>) -> Result<Tensor<f32>> {
        if y.shape() != self.kept {
            expect_shape(self.op, &self.left, y.shape())?;
        }
        y.cast()?.reshape(&self.kept)
    }
}

/// The gradient of the input, of this shape, of [`Tensor::sum_dim`] along `dims`.
///
/// # Errors
/// Another shape of `grad`, a dimension that the shape does not have, or one twice.
pub fn sum_dim_backward<T: Float>(
    grad: &Tensor<T>,
    shape: &[usize],
    dims: &[isize],
) -> Result<Tensor<T>> {
    let of = Undone::new("sum_dim_backward", shape, dims)?;
    // nothing is computed, so in its own type
    if grad.shape() != of.kept {
        expect_shape(of.op, &of.left, grad.shape())?;
    }
    grad.reshape(&of.kept)?.broadcast_to(shape)
}

/// The gradient of the input, of this shape, of [`Tensor::mean_dim`] along `dims`.
///
/// # Errors
/// Those of [`sum_dim_backward`].
pub fn mean_dim_backward<T: Float>(
    grad: &Tensor<T>,
    shape: &[usize],
    dims: &[isize],
) -> Result<Tensor<T>> {
    let of = Undone::new("mean_dim_backward", shape, dims)?;
    let each: Tensor<T> = of.spread(grad)?.div(of.n as f32)?.cast()?;
    each.broadcast_to(shape)
}

/// The gradient of the input of [`Tensor::prod`] along `dims`, where factors are 0 too.
///
/// # Errors
/// Those of [`sum_dim_backward`], or different devices.
pub fn prod_backward<T: Float>(
    grad: &Tensor<T>,
    input: &Tensor<T>,
    dims: &[isize],
) -> Result<Tensor<T>> {
    let of = Undone::new("prod_backward", input.shape(), dims)?;
    let (grad, x) = (of.spread(grad)?, input.cast::<f32>()?);
    // beside two zeros every product of the others is 0; beside one, all but its own
    let is_zero = x.eq(0.0)?;
    let factors = x.masked_fill(&is_zero, 1.0)?;
    let product = grad.mul(&factors.prod(dims, true)?)?;
    let zeros = is_zero.sum_dim(dims, true)?;
    let beside_none = product.masked_fill(&zeros.ne(0)?, 0.0)?;
    let beside_one = product.masked_fill(&zeros.ne(1)?, 0.0)?;
    where_(&is_zero, &beside_one, &beside_none.div(&factors)?)?.cast()
}

/// The shared part of var's and std's: x less its mean, over n - correction.
fn deviations(
    of: &Undone,
    x: &Tensor<f32>,
    dims: &[isize],
    correction: usize,
) -> Result<Tensor<f32>> {
    let freedom = of.n as f32 - correction as f32;
    x.sub(&x.mean_dim(dims, true)?)?.div(freedom.max(0.0))
}

/// The gradient of the input of [`Tensor::var`] along `dims`.
///
/// # Errors
/// Those of [`sum_dim_backward`], or different devices.
pub fn var_backward<T: Float>(
    grad: &Tensor<T>,
    input: &Tensor<T>,
    dims: &[isize],
    correction: usize,
) -> Result<Tensor<T>> {
    let of = Undone::new("var_backward", input.shape(), dims)?;
    let grad = of.spread(grad)?.mul(2.0)?;
    let apart = deviations(&of, &input.cast()?, dims, correction)?;
    apart.mul(&grad)?.cast()
}

/// The gradient of the input of [`Tensor::std`] along `dims`, from the output too.
///
/// # Errors
/// Those of [`sum_dim_backward`], another shape of `output`, or different devices.
pub fn std_backward<T: Float>(
    grad: &Tensor<T>,
    input: &Tensor<T>,
    output: &Tensor<T>,
    dims: &[isize],
    correction: usize,
) -> Result<Tensor<T>> {
    let of = Undone::new("std_backward", input.shape(), dims)?;
    let grad = over(&of.spread(grad)?, &of.spread(output)?)?;
    let apart = deviations(&of, &input.cast()?, dims, correction)?;
    apart.mul(&grad)?.cast()
}

/// The quotients, 0 where the divisor is.
fn over(grad: &Tensor<f32>, divisor: &Tensor<f32>) -> Result<Tensor<f32>> {
    grad.div(divisor)?.masked_fill(&divisor.eq(0.0)?, 0.0)
}

/// The gradient of the input of [`Tensor::norm`] along `dims`, from the output too.
///
/// # Errors
/// Those of [`std_backward`].
pub fn norm_backward<T: Float>(
    grad: &Tensor<T>,
    input: &Tensor<T>,
    output: &Tensor<T>,
    dims: &[isize],
) -> Result<Tensor<T>> {
    let of = Undone::new("norm_backward", input.shape(), dims)?;
    let grad = over(&of.spread(grad)?, &of.spread(output)?)?;
    input.cast::<f32>()?.mul(&grad)?.cast()
}

/// The gradient of the input of [`Tensor::logsumexp`] along `dims`, from the output too.
///
/// # Errors
/// Those of [`std_backward`].
pub fn logsumexp_backward<T: Float>(
    grad: &Tensor<T>,
    input: &Tensor<T>,
    output: &Tensor<T>,
    dims: &[isize],
) -> Result<Tensor<T>> {
    let of = Undone::new("logsumexp_backward", input.shape(), dims)?;
    let shares = input.cast::<f32>()?.sub(&of.spread(output)?)?.exp()?;
    shares.mul(&of.spread(grad)?)?.cast()
}

/// The gradient of the input of [`Tensor::amax`] or [`Tensor::max`] along `dims`, from the output too: equal ones have equal
/// shares.
///
/// # Errors
/// Those of [`std_backward`].
pub fn amax_backward<T: Float>(
    grad: &Tensor<T>,
    input: &Tensor<T>,
    output: &Tensor<T>,
    dims: &[isize],
) -> Result<Tensor<T>> {
    extreme("amax_backward", grad, input, output, dims)
}

/// The gradient of the input of [`Tensor::amin`] or [`Tensor::min`] along `dims`, from the output too: equal ones have equal
/// shares.
///
/// # Errors
/// Those of [`std_backward`].
pub fn amin_backward<T: Float>(
    grad: &Tensor<T>,
    input: &Tensor<T>,
    output: &Tensor<T>,
    dims: &[isize],
) -> Result<Tensor<T>> {
    extreme("amin_backward", grad, input, output, dims)
}

fn extreme<T: Float>(
    op: &'static str,
    grad: &Tensor<T>,
    input: &Tensor<T>,
    output: &Tensor<T>,
    dims: &[isize],
) -> Result<Tensor<T>> {
    let of = Undone::new(op, input.shape(), dims)?;
    let (grad, output) = (of.spread(grad)?, of.spread(output)?);
    let is_it = input.cast::<f32>()?.eq(&output)?;
    let share = grad.div(&is_it.sum_dim(dims, true)?.cast()?)?;
    let share: Tensor<T> = share.cast()?;
    where_(&is_it, &share, T::default())
}
