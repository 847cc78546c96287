//! Stochastic gradient descent, one fused step: PyTorch's `torch.optim.SGD`.
//!
//! ```text
//! g = grad + weight_decay * param
//! velocity = g                                            in the first step
//! velocity = momentum * velocity + (1 - dampening) * g    in the others
//! param -= lr * g                                         without momentum
//! param -= lr * velocity                                  with momentum
//! param -= lr * (g + momentum * velocity)                 with Nesterov's
//! ```
//! ONNX `Momentum` in mode `standard` is this with `dampening = 1 - beta`.

pub(crate) mod cpu;
pub mod cuda;

use crate::checks::{at_least_0, steps_from_1};
use crate::element::Float;
use crate::error::{Error, Result};
use crate::ops::dispatch;
use crate::ops::optimizer::{At, Rates, Slot, no_velocity};
use crate::tensor::Tensor;

const OP: &str = "sgd";
const MOMENTUM: &str = "sgd_momentum";

/// The arguments of `torch.optim.SGD`, with its defaults.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SgdOptions {
    /// Learning rate.
    pub lr: f64,
    /// How much of the velocity is kept; 0 needs no velocity at all.
    pub momentum: f64,
    /// What part of the gradient the velocity does not take.
    pub dampening: f64,
    /// L2 penalty, added to the gradient.
    pub weight_decay: f64,
    /// Nesterov's momentum; needs a momentum and no dampening.
    pub nesterov: bool,
}

impl Default for SgdOptions {
    fn default() -> Self {
        Self {
            lr: 1e-3,
            momentum: 0.0,
            dampening: 0.0,
            weight_decay: 0.0,
            nesterov: false,
        }
    }
}

impl SgdOptions {
    /// What a step follows from, if the options are within PyTorch's ranges.
    pub(crate) fn rates(&self) -> Result<Rates> {
        self.check()?;
        Ok(Rates {
            lr: self.lr,
            ..Rates::default()
        })
    }

    pub(crate) fn check(&self) -> Result<()> {
        at_least_0(
            OP,
            [
                ("lr", self.lr),
                ("momentum", self.momentum),
                ("weight_decay", self.weight_decay),
            ],
        )?;
        if !self.dampening.is_finite() {
            let expected = "a finite dampening";
            return Err(Error::argument(OP, expected, self.dampening));
        }
        if self.nesterov && (self.momentum == 0.0 || self.dampening != 0.0) {
            let got = format!(
                "momentum {} and dampening {}",
                self.momentum, self.dampening
            );
            let expected = "a momentum and no dampening for nesterov";
            return Err(Error::argument(OP, expected, got));
        }
        Ok(())
    }
}

/// One step of [`SgdOptions`] for one parameter, in place; `step` counts from 1.
///
/// `velocity` is needed where there is a momentum, and left alone where there is none. It has the parameter's shape, is
/// `f32` whatever the parameter is, and may hold anything before the first step.
///
/// # Errors
/// Different shapes or devices, options outside PyTorch's ranges, a step of 0, or no velocity where one is needed.
pub fn sgd_step<T: Float>(
    param: &mut Tensor<T>,
    grad: &Tensor<T>,
    velocity: Option<&mut Tensor<f32>>,
    options: &SgdOptions,
    step: u64,
) -> Result<()> {
    options.check()?;
    steps_from_1(OP, step)?;
    if options.momentum == 0.0 {
        let states = [];
        let slot = Slot {
            param,
            grad,
            states,
            copy: None,
        };
        return sgd_steps(&mut [slot], options);
    }
    let states = [velocity.ok_or_else(|| no_velocity(OP))?];
    let slot = Slot {
        param,
        grad,
        states,
        copy: None,
    };
    sgd_momentum_steps(&mut [slot], options, step)
}

/// [`sgd_step`] without momentum for every slot: on CUDA one launch for up to 64 of them, on the CPU one pass.
///
/// # Errors
/// Those of [`sgd_step`], options with a momentum, and slots on different devices; then none has changed.
pub fn sgd_steps<T: Float>(slots: &mut [Slot<'_, T, 0>], options: &SgdOptions) -> Result<()> {
    sgd_at(slots, options, &At::step(1))
}

/// [`sgd_steps`] for a step that may be live.
pub(crate) fn sgd_at<T: Float>(
    slots: &mut [Slot<'_, T, 0>],
    options: &SgdOptions,
    at: &At<'_>,
) -> Result<()> {
    options.check()?;
    if options.momentum != 0.0 {
        return Err(no_velocity(OP));
    }
    dispatch::steps(
        OP,
        slots,
        at,
        |parts| cpu::sgd(parts, options),
        |s, slots| cuda::sgd_at(s, slots, options, at),
    )
}

/// [`sgd_step`] with momentum for every slot, its state the velocity; otherwise like [`sgd_steps`].
///
/// # Errors
/// Those of [`sgd_step`], and slots on different devices; then none has changed.
pub fn sgd_momentum_steps<T: Float>(
    slots: &mut [Slot<'_, T, 1>],
    options: &SgdOptions,
    step: u64,
) -> Result<()> {
    sgd_momentum_at(slots, options, &At::step(step))
}

/// [`sgd_momentum_steps`] for a step that may be live.
pub(crate) fn sgd_momentum_at<T: Float>(
    slots: &mut [Slot<'_, T, 1>],
    options: &SgdOptions,
    at: &At<'_>,
) -> Result<()> {
    options.check()?;
    steps_from_1(OP, at.step)?;
    dispatch::steps(
        OP,
        slots,
        at,
        |parts| cpu::sgd_momentum(parts, options, at.step == 1),
        |s, slots| cuda::sgd_momentum_at(s, slots, options, at),
    )
}
