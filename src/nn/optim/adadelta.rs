//! Adadelta.

use super::state::{Kind, State};
use super::{Optimizer, OptimizerState, Scaling, Target, remembered};
use crate::error::Result;
use crate::ops::adadelta::{self, AdadeltaOptions};

const KIND: Kind = Kind {
    optimizer: "Adadelta",
    names: &["square_avg", "acc_delta"],
};

/// Steps in the units of the parameter, whatever the gradient's are (`torch.optim.Adadelta`).
#[derive(Debug)]
pub struct Adadelta {
    /// But for the learning rate, which the state has.
    options: AdadeltaOptions,
    state: State,
}

impl Default for Adadelta {
    fn default() -> Self {
        Self::new(AdadeltaOptions::default().lr)
    }
}

impl Adadelta {
    /// Adadelta with rho 0.9, eps 1e-6 and no weight decay.
    pub fn new(lr: f64) -> Self {
        Self {
            options: AdadeltaOptions::default(),
            state: State::new(lr),
        }
    }

    /// How much of the mean squares each step keeps.
    #[must_use]
    pub fn rho(mut self, rho: f64) -> Self {
        self.options.rho = rho;
        self
    }

    /// What is added to the mean squares before their roots.
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

impl Optimizer for Adadelta {
    fn step_targets(
        &mut self,
        tensors: &mut [Target<'_>],
        scaling: Option<Scaling<'_>>,
    ) -> Result<()> {
        let options = self.options;
        let with = move |lr| AdadeltaOptions { lr, ..options };
        let rates = move |lr| with(lr).rates();
        self.state
            .step(&KIND, tensors, scaling, rates, |slots, at, lr| {
                adadelta::adadelta_at(slots, &with(lr), at)
            })
    }

    remembered!();
}
