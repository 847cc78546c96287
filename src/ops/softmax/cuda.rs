//! Bindings of `cuda/softmax.cu` over cudarc buffers. Work is queued on `stream` and runs asynchronously.

use std::sync::Arc;

use cudarc::driver::{CudaStream, DevicePtr, DevicePtrMut};

use super::OP;
use crate::element::Float;
use crate::error::{Result, numel, to_i32};
use crate::runtime::launch::Launch;

/// Softmax of each row of `x` (rows, cols) into `y`.
///
/// # Errors
/// Buffers shorter than rows * cols or of another context, sizes past the grid, or whatever the driver answers.
pub fn softmax<T: Float>(
    stream: &Arc<CudaStream>,
    x: &impl DevicePtr<T>,
    y: &mut impl DevicePtrMut<T>,
    rows: usize,
    cols: usize,
) -> Result<()> {
    run::<T>(stream, "softmax", rows, cols, 0, |l, n| {
        l.read(x, n).write(y, n)
    })
}

/// Log-softmax of each row of `x` (rows, cols) into `y`.
///
/// # Errors
/// Buffers shorter than rows * cols or of another context, sizes past the grid, or whatever the driver answers.
pub fn log_softmax<T: Float>(
    stream: &Arc<CudaStream>,
    x: &impl DevicePtr<T>,
    y: &mut impl DevicePtrMut<T>,
    rows: usize,
    cols: usize,
) -> Result<()> {
    run::<T>(stream, "softmax", rows, cols, 1, |l, n| {
        l.read(x, n).write(y, n)
    })
}

/// The gradient of [`softmax`]'s input from that of its output `dy` and the output `y`, all (rows, cols).
///
/// # Errors
/// Buffers shorter than rows * cols or of another context, sizes past the grid, or whatever the driver answers.
pub fn softmax_backward<T: Float>(
    stream: &Arc<CudaStream>,
    dy: &impl DevicePtr<T>,
    y: &impl DevicePtr<T>,
    dx: &mut impl DevicePtrMut<T>,
    rows: usize,
    cols: usize,
) -> Result<()> {
    run::<T>(stream, "softmax_backward", rows, cols, 0, |l, n| {
        l.read(dy, n).read(y, n).write(dx, n)
    })
}

/// The gradient of [`log_softmax`]'s input from that of its output `dy` and the output `y`, all (rows, cols).
///
/// # Errors
/// Buffers shorter than rows * cols or of another context, sizes past the grid, or whatever the driver answers.
pub fn log_softmax_backward<T: Float>(
    stream: &Arc<CudaStream>,
    dy: &impl DevicePtr<T>,
    y: &impl DevicePtr<T>,
    dx: &mut impl DevicePtrMut<T>,
    rows: usize,
    cols: usize,
) -> Result<()> {
    run::<T>(stream, "softmax_backward", rows, cols, 1, |l, n| {
        l.read(dy, n).read(y, n).write(dx, n)
    })
}

/// The kernel `name`, with what every one of them takes after its buffers of (rows, cols).
fn run<'a, T: Float>(
    stream: &'a Arc<CudaStream>,
    name: &str,
    rows: usize,
    cols: usize,
    log: i32,
    buffers: impl FnOnce(Launch<'a>, usize) -> Launch<'a>,
) -> Result<()> {
    let n = numel(OP, &[rows, cols])?;
    if n == 0 {
        return Ok(());
    }
    let launch = buffers(Launch::rows::<T>(stream, OP, name, rows, cols)?, n);
    let cols = to_i32(OP, "columns", cols)?;
    launch.scalar(rows as i64).scalar(cols).scalar(log).run()
}
