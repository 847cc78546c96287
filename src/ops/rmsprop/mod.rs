//! RMSprop (Hinton 2012), one fused step per parameter: PyTorch's `torch.optim.RMSprop`, not centered.
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
use crate::error::{Error, Result};
use crate::ops::dispatch;
use crate::tensor::Tensor;

const OP: &str = "rmsprop";

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
    let scalars = options.scalars()?;
    if options.momentum == 0.0 {
        return dispatch::step(
            OP,
            param,
            grad,
            [square_avg],
            |p, g, [v]| cpu::rmsprop(p, g, v, scalars),
            |s, p, g, [v]| cuda::rmsprop(s, p, g, v, options),
        );
    }
    let none = || Error::argument(OP, "a velocity, as momentum is not 0", "none");
    dispatch::step(
        OP,
        param,
        grad,
        [square_avg, velocity.ok_or_else(none)?],
        |p, g, [v, b]| cpu::rmsprop_momentum(p, g, v, b, scalars, options.momentum as f32),
        |s, p, g, [v, b]| cuda::rmsprop_momentum(s, p, g, v, b, options),
    )
}
