//! Bindings of `cuda/index.cu` over cudarc buffers. Work is queued on `stream` and runs asynchronously. An index out of range
//! reads 0 or adds nothing, and is told by what waits for the stream through a [`Device`](crate::Device) or tensor of it.

use std::sync::Arc;

use cudarc::driver::{CudaStream, DevicePtr, DevicePtrMut};

use super::walk::{Cut, Gather, Scatter};
use crate::element::{Element, Number};
use crate::error::{Error, Result, numel, to_i32};
use crate::ops::binary::cuda::{MOST, offset};
use crate::ops::strides::Strides;
use crate::runtime::launch::Launch;
use crate::runtime::report::mailbox;

const MODULE: &str = "index";
const THREADS: usize = 256;
const MAX_BLOCKS: usize = 8192;
/// Words that a thread moves at once, as the kernel has it.
const UNROLL: usize = 4;

fn dimension(op: &'static str, dim: usize, rank: usize) -> Result<()> {
    match dim < rank {
        true => Ok(()),
        false => Err(Error::argument(op, format!("a dimension of {rank}"), dim)),
    }
}

/// `y` = the parts of `x`, of this shape, along `dim` at the places that `index` lists.
///
/// # Errors
/// A dimension that the shape does not have, shorter buffers, buffers of another context, or whatever the driver answers.
pub fn index_select<T: Element>(
    stream: &Arc<CudaStream>,
    (x, shape): (&impl DevicePtr<T>, &[usize]),
    dim: usize,
    index: &impl DevicePtr<i64>,
    y: &mut impl DevicePtrMut<T>,
) -> Result<()> {
    dimension("index_select", dim, shape.len())?;
    let walk = Gather::list("index_select", shape, dim, index.len());
    checked_gather::<T>(stream, (x, shape), index, y, &walk)
}

/// `y` = of each place of `index` the element of `x` at that index along `dim`; both have these shapes.
///
/// # Errors
/// Shapes that do not fit, and those of [`index_select`].
pub fn gather<T: Element>(
    stream: &Arc<CudaStream>,
    (x, shape): (&impl DevicePtr<T>, &[usize]),
    dim: usize,
    (index, index_shape): (&impl DevicePtr<i64>, &[usize]),
    y: &mut impl DevicePtrMut<T>,
) -> Result<()> {
    dimension("gather", dim, shape.len())?;
    let walk = Gather::elements("gather", shape, dim, index_shape)?;
    if index.len() < numel("gather", index_shape)? {
        let got = format!("{}", index.len());
        return Err(Error::shape("gather", "an index as long as its shape", got));
    }
    checked_gather::<T>(stream, (x, shape), index, y, &walk)
}

fn checked_gather<T: Element>(
    stream: &Arc<CudaStream>,
    (x, shape): (&impl DevicePtr<T>, &[usize]),
    index: &impl DevicePtr<i64>,
    y: &mut impl DevicePtrMut<T>,
    walk: &Gather,
) -> Result<()> {
    if x.len() < numel(walk.op, shape)? || y.len() < numel(walk.op, &walk.shape)? {
        let expected = format!("buffers of shapes {shape:?} and {:?}", walk.shape);
        let got = format!("{} and {} elements", x.len(), y.len());
        return Err(Error::shape(walk.op, expected, got));
    }
    run_gather::<T>(stream, x, index, y, walk)
}

pub(super) fn run_gather<T: Element>(
    stream: &Arc<CudaStream>,
    x: &impl DevicePtr<T>,
    index: &impl DevicePtr<i64>,
    y: &mut impl DevicePtrMut<T>,
    walk: &Gather,
) -> Result<()> {
    if walk.strides.numel() == 0 {
        return Ok(());
    }
    let (report, code) = mailbox(stream, walk.op, walk.dim)?;
    let mut done = 0;
    for (at, part) in walk.strides.parts(MOST) {
        let starts = [
            x.device_ptr(stream).0 + offset::<T>(at[0] as usize),
            y.device_ptr_mut(stream).0 + offset::<T>(done),
        ];
        let (bytes, words) = widest(&part, size_of::<T>(), walk.step, starts);
        let n = words.numel();
        let mut launch = Launch::new(stream, MODULE, &format!("gather_b{}", 8 * bytes))?;
        launch.address(x, x.len());
        launch.address_mut(y, y.len());
        let of_index = launch.address(index, index.len()) + offset::<i64>(at[1] as usize);
        let blocks = n.div_ceil(THREADS * UNROLL).clamp(1, MAX_BLOCKS);
        let launch = launch.grid(blocks, 1, 1).block(THREADS as u32);
        let launch = launch.scalar(starts[0]).scalar(of_index).scalar(starts[1]);
        let step = walk.step as i64 * size_of::<T>() as i64 / bytes as i64;
        let launch = launch.scalar(n as i64).scalar(step);
        let launch = launch.scalar(walk.size as i64).scalar(report).scalar(code);
        launch.table(&words.words(walk.op)?).run()?;
        done += part.numel();
    }
    Ok(())
}

/// The box in the widest words there are for it: runs of x and y that one index is for.
fn widest(
    strides: &Strides<2>,
    bytes: usize,
    step: isize,
    starts: [u64; 2],
) -> (usize, Strides<2>) {
    let mut words = 16;
    while words > bytes {
        let by = words / bytes;
        let whole = step.unsigned_abs().is_multiple_of(by);
        let aligned = starts.iter().all(|at| at.is_multiple_of(words as u64));
        if let Some(wide) = strides
            .widened(by, [true, false])
            .filter(|_| whole && aligned)
        {
            return (words, wide);
        }
        words /= 2;
    }
    (bytes, strides.clone())
}

/// `sums`, as many slabs as the cut has chunks, have each element of `src` added at its index. For `i64` and floats.
pub(super) fn run_scatter_add<T: Number>(
    stream: &Arc<CudaStream>,
    src: &impl DevicePtr<T>,
    index: &impl DevicePtr<i64>,
    sums: &mut impl DevicePtrMut<T::Wide>,
    walk: &Scatter,
    cut: &Cut,
) -> Result<()> {
    let op = walk.op;
    let (report, code) = mailbox(stream, op, walk.dim)?;
    let columns = walk.columns.numel();
    to_i32(op, "columns", columns)?;
    to_i32(op, "elements of a column", walk.n)?;
    to_i32(op, "elements to add to", walk.size)?;
    let warps = columns.div_ceil(cut.lanes) * cut.ranges;
    let launch = Launch::new(stream, MODULE, &format!("scatter_add_{}", T::NAME))?;
    let blocks = warps.div_ceil(THREADS / 32);
    let launch = launch.grid(blocks, cut.chunks, 1).block(THREADS as u32);
    let launch = launch.read(src, src.len()).read(index, index.len());
    let launch = launch.write(sums, cut.slab * cut.chunks);
    let launch = launch.scalar(columns as i64).scalar(walk.n as i64);
    let launch = launch.scalar(walk.size as i64);
    let [of_src, of_index, of_sums] = walk.steps.map(|step| step as i64);
    let launch = launch.scalar(of_src).scalar(of_index).scalar(of_sums);
    let launch = launch
        .scalar(cut.slab as i64)
        .scalar(to_i32(op, "lanes", cut.lanes)?)
        .scalar(to_i32(op, "ranges", cut.ranges)?)
        .scalar(cut.chunk as i64);
    let launch = launch.scalar(report).scalar(code);
    launch.table(&walk.columns.words(op)?).run()
}
