//! Adagrad.

use super::{Kind, Optimizer, OptimizerState, State};
use crate::error::Result;
use crate::nn::Module;
use crate::ops::adagrad::{self, AdagradOptions};

const KIND: Kind<1> = Kind {
    optimizer: "Adagrad",
    names: ["sum"],
};

/// Steps that grow smaller where gradients were large (`torch.optim.Adagrad`).
#[derive(Debug, Default)]
pub struct Adagrad {
    options: AdagradOptions,
    state: State,
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
        let options = self.options;
        let parameters = model.parameters();
        let live = move |step| options.live(step);
        self.state
            .step(&KIND, parameters, adagrad::LIVE, live, |slots, at| {
                adagrad::adagrad_at(slots, &options, at)
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
