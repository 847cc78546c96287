//! Ops of two operands, element by element: `add`, `sub`, `mul`, `div`, `pow`, `fmod`, `remainder`, `maximum`, `minimum`,
//! `atan2`, with PyTorch's names and meaning (ONNX `Add`, `Sub`, `Mul`, `Div`, `Pow`, `Mod`, `Max`, `Min`). `table` has a
//! line for each.
//!
//! Operands broadcast as in NumPy: from the last dimension on, sizes are equal or one of them is 1. Either may be a number.
//! Floats are computed with in `f32` and rounded once; integers wrap, as in PyTorch, and a division by 0 gives 0, since a GPU
//! has no way to say so but to be waited for.
//!
//! Backward is made of the same ops: where y = a b, da is `dy.mul(&b)`, summed over what a was broadcast along
//! ([`sum_to_shape`](crate::ops::sum_to_shape)).

pub(crate) mod cpu;
pub mod cuda;
mod operand;
mod operators;
mod table;

pub(crate) use operand::Kind;
pub use operand::Operand;
pub use table::KERNELS;
use table::{OPS, Op};

use crate::checks::{expect_shape, same_device};
use crate::element::Number;
use crate::error::{Error, Result};
use crate::ops::dispatch::Side;
use crate::ops::strides::{Strides, broadcast, expanded};
use crate::tensor::{Data, DataMut, Tensor};

/// How both operands are read for an output of `shape`.
pub(crate) fn strides<T: Number>(
    op: &'static str,
    [a, b]: [&Operand<'_, T>; 2],
    shape: &[usize],
) -> Result<Strides<2>> {
    let own = |side: &Operand<'_, T>| match side.tensor() {
        Some(tensor) => expanded(op, tensor.shape(), shape),
        // a number is read nowhere: it stands in no dimension's way
        None => Ok(crate::ops::strides::of_shape(shape)),
    };
    Ok(Strides::new(shape, [&own(a)?, &own(b)?]))
}

/// The op of this name (`"add"`, ...), for programs that have it as text.
///
/// # Errors
/// A name that the table does not have, shapes that do not broadcast together, or different devices.
pub fn binary<'a, T: Number>(
    name: &str,
    a: impl Into<Operand<'a, T>>,
    b: impl Into<Operand<'a, T>>,
) -> Result<Tensor<T>> {
    made(of_name(name)?, a.into(), b.into())
}

fn of_name(name: &str) -> Result<&'static Op> {
    let unknown = || {
        let names: Vec<_> = OPS.iter().map(|op| op.name).collect();
        Error::argument("binary", format!("one of {names:?}"), name)
    };
    OPS.iter().find(|op| op.name == name).ok_or_else(unknown)
}

fn made<T: Number>(op: &Op, a: Operand<'_, T>, b: Operand<'_, T>) -> Result<Tensor<T>> {
    let shape = broadcast(op.name, a.shape(), b.shape())?;
    let Some(tensor) = a.tensor().or(b.tensor()) else {
        return Err(Error::argument(op.name, "a tensor", "two numbers"));
    };
    let mut out = Tensor::empty(&shape, tensor.device())?;
    binary_out(op, a, b, &mut out)?;
    Ok(out)
}

fn binary_out<T: Number>(
    op: &Op,
    a: Operand<'_, T>,
    b: Operand<'_, T>,
    out: &mut Tensor<T>,
) -> Result<()> {
    let shape = broadcast(op.name, a.shape(), b.shape())?;
    expect_shape(op.name, &shape, out.shape())?;
    let strides = strides(op.name, [&a, &b], &shape)?;
    let devices = [a.tensor(), b.tensor(), Some(&*out)];
    let devices: Vec<_> = devices.into_iter().flatten().map(Tensor::device).collect();
    same_device(op.name, &devices)?;
    if out.numel() == 0 {
        return Ok(());
    }
    run(op, Some(a.side()), b.side(), out.data_mut()?, &strides)
}

fn binary_in_place<T: Number>(op: &Op, y: &mut Tensor<T>, b: Operand<'_, T>) -> Result<()> {
    let strides = strides(op.name, [&(&*y).into(), &b], y.shape())?;
    if let Some(b) = b.tensor() {
        same_device(op.name, &[y.device(), b.device()])?;
    }
    if y.numel() == 0 {
        return Ok(());
    }
    run(op, None, b.side(), y.data_update()?, &strides)
}

/// Without `a`, that is the output's own elements.
fn run<T: Number>(
    op: &Op,
    a: Option<Side<Data<'_, T>, T::Wide>>,
    b: Side<Data<'_, T>, T::Wide>,
    y: DataMut<'_, T>,
    strides: &Strides<2>,
) -> Result<()> {
    match y {
        DataMut::Cpu(y) => {
            let a = a.map(|a| a.cpu(op.name)).transpose()?;
            cpu::binary(op, a, b.cpu(op.name)?, y, strides);
            Ok(())
        }
        DataMut::Cuda(y) => {
            let a = a.map(|a| a.cuda(op.name)).transpose()?;
            let stream = y.stream().clone();
            cuda::binary_op(&stream, op, a, b.cuda(op.name)?, y, strides)
        }
    }
}
