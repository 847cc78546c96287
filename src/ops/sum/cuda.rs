//! Bindings of `cuda/sum.cu` over cudarc buffers. Work is queued on `stream` and runs asynchronously.

use std::sync::Arc;

use cudarc::driver::{CudaStream, DevicePtr, DevicePtrMut};

use super::OP;
use crate::element::Float;
use crate::error::{Result, to_i32};
use crate::launch::{Launch, workspace};

const THREADS: u32 = 256;
/// Elements of a block, and blocks at most: both independent of the device, and with them the order of the sum.
const PER_BLOCK: usize = 4096;
const MAX_BLOCKS: usize = 1024;

/// `y[0]` = the sum of `x`, 0 where it is empty.
///
/// # Errors
/// An empty `y`, buffers of another context, out of memory, or whatever the driver answers.
pub fn sum<T: Float>(
    stream: &Arc<CudaStream>,
    x: &impl DevicePtr<T>,
    y: &mut impl DevicePtrMut<T>,
) -> Result<()> {
    divided_sum::<T, T>(stream, x, x.len(), 1.0, y)
}

/// `y[0]` = the mean of `x`, NaN where it is empty.
///
/// # Errors
/// An empty `y`, buffers of another context, out of memory, or whatever the driver answers.
pub fn mean<T: Float>(
    stream: &Arc<CudaStream>,
    x: &impl DevicePtr<T>,
    y: &mut impl DevicePtrMut<T>,
) -> Result<()> {
    divided_sum::<T, T>(stream, x, x.len(), x.len() as f32, y)
}

/// `y[0]` = the sum of the first `n` elements of `x`, over `divisor`.
pub(crate) fn divided_sum<X: Float, Y: Float>(
    stream: &Arc<CudaStream>,
    x: &impl DevicePtr<X>,
    n: usize,
    divisor: f32,
    y: &mut impl DevicePtrMut<Y>,
) -> Result<()> {
    let blocks = n.div_ceil(PER_BLOCK).clamp(1, MAX_BLOCKS);
    let mut parts = workspace::<f32>(stream, OP, 2 * blocks)?;
    let launch = Launch::new(stream, OP, &format!("sum_{}", X::NAME))?;
    let launch = launch.grid(blocks, 1, 1).block(THREADS);
    launch
        .read(x, n)
        .write(&mut parts, 2 * blocks)
        .scalar(n as i64)
        .run()?;

    let launch = Launch::new(stream, OP, &format!("sum_finish_{}", Y::NAME))?;
    let launch = launch.block(THREADS).read(&parts, 2 * blocks).write(y, 1);
    launch
        .scalar(to_i32(OP, "blocks", blocks)?)
        .scalar(divisor)
        .run()
}
