//! Bindings of `cuda/rmsprop.cu` over cudarc buffers. Work is queued on `stream` and runs asynchronously.

use std::sync::Arc;

use cudarc::driver::{CudaStream, DevicePtr, DevicePtrMut};

use super::{MOMENTUM, OP, RmsPropOptions};
use crate::element::Float;
use crate::error::Result;
use crate::ops::optimizer::{CudaSlot, Table, launches};
use crate::runtime::launch::Launch;

/// One step without momentum for every element of `p`; `g` and the mean square `v` are at least as long.
///
/// # Errors
/// Bad options, a shorter `g` or `v`, buffers of another context, or whatever the driver answers.
pub fn rmsprop<T: Float>(
    stream: &Arc<CudaStream>,
    p: &mut impl DevicePtrMut<T>,
    g: &impl DevicePtr<T>,
    v: &mut impl DevicePtrMut<f32>,
    options: &RmsPropOptions,
) -> Result<()> {
    let scalars = options.scalars()?;
    if p.is_empty() {
        return Ok(());
    }
    let table = Table::new::<T>(stream, OP, OP, 1)?.parameter(p, g);
    let launch = table.state(v).launch::<T>()?;
    scalars.into_iter().fold(launch, Launch::scalar).run()
}

/// [`rmsprop`] for every slot, with one launch for up to 64 of them.
///
/// # Errors
/// Those of [`rmsprop`]; then no slot has changed.
pub fn rmsprop_all<T: Float>(
    stream: &Arc<CudaStream>,
    slots: &mut [CudaSlot<'_, T, 1>],
    options: &RmsPropOptions,
) -> Result<()> {
    let scalars = options.scalars()?;
    launches(stream, OP, OP, slots, |launch| {
        scalars.into_iter().fold(launch, Launch::scalar).run()
    })
}

/// One step with momentum for every element of `p`; `g`, the mean square `v` and the velocity `b` are at least as long.
///
/// # Errors
/// Bad options, a shorter `g`, `v` or `b`, buffers of another context, or whatever the driver answers.
pub fn rmsprop_momentum<T: Float>(
    stream: &Arc<CudaStream>,
    p: &mut impl DevicePtrMut<T>,
    g: &impl DevicePtr<T>,
    v: &mut impl DevicePtrMut<f32>,
    b: &mut impl DevicePtrMut<f32>,
    options: &RmsPropOptions,
) -> Result<()> {
    let scalars = options.scalars()?;
    if p.is_empty() {
        return Ok(());
    }
    let table = Table::new::<T>(stream, OP, MOMENTUM, 2)?.parameter(p, g);
    let launch = table.state(v).state(b).launch::<T>()?;
    let launch = scalars.into_iter().fold(launch, Launch::scalar);
    launch.scalar(options.momentum as f32).run()
}

/// [`rmsprop_momentum`] for every slot, with one launch for up to 64 of them.
///
/// # Errors
/// Those of [`rmsprop_momentum`]; then no slot has changed.
pub fn rmsprop_momentum_all<T: Float>(
    stream: &Arc<CudaStream>,
    slots: &mut [CudaSlot<'_, T, 2>],
    options: &RmsPropOptions,
) -> Result<()> {
    let scalars = options.scalars()?;
    launches(stream, OP, MOMENTUM, slots, |launch| {
        let launch = scalars.into_iter().fold(launch, Launch::scalar);
        launch.scalar(options.momentum as f32).run()
    })
}
