//! Bindings of `cuda/max_pool2d.cu` over cudarc buffers. Work is queued on `stream` and runs asynchronously.
//!
//! `shape` is that of the input, (N, C, H, W), row-major.

use std::sync::Arc;

use cudarc::driver::{CudaStream, DevicePtr, DevicePtrMut};

use super::{OP, Planes};
use crate::element::Float;
use crate::error::Result;
use crate::ops::window::Window;
use crate::runtime::launch::Launch;

const THREADS: u32 = 256;

/// The largest value in each window and, where they are asked for, the places of those in their planes.
///
/// # Errors
/// A window that does not fit, a shorter buffer, more than 2^31 - 1 elements, buffers of another context, or whatever
/// the driver answers.
pub fn max_pool2d<T: Float>(
    stream: &Arc<CudaStream>,
    x: &impl DevicePtr<T>,
    y: &mut impl DevicePtrMut<T>,
    indices: Option<&mut impl DevicePtrMut<i32>>,
    shape: [usize; 4],
    window: &Window,
) -> Result<()> {
    let (planes, _) = Planes::new(OP, &shape, window)?;
    launch(stream, x, y, indices, &planes, window)
}

/// The gradient of [`max_pool2d`]'s input, from that of its output and its indices.
///
/// # Errors
/// Those of [`max_pool2d`].
pub fn max_pool2d_backward<T: Float>(
    stream: &Arc<CudaStream>,
    dy: &impl DevicePtr<T>,
    indices: &impl DevicePtr<i32>,
    dx: &mut impl DevicePtrMut<T>,
    shape: [usize; 4],
    window: &Window,
) -> Result<()> {
    let (planes, _) = Planes::new(OP, &shape, window)?;
    launch_backward(stream, dy, indices, dx, &planes, window)
}

impl Planes {
    /// Elements of the input and of the output, which [`Planes::new`] has checked against an i32.
    pub(crate) fn elements(&self) -> [usize; 2] {
        [self.input, self.output].map(|[h, w]| self.count * h * w)
    }
}

/// The kernel `<name>_<T>`, a thread to each of `n` elements.
pub(crate) fn over<'a, T: Float>(
    stream: &'a Arc<CudaStream>,
    op: &'static str,
    name: &str,
    n: usize,
) -> Result<Launch<'a>> {
    let launch = Launch::new(stream, op, &format!("{name}_{}", T::NAME))?;
    let blocks = n.div_ceil(THREADS as usize);
    Ok(launch.grid(blocks, 1, 1).block(THREADS))
}

impl Launch<'_> {
    /// What the pooling kernels take by value: the count of elements, the planes' sides, the window.
    pub(crate) fn planes(self, n: usize, planes: &Planes, window: &Window) -> Self {
        let sides = [planes.input, planes.output];
        let launch = self.scalar(n as i32);
        let sides = sides.iter().flatten();
        let launch = sides.fold(launch, |launch, &side| launch.scalar(side as i32));
        launch.window(window)
    }
}

pub(super) fn launch<T: Float>(
    stream: &Arc<CudaStream>,
    x: &impl DevicePtr<T>,
    y: &mut impl DevicePtrMut<T>,
    indices: Option<&mut impl DevicePtrMut<i32>>,
    planes: &Planes,
    window: &Window,
) -> Result<()> {
    let [read, written] = planes.elements();
    if written == 0 {
        return Ok(());
    }
    over::<T>(stream, OP, OP, written)?
        .read(x, read)
        .write(y, written)
        .write_optional(indices, written)
        .planes(written, planes, window)
        .run()
}

pub(super) fn launch_backward<T: Float>(
    stream: &Arc<CudaStream>,
    dy: &impl DevicePtr<T>,
    indices: &impl DevicePtr<i32>,
    dx: &mut impl DevicePtrMut<T>,
    planes: &Planes,
    window: &Window,
) -> Result<()> {
    let [written, read] = planes.elements();
    if written == 0 {
        return Ok(());
    }
    over::<T>(stream, OP, "max_pool2d_backward", written)?
        .read(dy, read)
        .read(indices, read)
        .write(dx, written)
        .planes(written, planes, window)
        .run()
}
