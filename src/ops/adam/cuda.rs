//! Binding of `cuda/adam.cu` over cudarc buffers. Work is queued on `stream` and runs asynchronously.

use std::sync::Arc;

use cudarc::driver::{CudaStream, DevicePtr, DevicePtrMut};

use super::{AdamOptions, OP};
use crate::element::Float;
use crate::error::Result;
use crate::launch::Launch;

/// One step for every element of `p`; `g` and the moments `m` and `v` are at least as long.
///
/// # Errors
/// Bad options, a step of 0, a shorter `g`, `m` or `v`, buffers of another context, or whatever the driver answers.
pub fn adam<T: Float>(
    stream: &Arc<CudaStream>,
    p: &mut impl DevicePtrMut<T>,
    g: &impl DevicePtr<T>,
    m: &mut impl DevicePtrMut<f32>,
    v: &mut impl DevicePtrMut<f32>,
    options: &AdamOptions,
    step: u64,
) -> Result<()> {
    let s = options.scalars(step)?;
    let n = p.len();
    if n == 0 {
        return Ok(());
    }
    let launch = Launch::elementwise::<T>(stream, OP, "adam", n)?;
    let launch = launch.write(p, n).read(g, n).write(m, n).write(v, n);
    let scalars = [
        s.rate,
        s.beta1,
        s.take1,
        s.beta2,
        s.take2,
        s.root,
        s.eps,
        s.weight_decay,
        s.keep,
    ];
    let launch = launch.scalar(n as i64);
    scalars.into_iter().fold(launch, Launch::scalar).run()
}
