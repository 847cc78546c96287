//! Bindings of `cuda/rmsprop.cu` over cudarc buffers. Work is queued on `stream` and runs asynchronously.

use std::sync::Arc;

use cudarc::driver::{CudaStream, DevicePtr, DevicePtrMut};

use super::{OP, RmsPropOptions};
use crate::element::Float;
use crate::error::Result;
use crate::launch::Launch;

/// One step without momentum for every element of `p`; `g` and the mean square `v` are at least as long.
///
/// # Errors
/// Bad options, a shorter `g` or `v`, buffers of another context, or whatever the driver answers.
pub fn rmsprop<T: Float>(
    stream: &Arc<CudaStream>,
    p: &mut impl DevicePtrMut<T>,
    g: &impl DevicePtr<T>,
    v: &mut impl DevicePtrMut<f32>,
    options: &RmsPropOptions,
) -> Result<()> {
    let scalars = options.scalars()?;
    let n = p.len();
    if n == 0 {
        return Ok(());
    }
    let launch = Launch::elementwise::<T>(stream, OP, "rmsprop", n)?;
    let launch = launch.write(p, n).read(g, n).write(v, n).scalar(n as i64);
    scalars.into_iter().fold(launch, Launch::scalar).run()
}

/// One step with momentum for every element of `p`; `g`, the mean square `v` and the velocity `b` are at least as long.
///
/// # Errors
/// Bad options, a shorter `g`, `v` or `b`, buffers of another context, or whatever the driver answers.
pub fn rmsprop_momentum<T: Float>(
    stream: &Arc<CudaStream>,
    p: &mut impl DevicePtrMut<T>,
    g: &impl DevicePtr<T>,
    v: &mut impl DevicePtrMut<f32>,
    b: &mut impl DevicePtrMut<f32>,
    options: &RmsPropOptions,
) -> Result<()> {
    let scalars = options.scalars()?;
    let n = p.len();
    if n == 0 {
        return Ok(());
    }
    let launch = Launch::elementwise::<T>(stream, OP, "rmsprop_momentum", n)?;
    let launch = launch.write(p, n).read(g, n).write(v, n).write(b, n);
    let launch = launch.scalar(n as i64);
    let launch = scalars.into_iter().fold(launch, Launch::scalar);
    launch.scalar(options.momentum as f32).run()
}
