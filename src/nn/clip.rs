//! Gradients that are not to be too long.

use super::Module;
use crate::device::Device;
use crate::error::{Error, Result};
use crate::tensor::Tensor;

/// Added to the norm that is divided by, as in PyTorch.
const EPS: f32 = 1e-6;

/// Scales the gradients of all parameters by `max_norm / (norm + 1e-6)` where their norm, the root of the sum of all their
/// squares, is larger (`torch.nn.utils.clip_grad_norm_`). Answers the norm from before, one number, for which the host waits
/// only if it reads it.
///
/// Where each rank of many has a share of the gradients the norm is that of all, and a call of all ranks.
///
/// A norm that is not finite leaves no gradient that is of use, as in PyTorch: look at it, or have a
/// [`GradScaler`](super::GradScaler) skip the step.
///
/// # Errors
/// A `max_norm` that is not above 0, or whatever the device answers.
pub fn clip_grad_norm_(model: &mut dyn Module, max_norm: f64) -> Result<Tensor<f32>> {
    const OP: &str = "clip_grad_norm_";
    if max_norm.is_nan() || max_norm <= 0.0 {
        return Err(Error::argument(OP, "a max_norm above 0", max_norm));
    }
    let parameters = model.parameters();
    let device = parameters.first().map(|first| first.grad.device().clone());
    let mut total = Tensor::zeros(&[], &device.unwrap_or(Device::Cpu))?;
    for parameter in &parameters {
        total.add_(&squares(&parameter.grad)?)?;
    }
    if let Some(shares) = model.grad_shares() {
        shares.sum(&mut total)?;
    }
    let norm = total.sqrt()?;
    let factor = norm.add(EPS)?.reciprocal()?.mul(max_norm as f32)?;
    let factor = factor.minimum(1.0)?;
    for parameter in model.parameters() {
        parameter.grad.mul_(&factor)?;
    }
    Ok(norm)
}

/// The sum of squares: a product of each row with itself, so that rows are summed side by side.
fn squares(x: &Tensor<f32>) -> Result<Tensor<f32>> {
    if x.numel() == 0 {
        return Tensor::zeros(&[], x.device());
    }
    let rows = match x.shape() {
        [rows, _, ..] => *rows,
        _ => 1,
    };
    let cols = x.numel() / rows;
    let row = x.reshape(&[rows, 1, cols])?;
    row.matmul(&x.reshape(&[rows, cols, 1])?)?.sum()
}
