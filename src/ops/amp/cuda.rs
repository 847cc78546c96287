//! Bindings of `cuda/amp.cu` over cudarc buffers. Work is queued on `stream` and runs asynchronously.

use std::sync::Arc;

use cudarc::driver::{CudaStream, CudaView, CudaViewMut, DevicePtr, DevicePtrMut};

use super::{Growth, OP};
use crate::error::Result;
use crate::ops::optimizer::{LIVE, Rates, Table, tables};
use crate::runtime::launch::Launch;

const UNSCALE: &str = "amp_unscale";

/// Writes 1 to `found_inf` where an element of a gradient divided by `scale` is not finite, and else leaves it.
///
/// # Errors
/// A `scale` or `found_inf` without an element, buffers of another context, or whatever the driver answers.
pub fn non_finite_check(
    stream: &Arc<CudaStream>,
    grads: &[CudaView<'_, f32>],
    scale: &impl DevicePtr<f32>,
    found_inf: &mut impl DevicePtrMut<f32>,
) -> Result<()> {
    let grads = grads.iter().filter(|grad| !grad.is_empty());
    look(stream, grads, Table::read_only, scale, found_inf)
}

/// [`non_finite_check`], and divides the gradients.
///
/// # Errors
/// Those of [`non_finite_check`].
pub fn unscale(
    stream: &Arc<CudaStream>,
    grads: &mut [CudaViewMut<'_, f32>],
    scale: &impl DevicePtr<f32>,
    found_inf: &mut impl DevicePtrMut<f32>,
) -> Result<()> {
    let grads = grads.iter_mut().filter(|grad| !grad.is_empty());
    look(stream, grads, Table::in_place, scale, found_inf)
}

/// Launches over all gradients, each of which `add` puts into a table.
fn look<'a, G>(
    stream: &'a Arc<CudaStream>,
    grads: impl Iterator<Item = G>,
    add: impl Fn(Table<'a>, G) -> Table<'a>,
    scale: &impl DevicePtr<f32>,
    found_inf: &mut impl DevicePtrMut<f32>,
) -> Result<()> {
    let table = || Table::new::<f32>(stream, OP, UNSCALE, 0);
    let launches = tables::<f32, _>(grads, table, add)?;
    launches.into_iter().try_for_each(|launch| {
        let launch = launch.read(scale, 1);
        launch.write(found_inf, 1).run()
    })
}

/// Counts a step unless `found_inf`, and writes what that step is scaled with; `lr` is the low word of the rate and then the
/// high one.
pub(crate) fn advance(
    stream: &Arc<CudaStream>,
    rates: &Rates,
    lr: Option<&CudaView<'_, i32>>,
    found_inf: Option<&impl DevicePtr<f32>>,
    steps: &mut impl DevicePtrMut<i64>,
    live: &mut impl DevicePtrMut<f32>,
) -> Result<()> {
    let scalars = [
        rates.lr,
        rates.lr_decay,
        rates.beta1,
        rates.beta2,
        rates.decay,
    ];
    let launch = Launch::new(stream, OP, "amp_advance")?;
    scalars
        .into_iter()
        .fold(launch, Launch::scalar)
        .read_optional(lr, 2)
        .read_optional(found_inf, 1)
        .write(steps, 1)
        .write(live, LIVE)
        .run()
}

/// Chooses the next scale, and clears `found_inf`; `counts` are the steps since the scale changed and those that were skipped.
///
/// # Errors
/// Shorter buffers, buffers of another context, or whatever the driver answers.
pub fn update_scale(
    stream: &Arc<CudaStream>,
    scale: &mut impl DevicePtrMut<f32>,
    found_inf: &mut impl DevicePtrMut<f32>,
    counts: &mut impl DevicePtrMut<i64>,
    growth: &Growth,
) -> Result<()> {
    Launch::new(stream, OP, "amp_update")?
        .write(scale, 1)
        .write(found_inf, 1)
        .write(counts, 2)
        .scalar(growth.growth_factor)
        .scalar(growth.backoff_factor)
        .scalar(growth.growth_interval)
        .run()
}
