//! Adagrad.

use super::{Optimizer, State};
use crate::error::Result;
use crate::nn::Module;
use crate::ops::{self, AdagradOptions};

/// Steps that grow smaller where gradients were large (`torch.optim.Adagrad`).
#[derive(Debug, Default)]
pub struct Adagrad {
    options: AdagradOptions,
    steps: u64,
    state: State<1>,
}

impl Adagrad {
    /// Adagrad with eps 1e-10, no decay of the rate and no weight decay.
    pub fn new(lr: f64) -> Self {
        let options = AdagradOptions {
            lr,
            ..Default::default()
        };
        Self {
            options,
            ..Default::default()
        }
    }

    /// How fast the rate falls with the steps.
    #[must_use]
    pub fn lr_decay(mut self, lr_decay: f64) -> Self {
        self.options.lr_decay = lr_decay;
        self
    }

    /// What is added to the root of the sum of squares.
    #[must_use]
    pub fn eps(mut self, eps: f64) -> Self {
        self.options.eps = eps;
        self
    }

    /// Adds `weight_decay * p` to the gradient.
    #[must_use]
    pub fn weight_decay(mut self, weight_decay: f64) -> Self {
        self.options.weight_decay = weight_decay;
        self
    }
}

impl Optimizer for Adagrad {
    fn step(&mut self, model: &mut dyn Module) -> Result<()> {
        let mut parameters = model.parameters();
        let state = self.state.of("Adagrad", &parameters)?;
        let step = self.steps + 1;
        for (p, [sum]) in parameters.iter_mut().zip(state) {
            ops::adagrad_step(&mut p.value, &p.grad, sum, &self.options, step)?;
        }
        self.steps = step;
        Ok(())
    }
}
