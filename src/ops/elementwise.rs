//! Launches of the kernels that all have one form: `<name>_<T>` over buffers of one length, then that length, then
//! what else the op takes by value. The names are those of the loops in `cpu`.

use std::sync::Arc;

use cudarc::driver::{CudaStream, DevicePtr, DevicePtrMut};

use crate::element::Float;
use crate::error::Result;
use crate::runtime::launch::Launch;

/// `y[i] = f(x[i])` for every element of `x`, by the kernel `name` of `op`.
pub(crate) fn map<T: Float>(
    stream: &Arc<CudaStream>,
    (op, name): (&'static str, &str),
    x: &impl DevicePtr<T>,
    y: &mut impl DevicePtrMut<T>,
    scalars: &[f32],
) -> Result<()> {
    let n = x.len();
    run::<T>(stream, op, name, n, scalars, |l| l.read(x, n).write(y, n))
}

/// `x[i] = f(x[i])`.
pub(crate) fn map_in_place<T: Float>(
    stream: &Arc<CudaStream>,
    (op, name): (&'static str, &str),
    x: &mut impl DevicePtrMut<T>,
    scalars: &[f32],
) -> Result<()> {
    let n = x.len();
    run::<T>(stream, op, name, n, scalars, |l| l.in_place(x, n))
}

/// `y[i] = f(a[i], b[i])` for every element of `a`, by the kernel `name` of `op`.
pub(crate) fn zip<T: Float>(
    stream: &Arc<CudaStream>,
    (op, name): (&'static str, &str),
    a: &impl DevicePtr<T>,
    b: &impl DevicePtr<T>,
    y: &mut impl DevicePtrMut<T>,
    scalars: &[f32],
) -> Result<()> {
    let n = a.len();
    run::<T>(stream, op, name, n, scalars, |l| {
        l.read(a, n).read(b, n).write(y, n)
    })
}

/// `a[i] = f(a[i], b[i])`.
pub(crate) fn zip_in_place<T: Float>(
    stream: &Arc<CudaStream>,
    op: &'static str,
    a: &mut impl DevicePtrMut<T>,
    b: &impl DevicePtr<T>,
    scalars: &[f32],
) -> Result<()> {
    let n = a.len();
    run::<T>(stream, op, op, n, scalars, |l| {
        l.in_place_around(a, n, b, n)
    })
}

fn run<'a, T: Float>(
    stream: &'a Arc<CudaStream>,
    op: &'static str,
    name: &str,
    n: usize,
    scalars: &[f32],
    buffers: impl FnOnce(Launch<'a>) -> Launch<'a>,
) -> Result<()> {
    if n == 0 {
        return Ok(());
    }
    let launch = buffers(Launch::elementwise::<T>(stream, op, name, n)?).scalar(n as i64);
    scalars.iter().copied().fold(launch, Launch::scalar).run()
}
