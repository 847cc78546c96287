//! Binding of `cuda/transpose.cu` over cudarc buffers. Work is queued on `stream` and runs asynchronously.

use std::sync::Arc;

use cudarc::driver::{CudaStream, DevicePtr, DevicePtrMut};

use super::OP;
use crate::element::Element;
use crate::error::{Result, numel, to_i32};
use crate::runtime::launch::Launch;

const THREADS: u32 = 256;

/// `y[b, c, r] = x[b, r, c]` for `batch` matrices of `rows` and `cols`; both buffers are at least that long.
///
/// # Errors
/// A shorter `x` or `y`, sizes past what the kernel indexes, buffers of another context, or whatever the driver answers.
pub fn transpose<T: Element>(
    stream: &Arc<CudaStream>,
    x: &impl DevicePtr<T>,
    y: &mut impl DevicePtrMut<T>,
    batch: usize,
    rows: usize,
    cols: usize,
) -> Result<()> {
    let n = numel(OP, &[batch, rows, cols])?;
    if n == 0 {
        return Ok(());
    }
    let (kernel, tile) = match size_of::<T>() {
        8 => ("transpose_b64", 32),
        4 => ("transpose_b32", 32),
        2 => ("transpose_b16", 64),
        _ => ("transpose_b8", 64),
    };
    let tiles = batch * rows.div_ceil(tile) * cols.div_ceil(tile); // at most n
    // a tile's indices reach one tile past the matrix
    let [rows, cols] = [("rows", rows), ("cols", cols)]
        .map(|(what, size)| to_i32(OP, what, size.saturating_add(tile)).map(|s| s - tile as i32));
    Launch::new(stream, OP, kernel)?
        .grid(tiles, 1, 1)
        .block(THREADS)
        .read(x, n)
        .write(y, n)
        .scalar(rows?)
        .scalar(cols?)
        .run()
}
