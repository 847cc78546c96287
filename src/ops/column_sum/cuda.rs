//! Binding of `cuda/column_sum.cu` over cudarc buffers. Work is queued on `stream` and runs asynchronously.

use std::sync::Arc;

use cudarc::driver::{CudaStream, DevicePtr, DevicePtrMut};

use super::OP;
use crate::element::{Element, Float};
use crate::error::{Result, numel, to_i32};
use crate::runtime::launch::{Launch, workspace};

const THREADS: usize = 256;
/// Blocks that share out the rows, and blocks at most: both independent of the device, and with them the order of
/// the sum.
const ROWS_PER_THREAD: usize = 8;
const MAX_BLOCKS: usize = 1024;

/// How the kernel shares out columns of type `T`.
struct Columns {
    /// Threads side by side.
    lanes: usize,
    /// Blocks side by side if each thread takes one column: those there are when it takes more leave at once.
    blocks: usize,
    /// Blocks side by side if each thread takes 16 bytes.
    wide_blocks: usize,
}

impl Columns {
    fn of<T: Element>(cols: usize) -> Self {
        let n = 16 / size_of::<T>();
        let run = if cols.is_multiple_of(n) { n } else { 1 };
        let lanes = (cols / run).next_power_of_two().min(32);
        Self {
            lanes,
            blocks: cols.div_ceil(lanes),
            wide_blocks: cols.div_ceil(lanes * run),
        }
    }
}

/// `y[c]` = the sum over r of `x[r, c]`, with `x` (rows, cols).
///
/// # Errors
/// An `x` shorter than rows * cols or a `y` than cols, buffers of another context, out of memory, sizes past the grid, or
/// whatever the driver answers.
pub fn column_sum<T: Float>(
    stream: &Arc<CudaStream>,
    x: &impl DevicePtr<T>,
    y: &mut impl DevicePtrMut<T>,
    rows: usize,
    cols: usize,
) -> Result<()> {
    let n = numel(OP, &[rows, cols])?;
    if cols == 0 {
        return Ok(());
    }
    let cols_i32 = to_i32(OP, "columns", cols)?;
    let columns = Columns::of::<T>(cols);
    let depth = THREADS / columns.lanes * ROWS_PER_THREAD;
    let most = (MAX_BLOCKS / columns.wide_blocks).max(1);
    let splits = rows.div_ceil(depth).clamp(1, most);
    let needed = numel(OP, &[splits, cols])?;
    let mut parts = workspace::<f32>(stream, OP, needed)?;

    let launch = Launch::new(stream, OP, &format!("column_sum_{}", T::NAME))?;
    let launch = launch.grid(columns.blocks, splits, 1).block(THREADS as u32);
    let launch = launch
        .read(x, n)
        .write(&mut parts, needed)
        .scalar(rows as i64);
    launch
        .scalar(cols_i32)
        .scalar(to_i32(OP, "lanes", columns.lanes)?)
        .run()?;

    let columns = Columns::of::<f32>(cols);
    let launch = Launch::new(stream, OP, &format!("column_sum_finish_{}", T::NAME))?;
    let launch = launch.grid(columns.blocks, 1, 1).block(THREADS as u32);
    let launch = launch
        .read(&parts, needed)
        .write(y, cols)
        .scalar(splits as i64);
    launch
        .scalar(cols_i32)
        .scalar(to_i32(OP, "lanes", columns.lanes)?)
        .run()
}
