//! Stochastic gradient descent.

use super::{Optimizer, State};
use crate::error::Result;
use crate::nn::Module;
use crate::ops::{self, SgdOptions};

/// Gradient descent with momentum and weight decay (`torch.optim.SGD`).
#[derive(Debug, Default)]
pub struct Sgd {
    options: SgdOptions,
    steps: u64,
    state: State<1>,
}

impl Sgd {
    /// Plain descent: `p -= lr * grad`.
    pub fn new(lr: f64) -> Self {
        Self {
            options: SgdOptions {
                lr,
                ..Default::default()
            },
            ..Default::default()
        }
    }

    /// Descends along a velocity that keeps this share of itself at every step.
    #[must_use]
    pub fn momentum(mut self, momentum: f64) -> Self {
        self.options.momentum = momentum;
        self
    }

    /// Looks ahead along the velocity (Nesterov's momentum).
    #[must_use]
    pub fn nesterov(mut self) -> Self {
        self.options.nesterov = true;
        self
    }

    /// Adds `weight_decay * p` to the gradient.
    #[must_use]
    pub fn weight_decay(mut self, weight_decay: f64) -> Self {
        self.options.weight_decay = weight_decay;
        self
    }
}

impl Optimizer for Sgd {
    fn step(&mut self, model: &mut dyn Module) -> Result<()> {
        let mut parameters = model.parameters();
        let (options, step) = (&self.options, self.steps + 1);
        if options.momentum == 0.0 {
            for p in &mut parameters {
                ops::sgd_step(&mut p.value, &p.grad, None, options, step)?;
            }
        } else {
            let state = self.state.of("Sgd", &parameters)?;
            for (p, [velocity]) in parameters.iter_mut().zip(state) {
                ops::sgd_step(&mut p.value, &p.grad, Some(velocity), options, step)?;
            }
        }
        self.steps = step;
        Ok(())
    }
}
