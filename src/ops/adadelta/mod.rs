//! Adadelta (Zeiler 2012), one fused step: PyTorch's `torch.optim.Adadelta`.
//!
//! ```text
//! g = grad + weight_decay * param
//! square_avg = rho * square_avg + (1 - rho) * g^2
//! delta = sqrt(acc_delta + eps) / sqrt(square_avg + eps) * g
//! acc_delta = rho * acc_delta + (1 - rho) * delta^2
//! param -= lr * delta
//! ```

pub(crate) mod cpu;
pub mod cuda;

use crate::checks::{at_least_0, below_1};
use crate::element::Float;
use crate::error::Result;
use crate::ops::dispatch;
use crate::ops::optimizer::{At, Rates, Slot};
use crate::tensor::Tensor;

const OP: &str = "adadelta";

/// The arguments of `torch.optim.Adadelta`, with its defaults.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdadeltaOptions {
    /// What a step is scaled with.
    pub lr: f64,
    /// How much of the mean squares is kept.
    pub rho: f64,
    /// Added to the mean squares before their roots.
    pub eps: f64,
    /// L2 penalty, added to the gradient.
    pub weight_decay: f64,
}

impl Default for AdadeltaOptions {
    fn default() -> Self {
        Self {
            lr: 1.0,
            rho: 0.9,
            eps: 1e-6,
            weight_decay: 0.0,
        }
    }
}

impl AdadeltaOptions {
    /// What a step follows from, if the options are within PyTorch's ranges.
    pub(crate) fn rates(&self) -> Result<Rates> {
        self.scalars()?;
        Ok(Rates {
            lr: self.lr,
            ..Rates::default()
        })
    }

    /// lr, rho, 1 - rho, eps and weight decay, if they are within PyTorch's ranges.
    pub(crate) fn scalars(&self) -> Result<[f32; 5]> {
        at_least_0(
            OP,
            [
                ("lr", self.lr),
                ("eps", self.eps),
                ("weight_decay", self.weight_decay),
            ],
        )?;
        below_1(OP, [("rho", self.rho)])?;
        let scalars = [
            self.lr,
            self.rho,
            1.0 - self.rho,
            self.eps,
            self.weight_decay,
        ];
        Ok(scalars.map(|s| s as f32))
    }
}

/// One step of [`AdadeltaOptions`] for one parameter, in place.
///
/// `square_avg` and `acc_delta`, the mean squares of the gradient and of the steps, have the parameter's shape, are
/// `f32` whatever the parameter is, and are zeros before the first step.
///
/// # Errors
/// Different shapes or devices, or options outside PyTorch's ranges.
pub fn adadelta_step<T: Float>(
    param: &mut Tensor<T>,
    grad: &Tensor<T>,
    square_avg: &mut Tensor<f32>,
    acc_delta: &mut Tensor<f32>,
    options: &AdadeltaOptions,
) -> Result<()> {
    let states = [square_avg, acc_delta];
    let slot = Slot {
        param,
        grad,
        states,
        copy: None,
    };
    adadelta_steps(&mut [slot], options)
}

/// [`adadelta_step`] for every slot, its states `square_avg` and `acc_delta`: on CUDA one launch for up to 64 of them, on
/// the CPU one pass.
///
/// # Errors
/// Those of [`adadelta_step`], and slots on different devices; then none has changed.
pub fn adadelta_steps<T: Float>(
    slots: &mut [Slot<'_, T, 2>],
    options: &AdadeltaOptions,
) -> Result<()> {
    adadelta_at(slots, options, &At::step(1))
}

/// [`adadelta_steps`] for a step that may be live.
pub(crate) fn adadelta_at<T: Float>(
    slots: &mut [Slot<'_, T, 2>],
    options: &AdadeltaOptions,
    at: &At<'_>,
) -> Result<()> {
    let scalars = options.scalars()?;
    dispatch::steps(
        OP,
        slots,
        at,
        |parts| cpu::adadelta(parts, scalars),
        |s, slots| cuda::adadelta_at(s, slots, options, at),
    )
}
