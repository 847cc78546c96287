//! Binding of `cuda/column_sum.cu` over cudarc buffers. Work is queued on `stream` and runs asynchronously.

use std::sync::Arc;

use cudarc::driver::{CudaSlice, CudaStream, DevicePtr, DevicePtrMut};

use super::OP;
use crate::element::{Element, Float};
use crate::error::{Result, numel, to_i32};
use crate::ops::activation::Activation;
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

/// Rows of `T` that are summed in parts, and the parts added up.
struct Parts {
    columns: Columns,
    rows: usize,
    cols: usize,
    splits: usize,
    /// Sums of all parts.
    len: usize,
}

impl Parts {
    fn new<T: Float>([rows, cols]: [usize; 2]) -> Result<Self> {
        let columns = Columns::of::<T>(cols);
        let depth = THREADS / columns.lanes * ROWS_PER_THREAD;
        let most = (MAX_BLOCKS / columns.wide_blocks).max(1);
        let splits = rows.div_ceil(depth).clamp(1, most);
        let len = numel(OP, &[splits, cols])?;
        Ok(Self {
            columns,
            rows,
            cols,
            splits,
            len,
        })
    }

    fn launch<'a>(&self, stream: &'a Arc<CudaStream>, name: &str) -> Result<Launch<'a>> {
        let launch = Launch::new(stream, OP, name)?;
        let launch = launch.grid(self.columns.blocks, self.splits, 1);
        Ok(launch.block(THREADS as u32))
    }

    fn sizes<'a>(&self, launch: Launch<'a>) -> Result<Launch<'a>> {
        let launch = launch.scalar(self.rows as i64);
        let launch = launch.scalar(to_i32(OP, "columns", self.cols)?);
        Ok(launch.scalar(to_i32(OP, "lanes", self.columns.lanes)?))
    }

    fn finish<T: Float>(
        &self,
        stream: &Arc<CudaStream>,
        parts: &CudaSlice<f32>,
        y: &mut impl DevicePtrMut<T>,
    ) -> Result<()> {
        let columns = Columns::of::<f32>(self.cols);
        let launch = Launch::new(stream, OP, &format!("column_sum_finish_{}", T::NAME))?;
        let launch = launch.grid(columns.blocks, 1, 1).block(THREADS as u32);
        launch
            .read(parts, self.len)
            .write(y, self.cols)
            .scalar(self.splits as i64)
            .scalar(to_i32(OP, "columns", self.cols)?)
            .scalar(to_i32(OP, "lanes", columns.lanes)?)
            .run()
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
    let of = Parts::new::<T>([rows, cols])?;
    let mut parts = workspace::<f32>(stream, OP, of.len)?;
    let launch = of.launch(stream, &format!("column_sum_{}", T::NAME))?;
    let launch = launch.read(x, n).write(&mut parts, of.len);
    of.sizes(launch)?.run()?;
    of.finish(stream, &parts, y)
}

/// `dx[r, c]` = the gradient of the activation's input, from that of its output `y`, and `db[c]` = the sum over r of
/// `dx[r, c]`; `dy`, `y` and `dx` are (rows, cols).
///
/// # Errors
/// A `dy`, `y` or `dx` shorter than rows * cols, or those of [`column_sum`].
pub fn column_sum_activated<T: Float>(
    stream: &Arc<CudaStream>,
    dy: &impl DevicePtr<T>,
    y: &impl DevicePtr<T>,
    activation: Activation,
    dx: &mut impl DevicePtrMut<T>,
    db: &mut impl DevicePtrMut<T>,
    [rows, cols]: [usize; 2],
) -> Result<()> {
    let n = numel(OP, &[rows, cols])?;
    if cols == 0 {
        return Ok(());
    }
    let of = Parts::new::<T>([rows, cols])?;
    let mut parts = workspace::<f32>(stream, OP, of.len)?;
    let launch = of.launch(stream, &format!("column_sum_activated_{}", T::NAME))?;
    let launch = launch.read(dy, n).read(y, n).write(dx, n);
    let launch = of.sizes(launch.write(&mut parts, of.len))?;
    launch.scalar(activation.code()).run()?;
    of.finish(stream, &parts, db)
}
