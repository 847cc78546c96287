//! Ops of one operand, element by element: PyTorch's `neg abs sign sqrt rsqrt square reciprocal exp expm1 log log1p sin cos tan
//! asin acos atan sinh cosh erf floor ceil round trunc frac gelu silu softplus leaky_relu elu clamp`, and ONNX's of these
//! names. `table` has a line for each, from which its methods, its gradient and its tests follow; `relu`, `sigmoid` and
//! `tanh`, whose gradients take the output, stand apart.
//!
//! Computed in `f32` and rounded once. The gradient is `<op>_backward(dy, x)`, `dy` times the derivative at `x`; where there
//! is none, PyTorch's choice.

pub(crate) mod cpu;
pub mod cuda;
mod table;

use table::OPS;
pub use table::*;

use crate::checks::expect_shape;
use crate::element::Float;
use crate::error::{Error, Result};
use crate::ops::dispatch;
use crate::tensor::Tensor;

/// The op of this name (`"exp"`, ...) with its numbers (a slope, bounds; else 0), for programs that have it as text.
///
/// # Errors
/// A name that the table does not have, or whatever the device answers.
pub fn unary<T: Float>(name: &str, x: &Tensor<T>, numbers: [f32; 2]) -> Result<Tensor<T>> {
    let mut out = Tensor::empty(x.shape(), x.device())?;
    unary_out(of_name(name)?, x, &mut out, numbers)?;
    Ok(out)
}

/// The gradient of [`unary`]'s input.
///
/// # Errors
/// Those of [`unary`], different shapes or devices.
pub fn backward<T: Float>(
    name: &str,
    dy: &Tensor<T>,
    x: &Tensor<T>,
    numbers: [f32; 2],
) -> Result<Tensor<T>> {
    unary_backward(of_name(name)?, dy, x, numbers)
}

fn of_name(name: &str) -> Result<&'static Op> {
    let unknown = || {
        let names: Vec<_> = OPS.iter().map(|op| op.name).collect();
        Error::argument("unary", format!("one of {names:?}"), name)
    };
    OPS.iter().find(|op| op.name == name).ok_or_else(unknown)
}

fn unary_out<T: Float>(
    op: &Op,
    x: &Tensor<T>,
    out: &mut Tensor<T>,
    numbers: [f32; 2],
) -> Result<()> {
    expect_shape(op.name, x.shape(), out.shape())?;
    dispatch::unary(
        op.name,
        x,
        out,
        |x, y| cpu::forward(op, x, y, numbers),
        |s, x, y| cuda::forward_op(s, op, x, y, numbers),
    )
}

fn unary_in_place<T: Float>(op: &Op, x: &mut Tensor<T>, numbers: [f32; 2]) -> Result<()> {
    dispatch::in_place(
        x,
        |x| cpu::in_place(op, x, numbers),
        |s, x| cuda::in_place_op(s, op, x, numbers),
    )
}

fn unary_backward<T: Float>(
    op: &Op,
    dy: &Tensor<T>,
    x: &Tensor<T>,
    numbers: [f32; 2],
) -> Result<Tensor<T>> {
    expect_shape(op.name, x.shape(), dy.shape())?;
    let mut dx = Tensor::empty(x.shape(), x.device())?;
    dispatch::binary(
        op.name,
        dy,
        x,
        &mut dx,
        |dy, x, dx| cpu::backward(op, dy, x, dx, numbers),
        |s, dy, x, dx| cuda::backward_op(s, op, dy, x, dx, numbers),
    )?;
    Ok(dx)
}
