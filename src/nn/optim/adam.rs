//! Adam.

use super::state::{Kind, State};
use super::{Optimizer, OptimizerState, Scaling, Target, remembered};
use crate::error::Result;
use crate::ops::adam::{self, AdamOptions};

const PLAIN: Kind = Kind {
    optimizer: "Adam",
    names: &["exp_avg", "exp_avg_sq"],
};
const AMSGRAD: Kind = Kind {
    optimizer: "Adam",
    names: &["exp_avg", "exp_avg_sq", "max_exp_avg_sq"],
};

/// Steps scaled by bias-corrected moments of the gradient (`torch.optim.Adam`).
#[derive(Debug)]
pub struct Adam {
    /// But for the learning rate, which the state has.
    options: AdamOptions,
    state: State,
}

impl Default for Adam {
    fn default() -> Self {
        Self::new(AdamOptions::default().lr)
    }
}

impl Adam {
    /// Adam with betas 0.9 and 0.999, eps 1e-8 and no weight decay.
    pub fn new(lr: f64) -> Self {
        Self {
            options: AdamOptions::default(),
            state: State::new(lr),
        }
    }

    /// [`AdamW`](super::AdamW) without decay.
    pub(super) fn decoupled(lr: f64) -> Self {
        let mut adam = Self::new(lr);
        adam.options.decoupled_weight_decay = true;
        adam
    }

    /// How much of the first and second moment each step keeps.
    #[must_use]
    pub fn betas(mut self, beta1: f64, beta2: f64) -> Self {
        (self.options.beta1, self.options.beta2) = (beta1, beta2);
        self
    }

    /// What is added to the root of the second moment.
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

    /// Scales steps by the largest second moment so far (AMSGrad).
    #[must_use]
    pub fn amsgrad(mut self) -> Self {
        self.options.amsgrad = true;
        self
    }

    fn kind(&self) -> &'static Kind {
        match self.options.amsgrad {
            false => &PLAIN,
            true => &AMSGRAD,
        }
    }
}

impl Optimizer for Adam {
    fn step_targets(
        &mut self,
        tensors: &mut [Target<'_>],
        scaling: Option<Scaling<'_>>,
    ) -> Result<()> {
        let options = self.options;
        let with = move |lr| AdamOptions { lr, ..options };
        let rates = move |lr| with(lr).rates();
        if options.amsgrad {
            return self
                .state
                .step(&AMSGRAD, tensors, scaling, rates, |slots, at, lr| {
                    adam::adam_amsgrad_at(slots, &with(lr), at)
                });
        }
        self.state
            .step(&PLAIN, tensors, scaling, rates, |slots, at, lr| {
                adam::adam_at(slots, &with(lr), at)
            })
    }

    remembered!();
}
