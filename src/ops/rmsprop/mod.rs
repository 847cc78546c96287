//! RMSprop (Hinton 2012), one fused step: PyTorch's `torch.optim.RMSprop`.
//!
//! ```text
//! g = grad + weight_decay * param
//! square_avg = alpha * square_avg + (1 - alpha) * g^2
//! square = square_avg
//! grad_avg = alpha * grad_avg + (1 - alpha) * g       where it is centered (Graves 2013)
//! square = max(square_avg - grad_avg^2, 0)            likewise
//! param -= lr * g / (sqrt(square) + eps)                     without momentum
//! velocity = momentum * velocity + g / (sqrt(square) + eps)  with it
//! param -= lr * velocity
//! ```
//! The difference is a variance, and is below 0 only by rounding, where PyTorch goes on with the NaN of its root.

pub(crate) mod cpu;
pub mod cuda;

use crate::checks::{at_least_0, below_1};
use crate::element::Float;
use crate::error::{Error, Result};
use crate::ops::dispatch;
use crate::ops::optimizer::{At, Rates, Slot, no_velocity};
use crate::tensor::Tensor;

const OP: &str = "rmsprop";

/// What a step keeps beside the mean square, and the kernel that takes it.
pub(crate) struct Form {
    kernel: &'static str,
    centered: bool,
    momentum: bool,
}

const fn form(kernel: &'static str, centered: bool, momentum: bool) -> Form {
    Form {
        kernel,
        centered,
        momentum,
    }
}

const PLAIN: Form = form("rmsprop", false, false);
const MOMENTUM: Form = form("rmsprop_momentum", false, true);
const CENTERED: Form = form("rmsprop_centered", true, false);
const CENTERED_MOMENTUM: Form = form("rmsprop_centered_momentum", true, true);

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
    /// Whether steps are scaled by the gradient's deviation instead of its mean square; needs a state for its mean.
    pub centered: bool,
}

impl Default for RmsPropOptions {
    fn default() -> Self {
        Self {
            lr: 1e-2,
            alpha: 0.99,
            eps: 1e-8,
            weight_decay: 0.0,
            momentum: 0.0,
            centered: false,
        }
    }
}

impl RmsPropOptions {
    /// What a step follows from, if the options are within PyTorch's ranges.
    pub(crate) fn rates(&self) -> Result<Rates> {
        self.check()?;
        Ok(Rates {
            lr: self.lr,
            ..Rates::default()
        })
    }

    /// Errors unless all options are within PyTorch's ranges.
    fn check(&self) -> Result<()> {
        at_least_0(
            OP,
            [
                ("lr", self.lr),
                ("eps", self.eps),
                ("weight_decay", self.weight_decay),
                ("momentum", self.momentum),
            ],
        )?;
        below_1(OP, [("alpha", self.alpha)])
    }

    /// lr, alpha, 1 - alpha, eps, weight decay and momentum, if a step of this form can follow the options.
    pub(crate) fn scalars(&self, form: &Form) -> Result<[f32; 6]> {
        self.check()?;
        if self.momentum != 0.0 && !form.momentum {
            return Err(no_velocity(OP));
        }
        if self.centered != form.centered {
            let (expected, got) = match self.centered {
                true => ("a state for the mean, as centered is set", "none"),
                false => ("options with centered", "centered: false"),
            };
            return Err(Error::argument(form.kernel, expected, got));
        }
        let take = 1.0 - self.alpha;
        let scalars = [
            self.lr,
            self.alpha,
            take,
            self.eps,
            self.weight_decay,
            self.momentum,
        ];
        Ok(scalars.map(|s| s as f32))
    }
}

