//! Binding of `cuda/adadelta.cu` over cudarc buffers. Work is queued on `stream` and runs asynchronously.

use std::sync::Arc;

use cudarc::driver::{CudaStream, DevicePtr, DevicePtrMut};

use super::{AdadeltaOptions, OP};
use crate::element::Float;
use crate::error::Result;
use crate::launch::Launch;

/// One step for every element of `p`; `g` and the mean squares `v` (of the gradient) and `u` (of the steps) are at least
/// as long.
///
/// # Errors
/// Bad options, a shorter `g`, `v` or `u`, buffers of another context, or whatever the driver answers.
pub fn adadelta<T: Float>(
    stream: &Arc<CudaStream>,
    p: &mut impl DevicePtrMut<T>,
    g: &impl DevicePtr<T>,
    v: &mut impl DevicePtrMut<f32>,
    u: &mut impl DevicePtrMut<f32>,
    options: &AdadeltaOptions,
) -> Result<()> {
    let scalars = options.scalars()?;
    let n = p.len();
    if n == 0 {
        return Ok(());
    }
    let launch = Launch::elementwise::<T>(stream, OP, OP, n)?;
    let launch = launch.write(p, n).read(g, n).write(v, n).write(u, n);
    let launch = launch.scalar(n as i64);
    scalars.into_iter().fold(launch, Launch::scalar).run()
}
