//! Bindings of `cuda/adagrad.cu` over cudarc buffers. Work is queued on `stream` and runs asynchronously.

use std::sync::Arc;

use cudarc::driver::{CudaStream, CudaView, DevicePtr, DevicePtrMut};

use super::{AdagradOptions, LIVE, OP};
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
    let rate = options.rate(step)?;
    if p.is_empty() {
        return Ok(());
    }
    let table = Table::new::<T>(stream, OP, OP, 1)?.parameter(p, g);
    run(table.state(h).launch::<T>()?, options, rate, None)
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
    at: &At,
) -> Result<()> {
    let (rate, live) = (options.rate(at.step)?, at.view());
    launches(stream, OP, OP, slots, |launch| {
        run(launch, options, rate, live.as_ref())
    })
}

fn run<'a>(
    launch: Launch<'a>,
    options: &AdagradOptions,
    rate: f64,
    live: Option<&'a CudaView<'a, i32>>,
) -> Result<()> {
    let scalars = [rate, options.eps, options.weight_decay].map(|s| s as f32);
    let launch = scalars.into_iter().fold(launch, Launch::scalar);
    launch.read_optional(live, LIVE).run()
}
