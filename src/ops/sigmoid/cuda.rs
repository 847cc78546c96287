//! Bindings of `cuda/sigmoid.cu` over cudarc buffers. Work is queued on `stream` and runs asynchronously.

use std::sync::Arc;

use cudarc::driver::{CudaStream, DevicePtr, DevicePtrMut};

use super::OP;
use crate::element::Float;
use crate::error::Result;
use crate::ops::elementwise;

/// `y[i] = 1 / (1 + exp(-x[i]))` for every element of `x`; `y` is at least as long.
///
/// # Errors
/// A shorter `y`, buffers of another context, or whatever the driver answers.
pub fn sigmoid<T: Float>(
    stream: &Arc<CudaStream>,
    x: &impl DevicePtr<T>,
    y: &mut impl DevicePtrMut<T>,
) -> Result<()> {
    elementwise::map(stream, (OP, OP), x, y, &[])
}

/// [`sigmoid`] in place.
///
/// # Errors
/// A buffer of another context, or whatever the driver answers.
pub fn sigmoid_in_place<T: Float>(
    stream: &Arc<CudaStream>,
    x: &mut impl DevicePtrMut<T>,
) -> Result<()> {
    elementwise::map_in_place(stream, (OP, OP), x, &[])
}

/// `dx[i] = dy[i] * y[i] * (1 - y[i])`; `y` is the output of [`sigmoid`].
///
/// # Errors
/// A `y` or `dx` shorter than `dy`, buffers of another context, or whatever the driver answers.
pub fn sigmoid_backward<T: Float>(
    stream: &Arc<CudaStream>,
    dy: &impl DevicePtr<T>,
    y: &impl DevicePtr<T>,
    dx: &mut impl DevicePtrMut<T>,
) -> Result<()> {
    elementwise::zip(stream, (OP, "sigmoid_backward"), dy, y, dx, &[])
}
