//! Adam, one fused step: PyTorch's `torch.optim.Adam`.
//!
//! ```text
//! g = grad + weight_decay * param
//! m = beta1 * m + (1 - beta1) * g
//! v = beta2 * v + (1 - beta2) * g^2
//! param -= lr * (m / (1 - beta1^step)) / (sqrt(v / (1 - beta2^step)) + eps)
//! ```
//! With decoupled weight decay, which is PyTorch's `torch.optim.AdamW` (Loshchilov, Hutter 2019), `g = grad` and
//! `param = (1 - lr * weight_decay) * param` before the last line instead.
//!
//! With [`AdamOptions::amsgrad`] (Reddi, Kale, Kumar 2018) the last line has `max_v = max(max_v, v)` in v's place.
//!
//! ONNX `Adam` adds its epsilon before the bias is corrected: divide it by `sqrt(1 - beta2^step)`.

pub(crate) mod cpu;
pub mod cuda;

use crate::checks::{at_least_0, below_1, steps_from_1};
use crate::element::Float;
use crate::error::{Error, Result};
use crate::ops::dispatch;
use crate::ops::optimizer::{At, Rates, Slot};
use crate::tensor::Tensor;

const OP: &str = "adam";
const AMSGRAD: &str = "adam_amsgrad";

/// The arguments of `torch.optim.Adam`, with its defaults.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamOptions {
    /// Learning rate.
    pub lr: f64,
    /// How much of the mean gradient is kept.
    pub beta1: f64,
    /// How much of the mean squared gradient is kept.
    pub beta2: f64,
    /// Added to the root of the mean square.
    pub eps: f64,
    /// L2 penalty, added to the gradient; or, decoupled, the share of lr that the parameter itself loses.
    pub weight_decay: f64,
    /// Whether the decay passes the moments by: `torch.optim.AdamW`.
    pub decoupled_weight_decay: bool,
    /// Whether steps are scaled by the largest second moment so far; needs a state for it ([`adam_amsgrad_step`]).
    pub amsgrad: bool,
}

impl Default for AdamOptions {
    fn default() -> Self {
        Self {
            lr: 1e-3,
            beta1: 0.9,
            beta2: 0.999,
            eps: 1e-8,
            weight_decay: 0.0,
            decoupled_weight_decay: false,
            amsgrad: false,
        }
    }
}

/// What a step multiplies with, rounded once from f64: `1 - beta2^step` has few digits in f32.
#[derive(Clone, Copy)]
pub(crate) struct Scalars {
    /// `lr / (1 - beta1^step)`
    pub(crate) rate: f32,
    pub(crate) beta1: f32,
    /// `1 - beta1`
    pub(crate) take1: f32,
    pub(crate) beta2: f32,
    /// `1 - beta2`
    pub(crate) take2: f32,
    /// `1 / sqrt(1 - beta2^step)`
    pub(crate) root: f32,
    pub(crate) eps: f32,
    pub(crate) weight_decay: f32,
    /// `1 - lr * weight_decay` where the decay is decoupled, else 1
    pub(crate) keep: f32,
}

impl AdamOptions {
    /// Errors unless the options want a maximum exactly where there is a state for it.
    pub(crate) fn check_amsgrad(&self, has_maximum: bool) -> Result<()> {
        match (self.amsgrad, has_maximum) {
            (true, false) => Err(Error::argument(
                OP,
                "a state for the maximum, as amsgrad is set",
                "none",
            )),
            (false, true) => Err(Error::argument(
                AMSGRAD,
                "options with amsgrad",
                "amsgrad: false",
            )),
            _ => Ok(()),
        }
    }

    /// What follows from steps and the learning rate follows from these, if the options are within PyTorch's ranges.
    pub(crate) fn rates(&self) -> Result<Rates> {
        let options = [
            ("lr", self.lr),
            ("eps", self.eps),
            ("weight_decay", self.weight_decay),
        ];
        at_least_0(OP, options)?;
        below_1(OP, [("beta1", self.beta1), ("beta2", self.beta2)])?;
        Ok(Rates {
            lr: self.lr,
            beta1: self.beta1,
            beta2: self.beta2,
            decay: match self.decoupled_weight_decay {
                true => self.weight_decay,
                false => 0.0,
            },
            ..Rates::default()
        })
    }

