//! Bindings of `cuda/add.cu` over cudarc buffers. Work is queued on `stream` and runs asynchronously.

use std::sync::Arc;

use cudarc::driver::{CudaStream, DevicePtr, DevicePtrMut};

use super::OP;
use crate::element::Float;
use crate::error::Result;
use crate::ops::elementwise;

/// `y[i] = a[i] + alpha * b[i]` for every element of `a`; `b` and `y` are at least as long.
///
/// # Errors
/// A shorter `b` or `y`, buffers of another context, or whatever the driver answers.
pub fn add<T: Float>(
    stream: &Arc<CudaStream>,
    a: &impl DevicePtr<T>,
    b: &impl DevicePtr<T>,
    y: &mut impl DevicePtrMut<T>,
    alpha: f32,
) -> Result<()> {
    elementwise::zip(stream, (OP, OP), a, b, y, &[alpha])
}

/// `a[i] += alpha * b[i]` for every element of `a`; `b` is at least as long.
///
/// # Errors
/// A shorter `b`, buffers of another context, or whatever the driver answers.
pub fn add_in_place<T: Float>(
    stream: &Arc<CudaStream>,
    a: &mut impl DevicePtrMut<T>,
    b: &impl DevicePtr<T>,
    alpha: f32,
) -> Result<()> {
    elementwise::zip_in_place(stream, OP, a, b, &[alpha])
}
