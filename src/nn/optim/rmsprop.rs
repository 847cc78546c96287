//! RMSprop.

use super::{Kind, Optimizer, OptimizerState, State};
use crate::error::Result;
use crate::nn::Module;
use crate::ops::optimizer::{At, Slot};
use crate::ops::{self, RmsPropOptions};

const PLAIN: Kind<1> = Kind {
    optimizer: "RmsProp",
    names: ["square_avg"],
};
const MOMENTUM: Kind<2> = Kind {
    optimizer: "RmsProp",
    names: ["square_avg", "momentum_buffer"],
};

/// Steps scaled by the mean square of recent gradients (`torch.optim.RMSprop`).
#[derive(Debug, Default)]
pub struct RmsProp {
    options: RmsPropOptions,
    /// Mean squares, and velocities where there is a momentum.
    state: State,
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
        let (options, parameters) = (self.options, model.parameters());
        let live = |_| Ok(Vec::new());
        if options.momentum == 0.0 {
            let step = |slots: &mut [Slot<'_, f32, 1>], _: &At| ops::rmsprop_steps(slots, &options);
            return self.state.step(&PLAIN, parameters, 0, live, step);
        }
        let step =
            |slots: &mut [Slot<'_, f32, 2>], _: &At| ops::rmsprop_momentum_steps(slots, &options);
        self.state.step(&MOMENTUM, parameters, 0, live, step)
    }

    fn steps(&self) -> u64 {
        self.state.steps()
    }

    fn state_dict(&self, model: &mut dyn Module) -> Result<OptimizerState> {
        match self.options.momentum {
            0.0 => self.state.state_dict(&PLAIN, model),
            _ => self.state.state_dict(&MOMENTUM, model),
        }
    }

    fn load_state_dict(&mut self, model: &mut dyn Module, state: &OptimizerState) -> Result<()> {
        match self.options.momentum {
            0.0 => self.state.load_state_dict(&PLAIN, model, state),
            _ => self.state.load_state_dict(&MOMENTUM, model, state),
        }
    }
}
