//! Bindings of `cuda/scale.cu` over cudarc buffers. Work is queued on `stream` and runs asynchronously.

use std::sync::Arc;

use cudarc::driver::{CudaStream, DevicePtr, DevicePtrMut};

use super::OP;
use crate::element::Float;
use crate::error::Result;
use crate::ops::elementwise;

/// `y[i] = factor * x[i]` for every element of `x`; `y` is at least as long.
///
/// # Errors
/// A shorter `y`, buffers of another context, or whatever the driver answers.
pub fn scale<T: Float>(
    stream: &Arc<CudaStream>,
    x: &impl DevicePtr<T>,
    y: &mut impl DevicePtrMut<T>,
    factor: f32,
) -> Result<()> {
    elementwise::map(stream, OP, x, y, &[factor])
}

/// [`scale`] in place.
///
/// # Errors
/// A buffer of another context, or whatever the driver answers.
pub fn scale_in_place<T: Float>(
    stream: &Arc<CudaStream>,
    x: &mut impl DevicePtrMut<T>,
    factor: f32,
) -> Result<()> {
    elementwise::map_in_place(stream, OP, x, &[factor])
}