/// One step of [`RmsPropOptions`] for one parameter, in place.
///
/// `velocity` is needed where there is a momentum, and left alone where there is none. Both states have the parameter's
/// shape, are `f32` whatever the parameter is, and are zeros before the first step.
///
/// # Errors
/// Different shapes or devices, options outside PyTorch's ranges or with centered, or no velocity where one is needed.
pub fn rmsprop_step<T: Float>(
    param: &mut Tensor<T>,
    grad: &Tensor<T>,
    square_avg: &mut Tensor<f32>,
    velocity: Option<&mut Tensor<f32>>,
    options: &RmsPropOptions,
) -> Result<()> {
    options.check()?;
    if options.momentum == 0.0 {
        let states = [square_avg];
        let slot = Slot {
            param,
            grad,
            states,
            copy: None,
        };
        return rmsprop_steps(&mut [slot], options);
    }
    let states = [square_avg, velocity.ok_or_else(|| no_velocity(OP))?];
    let slot = Slot {
        param,
        grad,
        states,
        copy: None,
    };
    rmsprop_momentum_steps(&mut [slot], options)
}

/// [`rmsprop_step`], centered: `grad_avg`, the mean of the gradient, is like the other states.
///
/// # Errors
/// Those of [`rmsprop_step`], but for options without centered.
pub fn rmsprop_centered_step<T: Float>(
    param: &mut Tensor<T>,
    grad: &Tensor<T>,
    square_avg: &mut Tensor<f32>,
    grad_avg: &mut Tensor<f32>,
    velocity: Option<&mut Tensor<f32>>,
    options: &RmsPropOptions,
) -> Result<()> {
    options.check()?;
    if options.momentum == 0.0 {
        let states = [square_avg, grad_avg];
        let slot = Slot {
            param,
            grad,
            states,
            copy: None,
        };
        return rmsprop_centered_steps(&mut [slot], options);
    }
    let velocity = velocity.ok_or_else(|| no_velocity(OP))?;
    let states = [square_avg, grad_avg, velocity];
    let slot = Slot {
        param,
        grad,
        states,
        copy: None,
    };
    rmsprop_centered_momentum_steps(&mut [slot], options)
}

macro_rules! steps {
    ($($(#[$doc:meta])* $name:ident, $at:ident, $form:ident, $states:literal;)*) => {
        $($(#[$doc])*
        ///
        /// # Errors
        /// Those of the single step, options of another form, and slots on different devices; then none has changed.
        pub fn $name<T: Float>(
            slots: &mut [Slot<'_, T, $states>],
            options: &RmsPropOptions,
        ) -> Result<()> {
            $at(slots, options, &At::step(1))
        }

        /// The same for a step that may be live.
        pub(crate) fn $at<T: Float>(
            slots: &mut [Slot<'_, T, $states>],
            options: &RmsPropOptions,
            at: &At<'_>,
        ) -> Result<()> {
            let scalars = options.scalars(&$form)?;
            dispatch::steps(
                OP,
                slots,
                at,
                |parts| cpu::rmsprop::<T, { $form.centered }, { $form.momentum }, $states>(parts, scalars),
                |s, slots| cuda::rmsprop_at(s, slots, options, &$form, at),
            )
        })*
    };
}

steps! {
    /// [`rmsprop_step`] without momentum for every slot, its state `square_avg`: on CUDA one launch for up to 64 of them,
    /// on the CPU one pass.
    rmsprop_steps, rmsprop_at, PLAIN, 1;
    /// [`rmsprop_step`] with momentum for every slot, its states `square_avg` and `velocity`; otherwise like
    /// [`rmsprop_steps`].
    rmsprop_momentum_steps, rmsprop_momentum_at, MOMENTUM, 2;
    /// [`rmsprop_centered_step`] without momentum for every slot, its states `square_avg` and `grad_avg`.
    rmsprop_centered_steps, rmsprop_centered_at, CENTERED, 2;
    /// [`rmsprop_centered_step`] with momentum for every slot, its states `square_avg`, `grad_avg` and `velocity`.
    rmsprop_centered_momentum_steps, rmsprop_centered_momentum_at, CENTERED_MOMENTUM, 3;
}
