//! Bindings of `cuda/sgd.cu` over cudarc buffers. Work is queued on `stream` and runs asynchronously.

use std::sync::Arc;

use cudarc::driver::{CudaStream, DevicePtr, DevicePtrMut};

use super::{MOMENTUM, OP, SgdOptions};
use crate::element::Float;
use crate::error::Result;
use crate::ops::optimizer::{At, CudaSlot, Table, launches};
use crate::runtime::launch::Launch;

/// One step without momentum for every element of `p`; `g` is at least as long.
///
/// # Errors
/// Bad options, a shorter `g`, buffers of another context, or whatever the driver answers.
pub fn sgd<T: Float>(
    stream: &Arc<CudaStream>,
    p: &mut impl DevicePtrMut<T>,
    g: &impl DevicePtr<T>,
    options: &SgdOptions,
) -> Result<()> {
    options.check()?;
    if p.is_empty() {
        return Ok(());
    }
    let table = Table::new::<T>(stream, OP, OP, 0)?.parameter(p, g);
    run(table.launch::<T>()?, options, &At::step(1))
}

/// [`sgd`] for every slot, with one launch for up to 64 of them.
///
/// # Errors
/// Those of [`sgd`]; then no slot has changed.
pub fn sgd_all<T: Float>(
    stream: &Arc<CudaStream>,
    slots: &mut [CudaSlot<'_, T, 0>],
    options: &SgdOptions,
) -> Result<()> {
    sgd_at(stream, slots, options, &At::step(1))
}

/// [`sgd_all`] for a step that may be live.
pub(crate) fn sgd_at<T: Float>(
    stream: &Arc<CudaStream>,
    slots: &mut [CudaSlot<'_, T, 0>],
    options: &SgdOptions,
    at: &At<'_>,
) -> Result<()> {
    options.check()?;
    launches(stream, OP, OP, slots, |launch| run(launch, options, at))
}

fn run(launch: Launch<'_>, options: &SgdOptions, at: &At<'_>) -> Result<()> {
    let scalars = [options.lr, options.weight_decay].map(|s| s as f32);
    at.run(OP, scalars.into_iter().fold(launch, Launch::scalar))
}

/// One step with momentum for every element of `p`; `g` and the velocity `v` are at least as long. The first step of
/// all does not read `v`.
///
/// # Errors
/// Bad options, a shorter `g` or `v`, buffers of another context, or whatever the driver answers.
pub fn sgd_momentum<T: Float>(
    stream: &Arc<CudaStream>,
    p: &mut impl DevicePtrMut<T>,
    g: &impl DevicePtr<T>,
    v: &mut impl DevicePtrMut<f32>,
    options: &SgdOptions,
    first: bool,
) -> Result<()> {
    options.check()?;
    if p.is_empty() {
        return Ok(());
    }
    let table = Table::new::<T>(stream, OP, MOMENTUM, 1)?.parameter(p, g);
    run_momentum(
        table.state(v).launch::<T>()?,
        options,
        &At::step(number(first)),
    )
}

/// A step that is the first or not.
fn number(first: bool) -> u64 {
    if first { 1 } else { 2 }
}

/// [`sgd_momentum`] for every slot, with one launch for up to 64 of them.
///
/// # Errors
/// Those of [`sgd_momentum`]; then no slot has changed.
pub fn sgd_momentum_all<T: Float>(
    stream: &Arc<CudaStream>,
    slots: &mut [CudaSlot<'_, T, 1>],
    options: &SgdOptions,
    first: bool,
) -> Result<()> {
    sgd_momentum_at(stream, slots, options, &At::step(number(first)))
}

/// [`sgd_momentum_all`] for a step that may be live.
pub(crate) fn sgd_momentum_at<T: Float>(
    stream: &Arc<CudaStream>,
    slots: &mut [CudaSlot<'_, T, 1>],
    options: &SgdOptions,
    at: &At<'_>,
) -> Result<()> {
    options.check()?;
    launches(stream, OP, MOMENTUM, slots, |launch| {
        run_momentum(launch, options, at)
    })
}

fn run_momentum(launch: Launch<'_>, options: &SgdOptions, at: &At<'_>) -> Result<()> {
    let keep = 1.0 - options.dampening;
    let scalars = [options.lr, options.momentum, keep, options.weight_decay].map(|s| s as f32);
    let launch = scalars.into_iter().fold(launch, Launch::scalar);
    let launch = launch.scalar(i32::from(options.nesterov));
    at.run(OP, launch.scalar(i32::from(at.step == 1)))
}
