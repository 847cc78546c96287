//! What a scaled loss asks for between backward and step, of which the host learns nothing: PyTorch's
//! `torch._amp_foreach_non_finite_check_and_unscale_` and `torch._amp_update_scale_`.

pub(crate) mod cpu;
pub mod cuda;

use crate::checks::{expect_shape, same_device};
use crate::error::Result;
use crate::ops::optimizer::Rates;
use crate::runtime::live::Live;
use crate::tensor::{Data, DataMut, Tensor};

const OP: &str = "amp";

/// How a scale changes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Growth {
    /// What it is multiplied with after an interval of steps.
    pub growth_factor: f32,
    /// What it is multiplied with after a step that was skipped.
    pub backoff_factor: f32,
    /// After so many steps in a row it grows.
    pub growth_interval: i64,
}

/// Sets `found_inf` to 1 where an element of a gradient divided by `scale` is not finite, and else leaves it as it is.
///
/// # Errors
/// A `scale` or `found_inf` of other than one element, or different devices.
pub fn amp_non_finite_check(
    grads: &[&Tensor<f32>],
    scale: &Tensor<f32>,
    found_inf: &mut Tensor<f32>,
) -> Result<()> {
    check(grads.iter().copied(), scale, found_inf)?;
    match (scale.data(), found_inf.data_update()?) {
        (Data::Cpu(scale), DataMut::Cpu(found_inf)) => {
            let grads = grads.iter().map(|grad| grad.data().cpu(OP));
            if !cpu::is_finite(&grads.collect::<Result<Vec<_>>>()?, scale[0]) {
                found_inf[0] = 1.0;
            }
            Ok(())
        }
        (scale, found_inf) => {
            let (scale, found_inf) = (scale.cuda(OP)?, found_inf.cuda(OP)?);
            let grads = grads.iter().map(|grad| Ok(grad.data().cuda(OP)?.as_view()));
            let grads = grads.collect::<Result<Vec<_>>>()?;
            cuda::non_finite_check(scale.stream(), &grads, scale, found_inf)
        }
    }
}

/// [`amp_non_finite_check`], and divides the gradients by `scale`.
///
/// # Errors
/// Those of [`amp_non_finite_check`].
pub fn amp_unscale_(
    grads: &mut [&mut Tensor<f32>],
    scale: &Tensor<f32>,
    found_inf: &mut Tensor<f32>,
) -> Result<()> {
    check(grads.iter().map(|grad| &**grad), scale, found_inf)?;
    match (scale.data(), found_inf.data_update()?) {
        (Data::Cpu(scale), DataMut::Cpu(found_inf)) => {
            for grad in grads {
                let grad = grad.data_update()?.cpu(OP)?;
                cpu::unscale(grad, scale[0]);
                if !cpu::is_finite(&[grad], 1.0) {
                    found_inf[0] = 1.0;
                }
            }
            Ok(())
        }
        (scale, found_inf) => {
            let (scale, found_inf) = (scale.cuda(OP)?, found_inf.cuda(OP)?);
            let grads = grads.iter_mut();
            let grads = grads.map(|grad| Ok(grad.data_update()?.cuda(OP)?.as_view_mut()));
            let mut grads = grads.collect::<Result<Vec<_>>>()?;
            cuda::unscale(scale.stream(), &mut grads, scale, found_inf)
        }
    }
}

fn check<'a>(
    grads: impl Iterator<Item = &'a Tensor<f32>>,
    scale: &Tensor<f32>,
    found_inf: &Tensor<f32>,
) -> Result<()> {
    expect_shape(OP, &[], scale.shape())?;
    expect_shape(OP, &[], found_inf.shape())?;
    same_device(OP, &[scale.device(), found_inf.device()])?;
    for grad in grads {
        same_device(OP, &[scale.device(), grad.device()])?;
    }
    Ok(())
}

/// Counts a step on the device that has `steps` and `live`, unless `found_inf`, and writes what that step is scaled with. `lr`:
/// where the learning rate lies, for a launch that is captured.
pub(crate) fn advance(
    rates: &Rates,
    lr: Option<&Live>,
    found_inf: Option<&Tensor<f32>>,
    steps: &mut Tensor<i64>,
    live: &mut Tensor<f32>,
) -> Result<()> {
    let (steps, live) = (
        steps.data_update()?.cuda(OP)?,
        live.data_update()?.cuda(OP)?,
    );
    let found_inf = found_inf.map(|found| found.data().cuda(OP)).transpose()?;
    let (stream, lr) = (steps.stream().clone(), lr.map(Live::view));
    cuda::advance(&stream, rates, lr.as_ref(), found_inf, steps, live)
}

/// Less of a scale where `found_inf`, which is 0 after it, else more of it after an interval of steps. `counts` (2) are the
/// steps since the scale changed, and those that were skipped.
///
/// # Errors
/// Other shapes, or different devices.
pub fn amp_update_scale_(
    scale: &mut Tensor<f32>,
    found_inf: &mut Tensor<f32>,
    counts: &mut Tensor<i64>,
    growth: &Growth,
) -> Result<()> {
    check([].into_iter(), scale, found_inf)?;
    expect_shape(OP, &[2], counts.shape())?;
    same_device(OP, &[scale.device(), counts.device()])?;
    match (
        scale.data_update()?,
        found_inf.data_update()?,
        counts.data_update()?,
    ) {
        (DataMut::Cpu(scale), DataMut::Cpu(found_inf), DataMut::Cpu(counts)) => {
            cpu::update(&mut scale[0], &mut found_inf[0], counts, growth);
            Ok(())
        }
        (scale, found_inf, counts) => {
            let (scale, found_inf) = (scale.cuda(OP)?, found_inf.cuda(OP)?);
            let stream = scale.stream().clone();
            cuda::update_scale(&stream, scale, found_inf, counts.cuda(OP)?, growth)
        }
    }
}
