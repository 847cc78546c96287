//! Bindings of `cuda/bias_add.cu` over cudarc buffers. Work is queued on `stream` and runs asynchronously.

use std::sync::Arc;

use cudarc::driver::{CudaStream, DevicePtr, DevicePtrMut};

use super::OP;
use crate::element::Float;
use crate::error::{Error, Result, to_i32};
use crate::runtime::launch::Launch;

/// `y[r, c] = x[r, c] + bias[c]`: every row of `x`, as long as `bias`, plus `bias`; `y` is at least as long as `x`.
///
/// # Errors
/// An `x` that is no whole number of rows, a shorter `y`, a bias past what the kernel indexes, buffers of another
/// context, or whatever the driver answers.
pub fn bias_add<T: Float>(
    stream: &Arc<CudaStream>,
    x: &impl DevicePtr<T>,
    bias: &impl DevicePtr<T>,
    y: &mut impl DevicePtrMut<T>,
) -> Result<()> {
    let (n, cols) = (x.len(), bias.len());
    if n == 0 {
        return Ok(());
    }
    let launch = Launch::elementwise::<T>(stream, OP, "bias_add", n)?;
    let launch = launch.read(x, n).read(bias, cols).write(y, n);
    launch.scalar(n as i64).scalar(columns(n, cols)?).run()
}

/// [`bias_add`] in place.
///
/// # Errors
/// Those of [`bias_add`].
pub fn bias_add_in_place<T: Float>(
    stream: &Arc<CudaStream>,
    x: &mut impl DevicePtrMut<T>,
    bias: &impl DevicePtr<T>,
) -> Result<()> {
    let (n, cols) = (x.len(), bias.len());
    if n == 0 {
        return Ok(());
    }
    let launch = Launch::elementwise::<T>(stream, OP, "bias_add", n)?;
    let launch = launch.in_place_around(x, n, bias, cols);
    launch.scalar(n as i64).scalar(columns(n, cols)?).run()
}

fn columns(n: usize, cols: usize) -> Result<i32> {
    if !n.is_multiple_of(cols) {
        let expected = format!("a whole number of rows of {cols} elements");
        return Err(Error::shape(OP, expected, format!("{n} elements")));
    }
    to_i32(OP, "columns", cols)
}
