//! RMSprop (Hinton 2012), one fused step: PyTorch's `torch.optim.RMSprop`, not centered.
//!
//! ```text
//! g = grad + weight_decay * param
//! square_avg = alpha * square_avg + (1 - alpha) * g^2
//! param -= lr * g / (sqrt(square_avg) + eps)                     without momentum
//! velocity = momentum * velocity + g / (sqrt(square_avg) + eps)  with it
//! param -= lr * velocity
//! ```

pub(crate) mod cpu;
pub mod cuda;

use crate::checks::{at_least_0, below_1};
use crate::element::Float;
use crate::error::Result;
use crate::ops::dispatch;
use crate::ops::optimizer::{Slot, no_velocity};
use crate::tensor::Tensor;

const OP: &str = "rmsprop";
const MOMENTUM: &str = "rmsprop_momentum";

/// The arguments of `torch.optim.RMSprop`, with its defaults.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RmsPropOptions {
    /// Learning rate.
    pub lr: f64,
    /// How much of the mean square is kept.
    pub alpha: f64,
    /// Added to the root of the mean square.
    pub eps: f64,
    /// L2 penalty, added to the gradient.
    pub weight_decay: f64,
    /// How much of the velocity is kept; 0 needs no velocity at all.
    pub momentum: f64,
}

impl Default for RmsPropOptions {
    fn default() -> Self {
        Self {
            lr: 1e-2,
            alpha: 0.99,
            eps: 1e-8,
            weight_decay: 0.0,
            momentum: 0.0,
        }
    }
}

impl RmsPropOptions {
    /// lr, alpha, 1 - alpha, eps and weight decay, if all options are within PyTorch's ranges.
    pub(crate) fn scalars(&self) -> Result<[f32; 5]> {
        at_least_0(
            OP,
            [
                ("lr", self.lr),
                ("eps", self.eps),
                ("weight_decay", self.weight_decay),
                ("momentum", self.momentum),
            ],
        )?;
        below_1(OP, [("alpha", self.alpha)])?;
        let take = 1.0 - self.alpha;
        let scalars = [self.lr, self.alpha, take, self.eps, self.weight_decay];
        Ok(scalars.map(|s| s as f32))
    }
}

/// One step of [`RmsPropOptions`] for one parameter, in place.
///
/// `velocity` is needed where there is a momentum, and left alone where there is none. Both states have the parameter's
/// shape, are `f32` whatever the parameter is, and are zeros before the first step.
///
/// # Errors
/// Different shapes or devices, options outside PyTorch's ranges, or no velocity where one is needed.
pub fn rmsprop_step<T: Float>(
    param: &mut Tensor<T>,
    grad: &Tensor<T>,
    square_avg: &mut Tensor<f32>,
    velocity: Option<&mut Tensor<f32>>,
    options: &RmsPropOptions,
) -> Result<()> {
    options.scalars()?;
    if options.momentum == 0.0 {
        let states = [square_avg];
        let slot = Slot {
            param,
            grad,
            states,
        };
        return rmsprop_steps(&mut [slot], options);
    }
    let states = [square_avg, velocity.ok_or_else(|| no_velocity(OP))?];
    let slot = Slot {
        param,
        grad,
        states,
    };
    rmsprop_momentum_steps(&mut [slot], options)
}

/// [`rmsprop_step`] without momentum for every slot, its state `square_avg`: on CUDA one launch for up to 64 of them, on
/// the CPU one pass.
///
/// # Errors
/// Those of [`rmsprop_step`], options with a momentum, and slots on different devices; then none has changed.
pub fn rmsprop_steps<T: Float>(
    slots: &mut [Slot<'_, T, 1>],
    options: &RmsPropOptions,
) -> Result<()> {
    let scalars = options.scalars()?;
    if options.momentum != 0.0 {
        return Err(no_velocity(OP));
    }
    dispatch::steps(
        OP,
        slots,
        |parts| cpu::rmsprop(parts, scalars),
        |s, slots| cuda::rmsprop_all(s, slots, options),
    )
}

/// [`rmsprop_step`] with momentum for every slot, its states `square_avg` and `velocity`; otherwise like
/// [`rmsprop_steps`].
///
/// # Errors
/// Those of [`rmsprop_step`], and slots on different devices; then none has changed.
pub fn rmsprop_momentum_steps<T: Float>(
    slots: &mut [Slot<'_, T, 2>],
    options: &RmsPropOptions,
) -> Result<()> {
    let scalars = options.scalars()?;
    dispatch::steps(
        OP,
        slots,
        |parts| cpu::rmsprop_momentum(parts, scalars, options.momentum as f32),
        |s, slots| cuda::rmsprop_momentum_all(s, slots, options),
    )
}
