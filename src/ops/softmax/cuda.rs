//! Bindings of `cuda/softmax.cu` over cudarc buffers. Work is queued on `stream` and runs asynchronously.

use std::sync::Arc;

use cudarc::driver::{CudaStream, DevicePtr, DevicePtrMut};

use super::OP;
use crate::element::Float;
use crate::error::{Result, numel, to_i32};
use crate::launch::Launch;

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
    forward(stream, x, y, rows, cols, 0)
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
    forward(stream, x, y, rows, cols, 1)
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
    backward(stream, dy, y, dx, rows, cols, 0)
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
    backward(stream, dy, y, dx, rows, cols, 1)
}

fn forward<T: Float>(
    stream: &Arc<CudaStream>,
    x: &impl DevicePtr<T>,
    y: &mut impl DevicePtrMut<T>,
    rows: usize,
    cols: usize,
    log: i32,
) -> Result<()> {
    let n = numel(OP, &[rows, cols])?;
    if n == 0 {
        return Ok(());
    }
    let launch = Launch::rows::<T>(stream, OP, "softmax", rows, cols)?;
    let launch = launch.read(x, n).write(y, n).scalar(rows as i64);
    launch
        .scalar(to_i32(OP, "columns", cols)?)
        .scalar(log)
        .run()
}

fn backward<T: Float>(
    stream: &Arc<CudaStream>,
    dy: &impl DevicePtr<T>,
    y: &impl DevicePtr<T>,
    dx: &mut impl DevicePtrMut<T>,
    rows: usize,
    cols: usize,
    log: i32,
) -> Result<()> {
    let n = numel(OP, &[rows, cols])?;
    if n == 0 {
        return Ok(());
    }
    let launch = Launch::rows::<T>(stream, OP, "softmax_backward", rows, cols)?;
    let launch = launch.read(dy, n).read(y, n).write(dx, n);
    let launch = launch
        .scalar(rows as i64)
        .scalar(to_i32(OP, "columns", cols)?);
    launch.scalar(log).run()
}
