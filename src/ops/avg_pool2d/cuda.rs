//! Bindings of `cuda/avg_pool2d.cu` over cudarc buffers. Work is queued on `stream` and runs asynchronously.
//!
//! `shape` is that of the input, (N, C, H, W), row-major.

use std::sync::Arc;

use cudarc::driver::{CudaStream, DevicePtr, DevicePtrMut};

use super::OP;
use crate::element::Float;
use crate::error::Result;
use crate::ops::max_pool2d::Planes;
use crate::ops::max_pool2d::cuda::over;
use crate::ops::window::Window;
use crate::runtime::launch::Launch;

/// The mean of each window, padding counted or not.
///
/// # Errors
/// A window that does not fit, a shorter buffer, more than 2^31 - 1 elements, buffers of another context, or whatever
/// the driver answers.
pub fn avg_pool2d<T: Float>(
    stream: &Arc<CudaStream>,
    x: &impl DevicePtr<T>,
    y: &mut impl DevicePtrMut<T>,
    shape: [usize; 4],
    window: &Window,
    count_include_pad: bool,
) -> Result<()> {
    let (planes, _) = Planes::new(OP, &shape, window)?;
    launch(stream, x, y, &planes, window, count_include_pad)
}

/// The gradient of [`avg_pool2d`]'s input, from that of its output.
///
/// # Errors
/// Those of [`avg_pool2d`].
pub fn avg_pool2d_backward<T: Float>(
    stream: &Arc<CudaStream>,
    dy: &impl DevicePtr<T>,
    dx: &mut impl DevicePtrMut<T>,
    shape: [usize; 4],
    window: &Window,
    count_include_pad: bool,
) -> Result<()> {
    let (planes, _) = Planes::new(OP, &shape, window)?;
    launch_backward(stream, dy, dx, &planes, window, count_include_pad)
}

/// The padding that counts at the far ends, -1 for none at all.
fn ends(launch: Launch<'_>, window: &Window, count_include_pad: bool) -> Result<()> {
    let end = |d: usize| match count_include_pad {
        true => window.padding_end[d] as i32,
        false => -1,
    };
    launch.scalar(end(0)).scalar(end(1)).run()
}

pub(super) fn launch<T: Float>(
    stream: &Arc<CudaStream>,
    x: &impl DevicePtr<T>,
    y: &mut impl DevicePtrMut<T>,
    planes: &Planes,
    window: &Window,
    count_include_pad: bool,
) -> Result<()> {
    let [read, written] = planes.elements();
    if written == 0 {
        return Ok(());
    }
    let launch = over::<T>(stream, OP, OP, written)?
        .read(x, read)
        .write(y, written)
        .planes(written, planes, window);
    ends(launch, window, count_include_pad)
}

pub(super) fn launch_backward<T: Float>(
    stream: &Arc<CudaStream>,
    dy: &impl DevicePtr<T>,
    dx: &mut impl DevicePtrMut<T>,
    planes: &Planes,
    window: &Window,
    count_include_pad: bool,
) -> Result<()> {
    let [written, read] = planes.elements();
    if written == 0 {
        return Ok(());
    }
    let launch = over::<T>(stream, OP, "avg_pool2d_backward", written)?
        .read(dy, read)
        .write(dx, written)
        .planes(written, planes, window);
    ends(launch, window, count_include_pad)
}
