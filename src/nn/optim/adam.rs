//! Adam.

use super::{Kind, Optimizer, OptimizerState, State};
use crate::error::Result;
use crate::nn::Module;
use crate::ops::adam::{self, AdamOptions};

const KIND: Kind<2> = Kind {
    optimizer: "Adam",
    names: ["exp_avg", "exp_avg_sq"],
};

/// Steps scaled by bias-corrected moments of the gradient (`torch.optim.Adam`).
#[derive(Debug, Default)]
pub struct Adam {
    options: AdamOptions,
    state: State,
}

impl Adam {
    /// Adam with betas 0.9 and 0.999, eps 1e-8 and no weight decay.
    pub fn new(lr: f64) -> Self {
        Self {
            options: AdamOptions {
                lr,
                ..Default::default()
            },
            ..Default::default()
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
}

impl Optimizer for Adam {
    fn step(&mut self, model: &mut dyn Module) -> Result<()> {
        let options = self.options;
        let parameters = model.parameters();
        let live = move |step| options.live(step);
        self.state
            .step(&KIND, parameters, adam::LIVE, live, |slots, at| {
                adam::adam_at(slots, &options, at)
            })
    }

    fn steps(&self) -> u64 {
        self.state.steps()
    }

    fn state_dict(&self, model: &mut dyn Module) -> Result<OptimizerState> {
        self.state.state_dict(&KIND, model)
    }

    fn load_state_dict(&mut self, model: &mut dyn Module, state: &OptimizerState) -> Result<()> {
        self.state.load_state_dict(&KIND, model, state)
    }
}
