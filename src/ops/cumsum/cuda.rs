//! Binding of `cuda/cumsum.cu` over cudarc buffers. Work is queued on `stream` and runs asynchronously.

use std::sync::Arc;

use cudarc::driver::{CudaStream, DevicePtr, DevicePtrMut};

use crate::element::{Element, Float};
use crate::error::{Result, numel, to_i32};
use crate::ops::reduce::cuda::{Cut, parts_of_sums, read_as};
use crate::runtime::launch::Launch;

const MODULE: &str = "cumsum";
const THREADS: u32 = 256;
/// Neighbours that a thread adds up itself, as the kernel has it, and chunks whose sums a thread adds up first.
const ITEMS: usize = 4;
const MOST_CHUNKS: usize = 256;

/// All kernels; `bool` is read as `u8`.
pub const KERNELS: &[&str] = &[
    "cumsum_f32",
    "cumsum_f16",
    "cumsum_bf16",
    "cumsum_i64",
    "cumsum_i32",
    "cumsum_u8",
];

/// `y[o, k, i]` = the sum of all `x[o, j, i]` up to k, or in reverse from k on, for `x` and `y` of this shape (outer, n, inner).
///
/// # Errors
/// Buffers shorter than the shape or of another context, out of memory, or whatever the driver answers.
pub fn cumsum<T: Float>(
    stream: &Arc<CudaStream>,
    x: &impl DevicePtr<T>,
    y: &mut impl DevicePtrMut<T>,
    shape: [usize; 3],
    reverse: bool,
) -> Result<()> {
    run::<T, T>(stream, x, y, shape, reverse)
}

pub(super) fn run<T: Element, Y: Element>(
    stream: &Arc<CudaStream>,
    x: &impl DevicePtr<T>,
    y: &mut impl DevicePtrMut<Y>,
    shape: [usize; 3],
    reverse: bool,
) -> Result<()> {
    let len = numel(MODULE, &shape)?;
    if len == 0 {
        return Ok(());
    }
    let cut = Cut::new(shape, ITEMS, MOST_CHUNKS)?;
    let parts = parts_of_sums::<T>(stream, x, shape, cut)?;
    let words = 2 * shape[0] * shape[2] * cut.chunks;
    let launch = Launch::new(stream, MODULE, &format!("cumsum_{}", read_as::<T>()))?;
    let launch = launch.grid(cut.blocks, cut.chunks, 1).block(THREADS);
    let launch = launch.read(x, len).read_optional(parts.as_ref(), words);
    let launch = launch.write(y, len);
    let [outer, n, inner] = shape.map(|size| size as i64);
    let launch = launch.scalar(outer).scalar(n).scalar(inner);
    launch
        .scalar(to_i32(MODULE, "lanes", cut.lanes)?)
        .scalar(cut.chunk as i64)
        .scalar(i32::from(reverse))
        .run()
}
