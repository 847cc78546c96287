//! Bindings of `cuda/reduce.cu` over cudarc buffers. Work is queued on `stream` and runs asynchronously.

use std::sync::Arc;

use cudarc::driver::{CudaSlice, CudaStream, DevicePtr, DevicePtrMut};

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
    shape: [usize; 3],
    number: f32,
) -> Result<()> {
    let names = Names {
        first: format!("reduce_{}_{}", op.name, T::NAME),
        finish: format!("reduce_{}_finish_{}", op.name, T::NAME),
        words: op.words,
    };
    run::<T, Y>(stream, &names, x, y, shape, number)
}

/// The kernels of a reduction, and the words of 32 bits that a state has.
pub(super) struct Names {
    pub(super) first: String,
    pub(super) finish: String,
    pub(super) words: usize,
}

/// How columns (o, i) of n elements are dealt out to blocks.
#[derive(Clone, Copy)]
pub(crate) struct Cut {
    /// Columns that a block has side by side, and the blocks of all.
    pub(crate) lanes: usize,
    pub(crate) blocks: usize,
    /// Parts that columns are cut in, and the elements of one.
    pub(crate) chunks: usize,
    pub(crate) chunk: usize,
}

impl Cut {
    /// Where threads take `items` neighbours each, and columns are cut in `most` parts at most.
    pub(crate) fn new([outer, n, inner]: [usize; 3], items: usize, most: usize) -> Result<Self> {
        to_i32(MODULE, "elements of a column", n)?;
        let columns = numel(MODULE, &[outer, inner])?;
        let lanes = match inner {
            1 => THREADS / n.div_ceil(items).next_power_of_two().clamp(1, THREADS),
            _ => inner.next_power_of_two().min(32),
        };
        let (blocks, depth) = (columns.div_ceil(lanes), THREADS / lanes);
        let parts = n.div_ceil(depth * PER_THREAD).clamp(1, most);
        let chunks = (BLOCKS / blocks.max(1)).clamp(1, parts);
        let chunk = n.div_ceil(chunks).max(1);
        Ok(Self {
            lanes,
            blocks,
            chunks,
            chunk,
        })
    }
}

pub(super) fn run<T: Element, Y: Element>(
    stream: &Arc<CudaStream>,
    names: &Names,
    x: &impl DevicePtr<T>,
    y: &mut impl DevicePtrMut<Y>,
    shape: [usize; 3],
    number: f32,
) -> Result<()> {
    let [outer, n, inner] = shape;
    let columns = numel(MODULE, &[outer, inner])?;
    if columns == 0 {
        return Ok(());
    }
    let cut = Cut::new(shape, 1, BLOCKS)?;
    let chunks = cut.chunks;
    let room = numel(MODULE, &[columns, chunks, names.words])?;
    let mut parts = match chunks {
        1 => None,
        _ => Some(workspace::<f32>(stream, MODULE, room)?),
    };
    let into = (parts.as_mut(), room);
    first_pass::<T, Y>(stream, &names.first, x, into, Some(y), shape, cut, number)?;
    let Some(parts) = parts else {
        return Ok(());
    };
    let lanes = columns.next_power_of_two().min(32);
    let launch = Launch::new(stream, MODULE, &names.finish)?;
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

/// The sums of all columns for each chunk, as `cuda/sums.cuh` has them, where columns are cut in more than one.
pub(crate) fn parts_of_sums<T: Element>(
    stream: &Arc<CudaStream>,
    x: &impl DevicePtr<T>,
    shape: [usize; 3],
    cut: Cut,
) -> Result<Option<CudaSlice<f32>>> {
    if cut.chunks == 1 {
        return Ok(None);
    }
    let room = numel(MODULE, &[shape[0], shape[2], cut.chunks, 2])?;
    let mut parts = workspace::<f32>(stream, MODULE, room)?;
    let (kernel, into) = (
        format!("reduce_sum_{}", read_as::<T>()),
        (Some(&mut parts), room),
    );
    let no_output = None::<&mut CudaSlice<f32>>;
    first_pass::<T, f32>(stream, &kernel, x, into, no_output, shape, cut, 1.0)?;
    Ok(Some(parts))
}

/// The type in a kernel's name: truth is read as bytes.
pub(crate) fn read_as<T: Element>() -> &'static str {
    match T::NAME {
        "bool" => "u8",
        name => name,
    }
}

/// Parts where there are any, else the output.
#[expect(clippy::too_many_arguments, reason = "the kernel's own")]
fn first_pass<T: Element, Y: Element>(
    stream: &Arc<CudaStream>,
    kernel: &str,
    x: &impl DevicePtr<T>,
    (parts, room): (Option<&mut CudaSlice<f32>>, usize),
    y: Option<&mut impl DevicePtrMut<Y>>,
    [outer, n, inner]: [usize; 3],
    cut: Cut,
    number: f32,
) -> Result<()> {
    let len = numel(MODULE, &[outer, n, inner])?;
    let launch = Launch::new(stream, MODULE, kernel)?;
    let launch = launch
        .grid(cut.blocks, cut.chunks, 1)
        .block(THREADS as u32)
        .read(x, len);
    let launch = launch
        .write_optional(parts, room)
        .write_optional(y, numel(MODULE, &[outer, inner])?);
    let launch = launch
        .scalar(outer as i64)
        .scalar(n as i64)
        .scalar(inner as i64);
    launch
        .scalar(to_i32(MODULE, "lanes", cut.lanes)?)
        .scalar(cut.chunk as i64)
        .scalar(number)
        .run()
}
