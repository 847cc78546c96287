//! Binding of `cuda/compare.cu` over cudarc buffers. Work is queued on `stream` and runs asynchronously.

use std::sync::Arc;

use cudarc::driver::{CudaSlice, CudaStream, DevicePtr, DevicePtrMut};

use super::OP;
use crate::element::Number;
use crate::error::{Result, numel};
use crate::ops::binary::Side;
use crate::ops::binary::cuda::{arguments, offset, parts};
use crate::ops::strides::{Strides, broadcast, expanded};
use crate::runtime::launch::Launch;

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
    let shape = broadcast(OP, shape_a, shape_b)?;
    let places = [
        expanded(OP, shape_a, &shape)?,
        expanded(OP, shape_b, &shape)?,
    ];
    let strides = Strides::new(&shape, [&places[0], &places[1]]);
    let needed = [numel(OP, shape_a)?, numel(OP, shape_b)?, numel(OP, &shape)?];
    if needed[2] == 0 {
        return Ok(());
    }
    for (part, at) in parts(&strides) {
        let mut launch = Launch::new(stream, OP, &format!("compare_{}", T::NAME))?;
        let a = launch.address(a, needed[0]) + offset::<T>(at[0]);
        let b = launch.address(b, needed[1]) + offset::<T>(at[1]);
        let y = launch.address_mut(y, needed[2]) + offset::<bool>(at[2]);
        arguments::<T>(launch, [a, b, y], None, &part)?
            .scalar(wanted)
            .run()?;
    }
    Ok(())
}

pub(super) fn run<T: Number>(
    stream: &Arc<CudaStream>,
    wanted: i32,
    a: &CudaSlice<T>,
    b: Side<&CudaSlice<T>, T::Wide>,
    y: &mut CudaSlice<bool>,
    strides: &Strides<2>,
) -> Result<()> {
    for (part, at) in parts(strides) {
        let mut launch = Launch::new(stream, OP, &format!("compare_{}", T::NAME))?;
        let of_a = launch.address(a, a.len()) + offset::<T>(at[0]);
        let (of_b, number) = match &b {
            Side::Data(x) => (launch.address(*x, x.len()) + offset::<T>(at[1]), None),
            Side::Own => (of_a, None),
            Side::Number(number) => (0, Some(*number)),
        };
        let of_y = launch.address_mut(y, strides.numel()) + offset::<bool>(at[2]);
        let launch = arguments::<T>(launch, [of_a, of_b, of_y], number, &part)?;
        launch.scalar(wanted).run()?;
    }
    Ok(())
}
