//! Bindings of `cuda/rmsprop.cu` over cudarc buffers. Work is queued on `stream` and runs asynchronously.

use std::sync::Arc;

use cudarc::driver::{CudaStream, DevicePtr, DevicePtrMut};

use super::{CENTERED, CENTERED_MOMENTUM, Form, MOMENTUM, OP, PLAIN, RmsPropOptions};
use crate::element::Float;
use crate::error::Result;
use crate::ops::optimizer::{At, CudaSlot, Table, launches};
use crate::runtime::launch::Launch;

/// One step without momentum for every element of `p`; `g` and the mean square `v` are at least as long.
///
/// # Errors
/// Bad options or such with centered, a shorter `g` or `v`, buffers of another context, or whatever the driver answers.
pub fn rmsprop<T: Float>(
    stream: &Arc<CudaStream>,
    p: &mut impl DevicePtrMut<T>,
    g: &impl DevicePtr<T>,
    v: &mut impl DevicePtrMut<f32>,
    options: &RmsPropOptions,
) -> Result<()> {
    let scalars = options.scalars(&PLAIN)?;
    if p.is_empty() {
        return Ok(());
    }
    let table = Table::new::<T>(stream, OP, PLAIN.kernel, 1)?.parameter(p, g);
    run(table.state(v).launch::<T>()?, scalars, &At::step(1))
}

/// One step with momentum for every element of `p`; `g`, the mean square `v` and the velocity `b` are at least as long.
///
/// # Errors
/// Those of [`rmsprop`], and a shorter `b`.
pub fn rmsprop_momentum<T: Float>(
    stream: &Arc<CudaStream>,
    p: &mut impl DevicePtrMut<T>,
    g: &impl DevicePtr<T>,
    v: &mut impl DevicePtrMut<f32>,
    b: &mut impl DevicePtrMut<f32>,
    options: &RmsPropOptions,
) -> Result<()> {
    let scalars = options.scalars(&MOMENTUM)?;
    if p.is_empty() {
        return Ok(());
    }
    let table = Table::new::<T>(stream, OP, MOMENTUM.kernel, 2)?.parameter(p, g);
    run(
        table.state(v).state(b).launch::<T>()?,
        scalars,
        &At::step(1),
    )
}

macro_rules! all {
    ($($(#[$doc:meta])* $name:ident, $form:ident, $states:literal;)*) => {
        $($(#[$doc])*
        ///
        /// # Errors
        /// Bad options or those of another form, shorter buffers, buffers of another context, or whatever the driver
        /// answers; then no slot has changed.
        pub fn $name<T: Float>(
            stream: &Arc<CudaStream>,
            slots: &mut [CudaSlot<'_, T, $states>],
            options: &RmsPropOptions,
        ) -> Result<()> {
            rmsprop_at(stream, slots, options, &$form, &At::step(1))
        })*
    };
}

all! {
    /// [`rmsprop`] for every slot, with one launch for up to 64 of them.
    rmsprop_all, PLAIN, 1;
    /// [`rmsprop_momentum`] for every slot, with one launch for up to 64 of them.
    rmsprop_momentum_all, MOMENTUM, 2;
    /// [`rmsprop_all`], centered: the states are the mean square and the mean.
    rmsprop_centered_all, CENTERED, 2;
    /// [`rmsprop_momentum_all`], centered: the states are the mean square, the mean and the velocity.
    rmsprop_centered_momentum_all, CENTERED_MOMENTUM, 3;
}

/// A step of one form that may be live.
pub(crate) fn rmsprop_at<T: Float, const STATES: usize>(
    stream: &Arc<CudaStream>,
    slots: &mut [CudaSlot<'_, T, STATES>],
    options: &RmsPropOptions,
    form: &Form,
    at: &At<'_>,
) -> Result<()> {
    let scalars = options.scalars(form)?;
    launches(stream, OP, form.kernel, slots, |launch| {
        run(launch, scalars, at)
    })
}

fn run(launch: Launch<'_>, scalars: [f32; 6], at: &At<'_>) -> Result<()> {
    at.run(OP, scalars.into_iter().fold(launch, Launch::scalar))
}
