//! Bindings of `cuda/dropout.cu` over cudarc buffers. Work is queued on `stream` and runs asynchronously.

use std::sync::Arc;

use cudarc::driver::{CudaStream, DevicePtr, DevicePtrMut};

use super::{DropoutOptions, OP};
use crate::element::Float;
use crate::error::Result;
use crate::launch::Launch;

/// `y[i] = 0` with probability p, else `x[i] / (1 - p)`; `y` is at least as long as `x`. With `dy` for `x` it is its own
/// gradient.
///
/// # Errors
/// A p outside 0..=1, a shorter `y`, buffers of another context, or whatever the driver answers.
pub fn dropout<T: Float>(
    stream: &Arc<CudaStream>,
    x: &impl DevicePtr<T>,
    y: &mut impl DevicePtrMut<T>,
    options: &DropoutOptions,
) -> Result<()> {
    options.check(OP)?;
    let n = x.len();
    if n == 0 {
        return Ok(());
    }
    Launch::elementwise::<T>(stream, OP, OP, n)?
        .read(x, n)
        .write(y, n)
        .scalar(n as i64)
        .scalar(options.threshold())
        .scalar(options.scale())
        .scalar(options.seed)
        .scalar(options.call)
        .run()
}
