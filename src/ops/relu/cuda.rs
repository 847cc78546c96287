//! Bindings of `cuda/relu.cu` over cudarc buffers. Work is queued on `stream` and runs asynchronously.

use std::sync::Arc;

use cudarc::driver::{CudaStream, DevicePtr, DevicePtrMut};

use super::OP;
use crate::element::Float;
use crate::error::Result;
use crate::ops::elementwise;

/// `y[i] = max(x[i], 0)` for every element of `x`; `y` is at least as long.
///
/// # Errors
/// A shorter `y`, buffers of another context, or whatever the driver answers.
pub fn relu<T: Float>(
    stream: &Arc<CudaStream>,
    x: &impl DevicePtr<T>,
    y: &mut impl DevicePtrMut<T>,
) -> Result<()> {
    elementwise::map(stream, (OP, OP), x, y, &[])
}

/// [`relu`] in place.
///
/// # Errors
/// A buffer of another context, or whatever the driver answers.
pub fn relu_in_place<T: Float>(
    stream: &Arc<CudaStream>,
    x: &mut impl DevicePtrMut<T>,
) -> Result<()> {
    elementwise::map_in_place(stream, (OP, OP), x, &[])
}

/// `dx[i] = 0` where `y[i] <= 0`, else `dy[i]`, also where `y[i]` is NaN; `y` is the output of [`relu`].
///
/// # Errors
/// A `y` or `dx` shorter than `dy`, buffers of another context, or whatever the driver answers.
pub fn relu_backward<T: Float>(
    stream: &Arc<CudaStream>,
    dy: &impl DevicePtr<T>,
    y: &impl DevicePtr<T>,
    dx: &mut impl DevicePtrMut<T>,
) -> Result<()> {
    elementwise::zip(stream, (OP, "relu_backward"), dy, y, dx, &[])
}