    /// The scalars of one step, if the options are within PyTorch's ranges.
    pub(crate) fn scalars(&self, step: u64) -> Result<Scalars> {
        let rates = self.rates()?;
        steps_from_1(OP, step)?;
        let [rate, _, root, keep] = rates.at(step);
        let penalty = match self.decoupled_weight_decay {
            true => 0.0,
            false => self.weight_decay,
        };
        Ok(Scalars {
            rate,
            beta1: self.beta1 as f32,
            take1: (1.0 - self.beta1) as f32,
            beta2: self.beta2 as f32,
            take2: (1.0 - self.beta2) as f32,
            root,
            eps: self.eps as f32,
            weight_decay: penalty as f32,
            keep,
        })
    }
}

/// One step of [`AdamOptions`] for one parameter, in place; `step` counts from 1.
///
/// `m` and `v`, the means of the gradient and of its square, have the parameter's shape, are `f32` whatever the
/// parameter is, and are zeros before the first step.
///
/// # Errors
/// Different shapes or devices, options outside PyTorch's ranges or with amsgrad, or a step of 0.
pub fn adam_step<T: Float>(
    param: &mut Tensor<T>,
    grad: &Tensor<T>,
    m: &mut Tensor<f32>,
    v: &mut Tensor<f32>,
    options: &AdamOptions,
    step: u64,
) -> Result<()> {
    let states = [m, v];
    let slot = Slot {
        param,
        grad,
        states,
        copy: None,
    };
    adam_steps(&mut [slot], options, step)
}

/// [`adam_step`] for every slot, its states `m` and `v`: on CUDA one launch for up to 64 of them, on the CPU one pass.
///
/// # Errors
/// Those of [`adam_step`], and slots on different devices; then none has changed.
pub fn adam_steps<T: Float>(
    slots: &mut [Slot<'_, T, 2>],
    options: &AdamOptions,
    step: u64,
) -> Result<()> {
    adam_at(slots, options, &At::step(step))
}

/// [`adam_steps`] for a step that may be live.
pub(crate) fn adam_at<T: Float>(
    slots: &mut [Slot<'_, T, 2>],
    options: &AdamOptions,
    at: &At<'_>,
) -> Result<()> {
    options.check_amsgrad(false)?;
    let scalars = options.scalars(at.step)?;
    dispatch::steps(
        OP,
        slots,
        at,
        |parts| cpu::adam(parts, scalars),
        |s, slots| cuda::adam_at(s, slots, options, at),
    )
}

/// [`adam_step`] with amsgrad: `max_v`, the largest `v` so far, is like the other states, zeros before the first step. A
/// NaN in `v` stays in it, as in PyTorch.
///
/// # Errors
/// Those of [`adam_step`], but for options without amsgrad.
pub fn adam_amsgrad_step<T: Float>(
    param: &mut Tensor<T>,
    grad: &Tensor<T>,
    m: &mut Tensor<f32>,
    v: &mut Tensor<f32>,
    max_v: &mut Tensor<f32>,
    options: &AdamOptions,
    step: u64,
) -> Result<()> {
    let states = [m, v, max_v];
    let slot = Slot {
        param,
        grad,
        states,
        copy: None,
    };
    adam_amsgrad_steps(&mut [slot], options, step)
}

/// [`adam_amsgrad_step`] for every slot, its states `m`, `v` and `max_v`; otherwise like [`adam_steps`].
///
/// # Errors
/// Those of [`adam_amsgrad_step`], and slots on different devices; then none has changed.
pub fn adam_amsgrad_steps<T: Float>(
    slots: &mut [Slot<'_, T, 3>],
    options: &AdamOptions,
    step: u64,
) -> Result<()> {
    adam_amsgrad_at(slots, options, &At::step(step))
}

/// [`adam_amsgrad_steps`] for a step that may be live.
pub(crate) fn adam_amsgrad_at<T: Float>(
    slots: &mut [Slot<'_, T, 3>],
    options: &AdamOptions,
    at: &At<'_>,
) -> Result<()> {
    options.check_amsgrad(true)?;
    let scalars = options.scalars(at.step)?;
    dispatch::steps(
        AMSGRAD,
        slots,
        at,
        |parts| cpu::adam_amsgrad(parts, scalars),
        |s, slots| cuda::adam_amsgrad_at(s, slots, options, at),
    )
}
