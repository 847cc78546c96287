//! Adagrad (Duchi, Hazan, Singer 2011), one fused step: PyTorch's `torch.optim.Adagrad`.
//!
//! ```text
//! g = grad + weight_decay * param
//! sum = sum + g^2
//! param -= lr / (1 + (step - 1) * lr_decay) * g / (sqrt(sum) + eps)
//! ```
//! ONNX `Adagrad` is the same with `decay_factor` for `lr_decay` and steps that count from 0.

pub(crate) mod cpu;
pub mod cuda;

use crate::checks::{at_least_0, steps_from_1};
use crate::element::Float;
use crate::error::Result;
use crate::ops::dispatch;
use crate::ops::optimizer::{At, Rates, Slot};
use crate::tensor::Tensor;

const OP: &str = "adagrad";

/// The arguments of `torch.optim.Adagrad`, with its defaults.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdagradOptions {
    /// Learning rate.
    pub lr: f64,
    /// How fast the rate falls with the steps.
    pub lr_decay: f64,
    /// Added to the root of the sum of squares.
    pub eps: f64,
    /// L2 penalty, added to the gradient.
    pub weight_decay: f64,
}

impl Default for AdagradOptions {
    fn default() -> Self {
        Self {
            lr: 1e-2,
            lr_decay: 0.0,
            eps: 1e-10,
            weight_decay: 0.0,
        }
    }
}

impl AdagradOptions {
    /// What the rate of a step follows from, if the options are within PyTorch's ranges.
    pub(crate) fn rates(&self) -> Result<Rates> {
        at_least_0(
            OP,
            [
                ("lr", self.lr),
                ("lr_decay", self.lr_decay),
                ("eps", self.eps),
                ("weight_decay", self.weight_decay),
            ],
        )?;
        Ok(Rates {
            lr: self.lr,
            lr_decay: self.lr_decay,
            ..Rates::default()
        })
    }

    /// The rate of one step, eps and weight decay, if the options are within PyTorch's ranges.
    pub(crate) fn scalars(&self, step: u64) -> Result<[f32; 3]> {
        let rates = self.rates()?;
        steps_from_1(OP, step)?;
        let [rate, ..] = rates.at(step);
        Ok([rate, self.eps as f32, self.weight_decay as f32])
    }
}

/// One step of [`AdagradOptions`] for one parameter, in place; `step` counts from 1.
///
/// `sum`, the sum of the squared gradients, has the parameter's shape, is `f32` whatever the parameter is, and is filled
/// with the first accumulator value (PyTorch's is 0) before the first step.
///
/// # Errors
/// Different shapes or devices, options outside PyTorch's ranges, or a step of 0.
pub fn adagrad_step<T: Float>(
    param: &mut Tensor<T>,
    grad: &Tensor<T>,
    sum: &mut Tensor<f32>,
    options: &AdagradOptions,
    step: u64,
) -> Result<()> {
    let states = [sum];
    let slot = Slot {
        param,
        grad,
        states,
        copy: None,
    };
    adagrad_steps(&mut [slot], options, step)
}

/// [`adagrad_step`] for every slot, its state `sum`: on CUDA one launch for up to 64 of them, on the CPU one pass.
///
/// # Errors
/// Those of [`adagrad_step`], and slots on different devices; then none has changed.
pub fn adagrad_steps<T: Float>(
    slots: &mut [Slot<'_, T, 1>],
    options: &AdagradOptions,
    step: u64,
) -> Result<()> {
    adagrad_at(slots, options, &At::step(step))
}

/// [`adagrad_steps`] for a step that may be live.
pub(crate) fn adagrad_at<T: Float>(
    slots: &mut [Slot<'_, T, 1>],
    options: &AdagradOptions,
    at: &At<'_>,
) -> Result<()> {
    let scalars = options.scalars(at.step)?;
    dispatch::steps(
        OP,
        slots,
        at,
        |parts| cpu::adagrad(parts, scalars),
        |s, slots| cuda::adagrad_at(s, slots, options, at),
    )
}
