//! Bindings of `cuda/adaptive_avg_pool2d.cu` over cudarc buffers. Work is queued on `stream` and runs asynchronously.
//!
//! `shape` is that of the input, (N, C, H, W), row-major.

use std::sync::Arc;

use cudarc::driver::{CudaStream, DevicePtr, DevicePtrMut};

use super::{OP, window};
use crate::element::Float;
use crate::error::{Result, to_i32};
use crate::ops::max_pool2d::Planes;
use crate::runtime::grid::lanes;
use crate::runtime::launch::Launch;

const THREADS: usize = 256;

/// The means of `output_size` windows that cover each plane.
///
/// # Errors
/// A side of 0, a shorter buffer, more than 2^31 - 1 elements, or that as the product of a side before and after, buffers of
/// another context, or whatever the driver answers.
pub fn adaptive_avg_pool2d<T: Float>(
    stream: &Arc<CudaStream>,
    x: &impl DevicePtr<T>,
    y: &mut impl DevicePtrMut<T>,
    shape: [usize; 4],
    output_size: [usize; 2],
) -> Result<()> {
    let (planes, _) = Planes::adaptive(OP, &shape, output_size)?;
    launch(stream, x, y, &planes)
}

/// The gradient of [`adaptive_avg_pool2d`]'s input, from that of its output.
///
/// # Errors
/// Those of [`adaptive_avg_pool2d`].
pub fn adaptive_avg_pool2d_backward<T: Float>(
    stream: &Arc<CudaStream>,
    dy: &impl DevicePtr<T>,
    dx: &mut impl DevicePtrMut<T>,
    shape: [usize; 4],
    output_size: [usize; 2],
) -> Result<()> {
    let (planes, _) = Planes::adaptive(OP, &shape, output_size)?;
    launch_backward(stream, dy, dx, &planes)
}

/// The elements of the first window, which tells how many lanes the others want: their sides are one longer at most.
fn first(planes: &Planes) -> usize {
    let side = |d: usize| window(0, planes.input[d], planes.output[d]).len();
    side(0) * side(1)
}

fn sides<'a>(launch: Launch<'a>, n: usize, planes: &Planes) -> Launch<'a> {
    let sides = [planes.input, planes.output];
    let launch = launch.scalar(n as i32);
    let sides = sides.iter().flatten();
    sides.fold(launch, |launch, &side| launch.scalar(side as i32))
}

pub(super) fn launch<T: Float>(
    stream: &Arc<CudaStream>,
    x: &impl DevicePtr<T>,
    y: &mut impl DevicePtrMut<T>,
    planes: &Planes,
) -> Result<()> {
    let [read, written] = planes.elements();
    if written == 0 {
        return Ok(());
    }
    let elements = first(planes);
    let per_block = THREADS / lanes(elements);
    let launch = Launch::new(stream, OP, &format!("adaptive_avg_pool2d_{}", T::NAME))?
        .grid(written.div_ceil(per_block), 1, 1)
        .block(THREADS as u32)
        .read(x, read)
        .write(y, written);
    let elements = to_i32(OP, "elements of a window", elements)?;
    sides(launch, written, planes).scalar(elements).run()
}

pub(super) fn launch_backward<T: Float>(
    stream: &Arc<CudaStream>,
    dy: &impl DevicePtr<T>,
    dx: &mut impl DevicePtrMut<T>,
    planes: &Planes,
) -> Result<()> {
    let [written, read] = planes.elements();
    if written == 0 {
        return Ok(());
    }
    let name = "adaptive_avg_pool2d_backward";
    let launch = Launch::elementwise::<T>(stream, OP, name, written)?
        .read(dy, read)
        .write(dx, written);
    sides(launch, written, planes).run()
}
