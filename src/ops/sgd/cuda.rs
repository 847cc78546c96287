//! Bindings of `cuda/sgd.cu` over cudarc buffers. Work is queued on `stream` and runs asynchronously.

use std::sync::Arc;

use cudarc::driver::{CudaStream, DevicePtr, DevicePtrMut};

use super::{OP, SgdOptions};
use crate::element::Float;
use crate::error::Result;
use crate::launch::Launch;

/// One step without momentum for every element of `p`; `g` is at least as long.
///
/// # Errors
/// Bad options, a shorter `g`, buffers of another context, or whatever the driver answers.
pub fn sgd<T: Float>(
    stream: &Arc<CudaStream>,
    p: &mut impl DevicePtrMut<T>,
    g: &impl DevicePtr<T>,
    options: &SgdOptions,
) -> Result<()> {
    options.check()?;
    let n = p.len();
    if n == 0 {
        return Ok(());
    }
    let launch = Launch::elementwise::<T>(stream, OP, "sgd", n)?;
    let launch = launch.write(p, n).read(g, n).scalar(n as i64);
    let scalars = [options.lr, options.weight_decay].map(|s| s as f32);
    scalars.into_iter().fold(launch, Launch::scalar).run()
}

/// One step with momentum for every element of `p`; `g` and the velocity `v` are at least as long. The first step of
/// all does not read `v`.
///
/// # Errors
/// Bad options, a shorter `g` or `v`, buffers of another context, or whatever the driver answers.
pub fn sgd_momentum<T: Float>(
    stream: &Arc<CudaStream>,
    p: &mut impl DevicePtrMut<T>,
    g: &impl DevicePtr<T>,
    v: &mut impl DevicePtrMut<f32>,
    options: &SgdOptions,
    first: bool,
) -> Result<()> {
    options.check()?;
    let n = p.len();
    if n == 0 {
        return Ok(());
    }
    let launch = Launch::elementwise::<T>(stream, OP, "sgd_momentum", n)?;
    let launch = launch.write(p, n).read(g, n).write(v, n).scalar(n as i64);
    let keep = 1.0 - options.dampening;
    let scalars = [options.lr, options.momentum, keep, options.weight_decay].map(|s| s as f32);
    let launch = scalars.into_iter().fold(launch, Launch::scalar);
    let launch = launch.scalar(i32::from(options.nesterov));
    launch.scalar(i32::from(first)).run()
}
