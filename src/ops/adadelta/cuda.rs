//! Bindings of `cuda/adadelta.cu` over cudarc buffers. Work is queued on `stream` and runs asynchronously.

use std::sync::Arc;

use cudarc::driver::{CudaStream, DevicePtr, DevicePtrMut};

use super::{AdadeltaOptions, OP};
use crate::element::Float;
use crate::error::Result;
use crate::ops::optimizer::{At, CudaSlot, Table, launches};
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
    run(
        table.state(v).state(u).launch::<T>()?,
        scalars,
        &At::step(1),
    )
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
    adadelta_at(stream, slots, options, &At::step(1))
}

/// [`adadelta_all`] for a step that may be live.
pub(crate) fn adadelta_at<T: Float>(
    stream: &Arc<CudaStream>,
    slots: &mut [CudaSlot<'_, T, 2>],
    options: &AdadeltaOptions,
    at: &At<'_>,
) -> Result<()> {
    let scalars = options.scalars()?;
    launches(stream, OP, OP, slots, |launch| run(launch, scalars, at))
}

fn run(launch: Launch<'_>, scalars: [f32; 5], at: &At<'_>) -> Result<()> {
    at.run(OP, scalars.into_iter().fold(launch, Launch::scalar))
}
