//! Binding of `cuda/copy.cu` over cudarc buffers. Work is queued on `stream` and runs asynchronously.

use std::sync::Arc;

use cudarc::driver::{CudaStream, DevicePtr, DevicePtrMut};

use super::{OP, is_dense, transposed};
use crate::element::Element;
use crate::error::{Error, Result};
use crate::ops::strides::Strides;
use crate::ops::transpose;
use crate::runtime::launch::Launch;

const THREADS: u32 = 256;
const MAX_BLOCKS: usize = 8192;
/// Words that a thread moves at once, as the kernel has it.
const UNROLL: usize = 4;
/// Elements that one launch indexes.
const MOST: usize = 1 << 31;

/// `y[y_at + sum of i[d] * y_strides[d]] = x[x_at + sum of i[d] * x_strides[d]]` for every index below `sizes`; strides may be
/// negative, and 0 in `x`.
///
/// # Errors
/// Strides of another number than sizes, places outside of a buffer, places in `y` that might meet (a stride that is not
/// past all that the smaller ones reach), buffers of another context, or whatever the driver answers.
pub fn copy<T: Element>(
    stream: &Arc<CudaStream>,
    (x, x_at, x_strides): (&impl DevicePtr<T>, usize, &[isize]),
    (y, y_at, y_strides): (&mut impl DevicePtrMut<T>, usize, &[isize]),
    sizes: &[usize],
) -> Result<()> {
    for strides in [x_strides, y_strides] {
        if strides.len() != sizes.len() {
            let expected = format!("a stride for each of {} sizes", sizes.len());
            return Err(Error::argument(OP, expected, strides.len()));
        }
    }
    if sizes.contains(&0) {
        return Ok(());
    }
    let strides = Strides::new(sizes, [x_strides, y_strides]);
    super::check_places(&strides, [x_at, y_at], [x.len(), y.len()])?;
    run::<T>(stream, (x, x_at), (y, y_at), &strides)
}

/// [`copy`] of a box whose places are in the buffers.
pub(crate) fn run<T: Element>(
    stream: &Arc<CudaStream>,
    (x, x_at): (&impl DevicePtr<T>, usize),
    (y, y_at): (&mut impl DevicePtrMut<T>, usize),
    strides: &Strides<2>,
) -> Result<()> {
    let whole = [x_at, y_at] == [0, 0] && is_dense(strides) && strides.numel() == y.len();
    if let Some((rows, cols)) = transposed(strides).filter(|_| whole) {
        return transpose::cuda::transpose(stream, x, y, x.len() / (rows * cols), rows, cols);
    }
    for ([x_part, y_part], part) in strides.parts(MOST) {
        let (x_at, y_at) = (x_at as i64 + x_part as i64, y_at as i64 + y_part as i64);
        // as many bytes in a word as divide everything, addresses too
        let addresses = [x.device_ptr(stream).0, y.device_ptr_mut(stream).0];
        let starts = [(addresses[0], x_at), (addresses[1], y_at)]
            .map(|(address, at)| address.wrapping_add_signed(at * size_of::<T>() as i64));
        let (bytes, part) = widest(&part, size_of::<T>(), starts);
        let n = part.numel();
        let mut launch = Launch::new(stream, OP, &format!("copy_b{}", 8 * bytes))?;
        launch.address(x, x.len());
        launch.address_mut(y, y.len());
        launch
            .grid(
                n.div_ceil(THREADS as usize * UNROLL).clamp(1, MAX_BLOCKS),
                1,
                1,
            )
            .block(THREADS)
            .scalar(starts[0])
            .scalar(starts[1])
            .scalar(n as i64)
            .table(&part.words(OP)?)
            .run()?;
    }
    Ok(())
}

/// The box in the widest words there are for it.
fn widest(strides: &Strides<2>, bytes: usize, starts: [u64; 2]) -> (usize, Strides<2>) {
    let mut words = 16;
    while words > bytes {
        let aligned = starts
            .iter()
            .all(|start| start.is_multiple_of(words as u64));
        if let Some(wide) = strides
            .widened(words / bytes, [true; 2])
            .filter(|_| aligned)
        {
            return (words, wide);
        }
        words /= 2;
    }
    (bytes, strides.clone())
}
