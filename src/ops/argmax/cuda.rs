//! Binding of `cuda/argmax.cu` over cudarc buffers. Work is queued on `stream` and runs asynchronously.

use std::sync::Arc;

use cudarc::driver::{CudaStream, DevicePtr, DevicePtrMut};

use super::OP;
use crate::element::Float;
use crate::error::{Error, Result, numel, to_i32};
use crate::runtime::launch::Launch;

/// `y[r]` = the first column in which row r of `x` (rows, cols) is maximal; a NaN counts as the maximum.
///
/// # Errors
/// Rows without columns, an `x` shorter than rows * cols or a `y` than rows, buffers of another context, sizes past the
/// grid, or whatever the driver answers.
pub fn argmax<T: Float>(
    stream: &Arc<CudaStream>,
    x: &impl DevicePtr<T>,
    y: &mut impl DevicePtrMut<i32>,
    rows: usize,
    cols: usize,
) -> Result<()> {
    let n = numel(OP, &[rows, cols])?;
    if rows == 0 {
        return Ok(());
    }
    if cols == 0 {
        return Err(Error::shape(
            OP,
            "rows of at least one column",
            format!("{rows} rows of none"),
        ));
    }
    let launch = Launch::rows::<T>(stream, OP, "argmax", rows, cols)?;
    let launch = launch.read(x, n).write(y, rows).scalar(rows as i64);
    launch.scalar(to_i32(OP, "columns", cols)?).run()
}
