//! Bindings of `cuda/cross_entropy.cu` over cudarc buffers. Work is queued on `stream` and runs asynchronously.
//!
//! Labels are not looked at by the host: one outside 0..classes makes the loss, and its row of the gradient, NaN.

use std::sync::Arc;

use cudarc::driver::{CudaStream, DevicePtr, DevicePtrMut};

use super::OP;
use crate::element::Float;
use crate::error::{Error, Result, numel, to_i32};
use crate::ops::sum::cuda::divided_sum;
use crate::runtime::launch::{Launch, workspace};

/// `loss[0]` = the mean cross-entropy of logits `x` (rows, classes) for `labels` (rows); NaN where there are no rows.
///
/// # Errors
/// No classes, shorter buffers, buffers of another context, out of memory, sizes past the grid, or whatever the
/// driver answers.
pub fn cross_entropy<T: Float>(
    stream: &Arc<CudaStream>,
    x: &impl DevicePtr<T>,
    labels: &impl DevicePtr<i32>,
    loss: &mut impl DevicePtrMut<T>,
    rows: usize,
    classes: usize,
) -> Result<()> {
    let n = elements(rows, classes)?;
    let mut losses = workspace::<f32>(stream, OP, rows.max(1))?;
    if rows > 0 {
        let launch = Launch::rows::<T>(stream, OP, "cross_entropy", rows, classes)?;
        let launch = launch
            .read(x, n)
            .read(labels, rows)
            .write(&mut losses, rows);
        let launch = launch.scalar(rows as i64);
        launch.scalar(to_i32(OP, "classes", classes)?).run()?;
    }
    divided_sum::<f32, T>(stream, &losses, rows, rows as f32, loss)
}

/// `dx` = the gradient of [`cross_entropy`]'s logits `x`, both (rows, classes), for `labels` (rows).
///
/// # Errors
/// No classes, shorter buffers, buffers of another context, sizes past the grid, or whatever the driver answers.
pub fn cross_entropy_backward<T: Float>(
    stream: &Arc<CudaStream>,
    x: &impl DevicePtr<T>,
    labels: &impl DevicePtr<i32>,
    dx: &mut impl DevicePtrMut<T>,
    rows: usize,
    classes: usize,
) -> Result<()> {
    let n = elements(rows, classes)?;
    if rows == 0 {
        return Ok(());
    }
    let launch = Launch::rows::<T>(stream, OP, "cross_entropy_backward", rows, classes)?;
    let launch = launch
        .read(x, n)
        .read(labels, rows)
        .write(dx, n)
        .scalar(rows as i64);
    launch.scalar(to_i32(OP, "classes", classes)?).run()
}

fn elements(rows: usize, classes: usize) -> Result<usize> {
    match (rows, classes) {
        (1.., 0) => Err(Error::shape(
            OP,
            "at least one class",
            format!("{rows} rows of none"),
        )),
        _ => numel(OP, &[rows, classes]),
    }
}
