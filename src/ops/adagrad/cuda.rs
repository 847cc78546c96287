//! Binding of `cuda/adagrad.cu` over cudarc buffers. Work is queued on `stream` and runs asynchronously.

use std::sync::Arc;

use cudarc::driver::{CudaStream, DevicePtr, DevicePtrMut};

use super::{AdagradOptions, OP};
use crate::element::Float;
use crate::error::Result;
use crate::launch::Launch;

/// One step for every element of `p`; `g` and the sum of squares `h` are at least as long.
///
/// # Errors
/// Bad options, a step of 0, a shorter `g` or `h`, buffers of another context, or whatever the driver answers.
pub fn adagrad<T: Float>(
    stream: &Arc<CudaStream>,
    p: &mut impl DevicePtrMut<T>,
    g: &impl DevicePtr<T>,
    h: &mut impl DevicePtrMut<f32>,
    options: &AdagradOptions,
    step: u64,
) -> Result<()> {
    let rate = options.rate(step)?;
    let n = p.len();
    if n == 0 {
        return Ok(());
    }
    let launch = Launch::elementwise::<T>(stream, OP, OP, n)?;
    let launch = launch.write(p, n).read(g, n).write(h, n).scalar(n as i64);
    let scalars = [rate, options.eps, options.weight_decay].map(|s| s as f32);
    scalars.into_iter().fold(launch, Launch::scalar).run()
}
