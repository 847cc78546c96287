//! Bindings of `cuda/reduce.cu` over cudarc buffers. Work is queued on `stream` and runs asynchronously.

use std::sync::Arc;

use cudarc::driver::{CudaStream, DevicePtr, DevicePtrMut};

use super::table::Op;
use crate::element::{Element, Float};
use crate::error::{Result, numel, to_i32};
use crate::runtime::launch::{Launch, workspace};

const MODULE: &str = "reduce";
const THREADS: usize = 256;
/// Blocks that fill a GPU, and what of a column a thread takes at least before it is cut: both independent of the device, and
/// with them the order in which elements are taken.
const BLOCKS: usize = 1024;
const PER_THREAD: usize = 16;

/// `y[o, i]` = the sum of all `x[o, k, i]`, for `x` of this shape (outer, n, inner), over `divisor`.
///
/// # Errors
/// Buffers shorter than the shape or of another context, out of memory, or whatever the driver answers.
pub fn sum<T: Float>(
    stream: &Arc<CudaStream>,
    x: &impl DevicePtr<T>,
    y: &mut impl DevicePtrMut<T>,
    shape: [usize; 3],
    divisor: f32,
) -> Result<()> {
    reduce::<T, T>(stream, &super::table::SUM, x, y, shape, divisor)
}

pub(super) fn reduce<T: Float, Y: Element>(
    stream: &Arc<CudaStream>,
    op: &Op,
    x: &impl DevicePtr<T>,
    y: &mut impl DevicePtrMut<Y>,
    [outer, n, inner]: [usize; 3],
    number: f32,
) -> Result<()> {
    let len = numel(MODULE, &[outer, n, inner])?;
    let columns = numel(MODULE, &[outer, inner])?;
    if columns == 0 {
        return Ok(());
    }
    let lanes = match inner {
        1 => THREADS / n.next_power_of_two().clamp(1, THREADS),
        _ => inner.next_power_of_two().min(32),
    };
    let (blocks, depth) = (columns.div_ceil(lanes), THREADS / lanes);
    let most = n.div_ceil(depth * PER_THREAD).max(1);
    let chunks = (BLOCKS / blocks).clamp(1, most);
    let chunk = n.div_ceil(chunks).max(1);
    to_i32(MODULE, "elements of a column", n)?;
    let number_of_lanes = to_i32(MODULE, "lanes", lanes)?;

    let room = numel(MODULE, &[columns, chunks, op.words])?;
    let mut parts = match chunks {
        1 => None,
        _ => Some(workspace::<f32>(stream, MODULE, room)?),
    };
    let launch = Launch::new(stream, MODULE, &format!("reduce_{}_{}", op.name, T::NAME))?;
    let launch = launch
        .grid(blocks, chunks, 1)
        .block(THREADS as u32)
        .read(x, len);
    let launch = launch
        .write_optional(parts.as_mut(), room)
        .write(y, columns);
    let launch = launch
        .scalar(outer as i64)
        .scalar(n as i64)
        .scalar(inner as i64);
    launch
        .scalar(number_of_lanes)
        .scalar(chunk as i64)
        .scalar(number)
        .run()?;

    let Some(parts) = parts else {
        return Ok(());
    };
    let lanes = columns.next_power_of_two().min(32);
    let launch = Launch::new(
        stream,
        MODULE,
        &format!("reduce_{}_finish_{}", op.name, T::NAME),
    )?;
    let launch = launch
        .grid(columns.div_ceil(lanes), 1, 1)
        .block(THREADS as u32);
    let launch = launch
        .read(&parts, room)
        .write(y, columns)
        .scalar(columns as i64);
    let launch = launch.scalar(n as i64).scalar(chunks as i64);
    launch
        .scalar(to_i32(MODULE, "lanes", lanes)?)
        .scalar(number)
        .run()
}
