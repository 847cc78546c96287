//! RMSprop.

use super::{Optimizer, State};
use crate::error::Result;
use crate::nn::Module;
use crate::ops::{self, RmsPropOptions};

/// Steps scaled by the mean square of recent gradients (`torch.optim.RMSprop`).
#[derive(Debug, Default)]
pub struct RmsProp {
    options: RmsPropOptions,
    squares: State<1>,
    velocities: State<1>,
}

impl RmsProp {
    /// RMSprop with alpha 0.99, eps 1e-8, no momentum and no weight decay.
    pub fn new(lr: f64) -> Self {
        let options = RmsPropOptions {
            lr,
            ..Default::default()
        };
        Self {
            options,
            ..Default::default()
        }
    }

    /// How much of the mean square each step keeps.
    #[must_use]
    pub fn alpha(mut self, alpha: f64) -> Self {
        self.options.alpha = alpha;
        self
    }

    /// What is added to the root of the mean square.
    #[must_use]
    pub fn eps(mut self, eps: f64) -> Self {
        self.options.eps = eps;
        self
    }

    /// Descends along a velocity that keeps this share of itself at every step.
    #[must_use]
    pub fn momentum(mut self, momentum: f64) -> Self {
        self.options.momentum = momentum;
        self
    }

    /// Adds `weight_decay * p` to the gradient.
    #[must_use]
    pub fn weight_decay(mut self, weight_decay: f64) -> Self {
        self.options.weight_decay = weight_decay;
        self
    }
}

impl Optimizer for RmsProp {
    fn step(&mut self, model: &mut dyn Module) -> Result<()> {
        const NAME: &str = "RmsProp";
        let (options, mut parameters) = (&self.options, model.parameters());
        let squares = self.squares.of(NAME, &parameters)?;
        if options.momentum == 0.0 {
            for (p, [square]) in parameters.iter_mut().zip(squares) {
                ops::rmsprop_step(&mut p.value, &p.grad, square, None, options)?;
            }
            return Ok(());
        }
        let velocities = self.velocities.of(NAME, &parameters)?;
        for ((p, [square]), [velocity]) in parameters.iter_mut().zip(squares).zip(velocities) {
            ops::rmsprop_step(&mut p.value, &p.grad, square, Some(velocity), options)?;
        }
        Ok(())
    }
}
