//! Adadelta.

use super::{Kind, Optimizer, OptimizerState, State};
use crate::error::Result;
use crate::nn::Module;
use crate::ops::{self, AdadeltaOptions};

const KIND: Kind<2> = Kind {
    optimizer: "Adadelta",
    names: ["square_avg", "acc_delta"],
};

/// Steps in the units of the parameter, whatever the gradient's are (`torch.optim.Adadelta`).
#[derive(Debug, Default)]
pub struct Adadelta {
    options: AdadeltaOptions,
    state: State,
}

impl Adadelta {
    /// Adadelta with rho 0.9, eps 1e-6 and no weight decay.
    pub fn new(lr: f64) -> Self {
        let options = AdadeltaOptions {
            lr,
            ..Default::default()
        };
        Self {
            options,
            ..Default::default()
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
}

impl Optimizer for Adadelta {
    fn step(&mut self, model: &mut dyn Module) -> Result<()> {
        let parameters = model.parameters();
        self.state.step(
            &KIND,
            parameters,
            0,
            |_| Ok(Vec::new()),
            |slots, _| ops::adadelta_steps(slots, &self.options),
        )
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
