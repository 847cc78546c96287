//! Bindings of `cuda/adagrad.cu` over cudarc buffers. Work is queued on `stream` and runs asynchronously.

use std::sync::Arc;

use cudarc::driver::{CudaStream, DevicePtr, DevicePtrMut};

use super::{AdagradOptions, OP};
use crate::element::Float;
use crate::error::Result;
use crate::ops::optimizer::{At, CudaSlot, Table, launches};
use crate::runtime::launch::Launch;

/// One step for every element of `p`; `g` and the sum of squares `h` are at least as long.
///
/// # Errors
/// Bad options, a step of 0, a shorter `g` or `h`, buffers of another context, or whatever the driver answers.
pub fn adagrad<T: Float>(
    stream: &Arc<CudaStream>,
    p: &mut impl DevicePtrMut<T>,
    g: &impl DevicePtr<T>,
    h: &mut impl DevicePtrMut<f32>,
    options: &AdagradOptions,
    step: u64,
) -> Result<()> {
    let scalars = options.scalars(step)?;
    if p.is_empty() {
        return Ok(());
    }
    let table = Table::new::<T>(stream, OP, OP, 1)?.parameter(p, g);
    run(table.state(h).launch::<T>()?, scalars, &At::step(step))
}

/// [`adagrad`] for every slot, with one launch for up to 64 of them.
///
/// # Errors
/// Those of [`adagrad`]; then no slot has changed.
pub fn adagrad_all<T: Float>(
    stream: &Arc<CudaStream>,
    slots: &mut [CudaSlot<'_, T, 1>],
    options: &AdagradOptions,
    step: u64,
) -> Result<()> {
    adagrad_at(stream, slots, options, &At::step(step))
}

/// [`adagrad_all`] for a step that may be live.
pub(crate) fn adagrad_at<T: Float>(
    stream: &Arc<CudaStream>,
    slots: &mut [CudaSlot<'_, T, 1>],
    options: &AdagradOptions,
    at: &At<'_>,
) -> Result<()> {
    let scalars = options.scalars(at.step)?;
    launches(stream, OP, OP, slots, |launch| run(launch, scalars, at))
}

fn run(launch: Launch<'_>, scalars: [f32; 3], at: &At<'_>) -> Result<()> {
    at.run(OP, scalars.into_iter().fold(launch, Launch::scalar))
}
