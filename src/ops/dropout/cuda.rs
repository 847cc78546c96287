//! Bindings of `cuda/dropout.cu` over cudarc buffers. Work is queued on `stream` and runs asynchronously.

use std::sync::Arc;

use cudarc::driver::{CudaStream, DevicePtr, DevicePtrMut};

use super::{DropoutOptions, OP};
use crate::element::Float;
use crate::error::Result;
use crate::runtime::launch::Launch;
use crate::runtime::live::Live;

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
    dropout_at(stream, x, y, options, None)
}

/// [`dropout`], but for the number of the mask where that changes from replay to replay.
pub(crate) fn dropout_at<T: Float>(
    stream: &Arc<CudaStream>,
    x: &impl DevicePtr<T>,
    y: &mut impl DevicePtrMut<T>,
    options: &DropoutOptions,
    live: Option<&Live>,
) -> Result<()> {
    options.check(OP)?;
    let (n, live) = (x.len(), live.map(Live::view));
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
        .read_optional(live.as_ref(), 2)
        .run()
}
