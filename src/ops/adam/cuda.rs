//! Bindings of `cuda/adam.cu` over cudarc buffers. Work is queued on `stream` and runs asynchronously.

use std::sync::Arc;

use cudarc::driver::{CudaStream, DevicePtr, DevicePtrMut};

use super::{AMSGRAD, AdamOptions, OP, Scalars};
use crate::element::Float;
use crate::error::Result;
use crate::ops::optimizer::{At, CudaSlot, Table, launches};
use crate::runtime::launch::Launch;

/// One step for every element of `p`; `g` and the moments `m` and `v` are at least as long.
///
/// # Errors
/// Bad options or such with amsgrad, a step of 0, a shorter `g`, `m` or `v`, buffers of another context, or whatever the driver answers.
pub fn adam<T: Float>(
    stream: &Arc<CudaStream>,
    p: &mut impl DevicePtrMut<T>,
    g: &impl DevicePtr<T>,
    m: &mut impl DevicePtrMut<f32>,
    v: &mut impl DevicePtrMut<f32>,
    options: &AdamOptions,
    step: u64,
) -> Result<()> {
    options.check_amsgrad(false)?;
    let scalars = options.scalars(step)?;
    if p.is_empty() {
        return Ok(());
    }
    let table = Table::new::<T>(stream, OP, OP, 2)?.parameter(p, g);
    run(
        table.state(m).state(v).launch::<T>()?,
        &scalars,
        &At::step(step),
    )
}

/// [`adam`] for every slot, with one launch for up to 64 of them.
///
/// # Errors
/// Those of [`adam`]; then no slot has changed.
pub fn adam_all<T: Float>(
    stream: &Arc<CudaStream>,
    slots: &mut [CudaSlot<'_, T, 2>],
    options: &AdamOptions,
    step: u64,
) -> Result<()> {
    adam_at(stream, slots, options, &At::step(step))
}

/// [`adam_all`] for a step that may be live.
pub(crate) fn adam_at<T: Float>(
    stream: &Arc<CudaStream>,
    slots: &mut [CudaSlot<'_, T, 2>],
    options: &AdamOptions,
    at: &At<'_>,
) -> Result<()> {
    options.check_amsgrad(false)?;
    let scalars = options.scalars(at.step)?;
    launches(stream, OP, OP, slots, |launch| run(launch, &scalars, at))
}

/// [`adam_all`] with amsgrad: the third state of a slot is the largest second moment so far.
///
/// # Errors
/// Those of [`adam`], but for options without amsgrad; then no slot has changed.
pub fn adam_amsgrad_all<T: Float>(
    stream: &Arc<CudaStream>,
    slots: &mut [CudaSlot<'_, T, 3>],
    options: &AdamOptions,
    step: u64,
) -> Result<()> {
    adam_amsgrad_at(stream, slots, options, &At::step(step))
}

/// [`adam_amsgrad_all`] for a step that may be live.
pub(crate) fn adam_amsgrad_at<T: Float>(
    stream: &Arc<CudaStream>,
    slots: &mut [CudaSlot<'_, T, 3>],
    options: &AdamOptions,
    at: &At<'_>,
) -> Result<()> {
    options.check_amsgrad(true)?;
    let scalars = options.scalars(at.step)?;
    launches(stream, OP, AMSGRAD, slots, |launch| {
        run(launch, &scalars, at)
    })
}

fn run(launch: Launch<'_>, s: &Scalars, at: &At<'_>) -> Result<()> {
    let scalars = [
        s.rate,
        s.beta1,
        s.take1,
        s.beta2,
        s.take2,
        s.root,
        s.eps,
        s.weight_decay,
        s.keep,
    ];
    at.run(OP, scalars.into_iter().fold(launch, Launch::scalar))
}
