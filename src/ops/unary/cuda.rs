//! Bindings of `cuda/unary.cu` over cudarc buffers. Work is queued on `stream` and runs asynchronously.

use std::sync::Arc;

use cudarc::driver::{CudaStream, DevicePtr, DevicePtrMut};

use super::{Op, of_name};
use crate::element::Float;
use crate::error::Result;
use crate::ops::elementwise;

const MODULE: &str = "unary";

/// `y[i] = f(x[i])` for every element of `x`, by the op of this name (`"exp"`, ...) with its numbers (a slope, bounds; else 0);
/// `y` is at least as long.
///
/// # Errors
/// A name that the table does not have, a shorter `y`, buffers of another context, or whatever the driver answers.
pub fn unary<T: Float>(
    stream: &Arc<CudaStream>,
    name: &str,
    x: &impl DevicePtr<T>,
    y: &mut impl DevicePtrMut<T>,
    numbers: [f32; 2],
) -> Result<()> {
    forward_op(stream, of_name(name)?, x, y, numbers)
}

/// `dx[i] = dy[i] * f'(x[i])` for every element of `dy`; the others are at least as long.
///
/// # Errors
/// Those of [`unary`].
pub fn unary_backward<T: Float>(
    stream: &Arc<CudaStream>,
    name: &str,
    dy: &impl DevicePtr<T>,
    x: &impl DevicePtr<T>,
    dx: &mut impl DevicePtrMut<T>,
    numbers: [f32; 2],
) -> Result<()> {
    backward_op(stream, of_name(name)?, dy, x, dx, numbers)
}

pub(super) fn forward_op<T: Float>(
    stream: &Arc<CudaStream>,
    op: &Op,
    x: &impl DevicePtr<T>,
    y: &mut impl DevicePtrMut<T>,
    numbers: [f32; 2],
) -> Result<()> {
    elementwise::map(stream, (MODULE, &kernel(op)), x, y, &numbers)
}

pub(super) fn in_place_op<T: Float>(
    stream: &Arc<CudaStream>,
    op: &Op,
    x: &mut impl DevicePtrMut<T>,
    numbers: [f32; 2],
) -> Result<()> {
    elementwise::map_in_place(stream, (MODULE, &kernel(op)), x, &numbers)
}

pub(super) fn backward_op<T: Float>(
    stream: &Arc<CudaStream>,
    op: &Op,
    dy: &impl DevicePtr<T>,
    x: &impl DevicePtr<T>,
    dx: &mut impl DevicePtrMut<T>,
    numbers: [f32; 2],
) -> Result<()> {
    let kernel = kernel(op) + "_backward";
    elementwise::zip(stream, (MODULE, &kernel), dy, x, dx, &numbers)
}

fn kernel(op: &Op) -> String {
    format!("unary_{}", op.name)
}
