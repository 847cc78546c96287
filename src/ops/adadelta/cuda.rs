//! Bindings of `cuda/adadelta.cu` over cudarc buffers. Work is queued on `stream` and runs asynchronously.

use std::sync::Arc;

use cudarc::driver::{CudaStream, DevicePtr, DevicePtrMut};

use super::{AdadeltaOptions, OP};
use crate::element::Float;
use crate::error::Result;
use crate::ops::optimizer::{CudaSlot, Table, launches};
use crate::runtime::launch::Launch;

/// One step for every element of `p`; `g` and the mean squares `v` (of the gradient) and `u` (of the steps) are at least
/// as long.
///
/// # Errors
/// Bad options, a shorter `g`, `v` or `u`, buffers of another context, or whatever the driver answers.
pub fn adadelta<T: Float>(
    stream: &Arc<CudaStream>,
    p: &mut impl DevicePtrMut<T>,
    g: &impl DevicePtr<T>,
    v: &mut impl DevicePtrMut<f32>,
    u: &mut impl DevicePtrMut<f32>,
    options: &AdadeltaOptions,
) -> Result<()> {
    let scalars = options.scalars()?;
    if p.is_empty() {
        return Ok(());
    }
    let table = Table::new::<T>(stream, OP, OP, 2)?.parameter(p, g);
    let launch = table.state(v).state(u).launch::<T>()?;
    scalars.into_iter().fold(launch, Launch::scalar).run()
}

/// [`adadelta`] for every slot, with one launch for up to 64 of them.
///
/// # Errors
/// Those of [`adadelta`]; then no slot has changed.
pub fn adadelta_all<T: Float>(
    stream: &Arc<CudaStream>,
    slots: &mut [CudaSlot<'_, T, 2>],
    options: &AdadeltaOptions,
) -> Result<()> {
    let scalars = options.scalars()?;
    launches(stream, OP, OP, slots, |launch| {
        scalars.into_iter().fold(launch, Launch::scalar).run()
    })
}
