//! Binding of `cuda/compare.cu` over cudarc buffers. Work is queued on `stream` and runs asynchronously.

use std::sync::Arc;

use cudarc::driver::{CudaSlice, CudaStream, DevicePtr, DevicePtrMut};

use super::OP;
use crate::element::Number;
use crate::error::Result;
use crate::ops::binary::cuda::{launch, shapes, whole};
use crate::ops::dispatch::Side;
use crate::ops::strides::Strides;

/// `y[i]` = whether `a[i]` and `b[i]` are in one of the wanted orders (1 for less, 2 for equal, 4 for greater, 8 for none, or a
/// sum of these), where `a` and `b` have these shapes and broadcast to the shape of `y`.
///
/// # Errors
/// Shapes that do not broadcast together, buffers shorter than their shapes or of another context, or whatever the driver
/// answers.
pub fn compare<T: Number>(
    stream: &Arc<CudaStream>,
    wanted: i32,
    (a, shape_a): (&impl DevicePtr<T>, &[usize]),
    (b, shape_b): (&impl DevicePtr<T>, &[usize]),
    y: &mut impl DevicePtrMut<bool>,
) -> Result<()> {
    let (strides, [of_a, of_b, of_y]) = shapes(OP, shape_a, shape_b)?;
    let (a, b) = (Side::Data((a, of_a)), Side::Data((b, of_b)));
    let kernel = format!("compare_{}", T::NAME);
    let y = (y, of_y);
    launch::<T, _, bool>(stream, (OP, &kernel), Some(a), b, y, &strides, Some(wanted))
}

pub(super) fn compare_sides<T: Number>(
    stream: &Arc<CudaStream>,
    wanted: i32,
    a: &CudaSlice<T>,
    b: Side<&CudaSlice<T>, T::Wide>,
    y: &mut CudaSlice<bool>,
    strides: &Strides<2>,
) -> Result<()> {
    let (a, b) = (Some(whole(Side::Data(a))), whole(b));
    let kernel = format!("compare_{}", T::NAME);
    let y = (y, strides.numel());
    launch::<T, _, bool>(stream, (OP, &kernel), a, b, y, strides, Some(wanted))
}
