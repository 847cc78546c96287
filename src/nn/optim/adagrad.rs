//! Adagrad.

use super::state::{Kind, State};
use super::{Optimizer, OptimizerState, Scaling, Target, remembered};
use crate::error::Result;
use crate::ops::adagrad::{self, AdagradOptions};

const KIND: Kind = Kind {
    optimizer: "Adagrad",
    names: &["sum"],
};

/// Steps that grow smaller where gradients were large (`torch.optim.Adagrad`).
#[derive(Debug)]
pub struct Adagrad {
    /// But for the learning rate, which the state has.
    options: AdagradOptions,
    state: State,
}

impl Default for Adagrad {
    fn default() -> Self {
        Self::new(AdagradOptions::default().lr)
    }
}

impl Adagrad {
    /// Adagrad with eps 1e-10, no decay of the rate and no weight decay.
    pub fn new(lr: f64) -> Self {
        Self {
            options: AdagradOptions::default(),
            state: State::new(lr),
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

    fn kind(&self) -> &'static Kind {
        &KIND
    }
}

impl Optimizer for Adagrad {
    fn step_targets(
        &mut self,
        tensors: &mut [Target<'_>],
        scaling: Option<Scaling<'_>>,
    ) -> Result<()> {
        let options = self.options;
        let with = move |lr| AdagradOptions { lr, ..options };
        let rates = move |lr| with(lr).rates();
        self.state
            .step(&KIND, tensors, scaling, rates, |slots, at, lr| {
                adagrad::adagrad_at(slots, &with(lr), at)
            })
    }

    remembered!();
}
