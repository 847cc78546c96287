//! Binding of `cuda/binary.cu` over cudarc buffers. Work is queued on `stream` and runs asynchronously.

use std::sync::Arc;

use cudarc::driver::{CudaSlice, CudaStream, DevicePtr, DevicePtrMut};

use super::of_name;
use super::table::{OPS, Op};
use crate::element::{Element, Number, Wide};
use crate::error::{Result, numel};
use crate::ops::dispatch::Side;
use crate::ops::strides::{Strides, broadcast, expanded};
use crate::runtime::launch::Launch;

const MODULE: &str = "binary";
/// Elements that one launch indexes.
pub(crate) const MOST: usize = 1 << 31;

/// `y[i] = f(a[i], b[i])` for the op of this name (`"add"`, ...), where `a` and `b` have these shapes and broadcast to the
/// shape of `y`.
///
/// # Errors
/// A name that the table does not have, shapes that do not broadcast together, buffers shorter than their shapes or of
/// another context, or whatever the driver answers.
pub fn binary<T: Number>(
    stream: &Arc<CudaStream>,
    name: &str,
    (a, shape_a): (&impl DevicePtr<T>, &[usize]),
    (b, shape_b): (&impl DevicePtr<T>, &[usize]),
    y: &mut impl DevicePtrMut<T>,
) -> Result<()> {
    let op = of_name(name)?;
    let (strides, [of_a, of_b, of_y]) = shapes(op.name, shape_a, shape_b)?;
    let (a, b) = (Side::Data((a, of_a)), Side::Data((b, of_b)));
    let (kernel, code) = kernel::<T>(op);
    launch::<T, _, T>(
        stream,
        (MODULE, &kernel),
        Some(a),
        b,
        (y, of_y),
        &strides,
        code,
    )
}

/// How buffers of two shapes are read for what both broadcast to, and the elements of each of the three.
pub(crate) fn shapes(
    op: &'static str,
    a: &[usize],
    b: &[usize],
) -> Result<(Strides<2>, [usize; 3])> {
    let shape = broadcast(op, a, b)?;
    let strides = [expanded(op, a, &shape)?, expanded(op, b, &shape)?];
    let elements = [numel(op, a)?, numel(op, b)?, numel(op, &shape)?];
    Ok((Strides::new(&shape, [&strides[0], &strides[1]]), elements))
}

pub(super) fn binary_op<T: Number>(
    stream: &Arc<CudaStream>,
    op: &Op,
    a: Option<Side<&CudaSlice<T>, T::Wide>>,
    b: Side<&CudaSlice<T>, T::Wide>,
    y: &mut CudaSlice<T>,
    strides: &Strides<2>,
) -> Result<()> {
    let (a, b) = (a.map(whole), whole(b));
    let (kernel, code) = kernel::<T>(op);
    let y = (y, strides.numel());
    launch::<T, _, T>(stream, (MODULE, &kernel), a, b, y, strides, code)
}

/// A slice as long as it is.
pub(crate) fn whole<T, V>(side: Side<&CudaSlice<T>, V>) -> Side<(&CudaSlice<T>, usize), V> {
    match side {
        Side::Data(x) => Side::Data((x, x.len())),
        Side::Value(value) => Side::Value(value),
    }
}

/// The kernel of an op, and for integers, which share one, the op's place in the table.
fn kernel<T: Number>(op: &Op) -> (String, Option<i32>) {
    match T::IS_INTEGER {
        true => {
            let place = OPS.iter().position(|other| other.name == op.name);
            (
                format!("binary_{}", T::NAME),
                place.map(|place| place as i32),
            )
        }
        false => (format!("binary_{}_{}", op.name, T::NAME), None),
    }
}

/// Launches a kernel of `cuda/broadcast.cuh`, in as many parts as its indices need: on buffers and so many of their elements,
/// on `y`'s own where there is no `a`; with a last argument, where the kernel has one.
pub(crate) fn launch<T: Number, B: DevicePtr<T>, Y: Element>(
    stream: &Arc<CudaStream>,
    (module, kernel): (&'static str, &str),
    a: Option<Side<(&impl DevicePtr<T>, usize), T::Wide>>,
    b: Side<(&B, usize), T::Wide>,
    (y, len): (&mut impl DevicePtrMut<Y>, usize),
    strides: &Strides<2>,
    last: Option<i32>,
) -> Result<()> {
    if len == 0 {
        return Ok(());
    }
    let mut done = 0;
    for (at, part) in strides.parts(MOST) {
        let mut launch = Launch::new(stream, module, kernel)?;
        let of_y = launch.address_mut(y, len) + offset::<Y>(done);
        let (of_a, value_a) = match &a {
            None => (of_y, None),
            Some(a) => operand(&mut launch, a, at[0]),
        };
        let (of_b, value_b) = operand(&mut launch, &b, at[1]);
        let (n, value) = (part.numel(), value_a.or(value_b));
        let launch = launch.over::<T>(n).scalar(of_a).scalar(of_b).scalar(of_y);
        let launch = launch
            .scalar(n as i64)
            .scalar(value.map_or(0, Wide::argument));
        let launch = launch.table(&part.words_unless_contiguous(module)?);
        last.into_iter().fold(launch, Launch::scalar).run()?;
        done += n;
    }
    Ok(())
}

/// An operand's address, or null and its value.
pub(crate) fn operand<'a, T, V: Copy>(
    launch: &mut Launch<'a>,
    side: &Side<(&'a impl DevicePtr<T>, usize), V>,
    at: isize,
) -> (u64, Option<V>) {
    match *side {
        Side::Data((x, len)) => (launch.address(x, len) + offset::<T>(at as usize), None),
        Side::Value(value) => (0, Some(value)),
    }
}

pub(crate) fn offset<T>(at: usize) -> u64 {
    (at * size_of::<T>()) as u64
}
