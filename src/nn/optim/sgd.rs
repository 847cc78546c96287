//! Stochastic gradient descent.

use super::{Kind, Optimizer, OptimizerState, State};
use crate::error::Result;
use crate::nn::Module;
use crate::ops::optimizer::{At, Slot};
use crate::ops::sgd::{self, SgdOptions};

const PLAIN: Kind<0> = Kind {
    optimizer: "Sgd",
    names: [],
};
const MOMENTUM: Kind<1> = Kind {
    optimizer: "Sgd",
    names: ["momentum_buffer"],
};

/// Gradient descent with momentum and weight decay (`torch.optim.SGD`).
#[derive(Debug, Default)]
pub struct Sgd {
    options: SgdOptions,
    /// Velocities, where there is a momentum.
    state: State,
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
        let (options, parameters) = (self.options, model.parameters());
        if options.momentum == 0.0 {
            let live = |_| Ok(Vec::new());
            let step = |slots: &mut [Slot<'_, f32, 0>], _: &At| sgd::sgd_steps(slots, &options);
            return self.state.step(&PLAIN, parameters, 0, live, step);
        }
        let live = |step| Ok(SgdOptions::live(step));
        let step =
            |slots: &mut [Slot<'_, f32, 1>], at: &At| sgd::sgd_momentum_at(slots, &options, at);
        self.state
            .step(&MOMENTUM, parameters, sgd::LIVE, live, step)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::Linear;
    use crate::{Device, Generator, Tensor};

    #[test]
    fn momentum_that_comes_later_begins_at_rest_and_steps_are_counted_on() -> Result<()> {
        let mut model = Linear::new(2, 3, &mut Generator::manual_seed(1), &Device::Cpu)?;
        for parameter in model.parameters() {
            parameter.grad = Tensor::full(parameter.value.shape(), 0.5, &Device::Cpu)?;
        }
        let mut sgd = Sgd::new(0.1);
        sgd.step(&mut model)?;
        assert!(sgd.state_dict(&mut model)?.tensors.is_empty());
        sgd = sgd.momentum(0.9);
        for velocity in [0.5, 0.95] {
            sgd.step(&mut model)?;
            let state = sgd.state_dict(&mut model)?;
            assert_eq!(
                state.tensors["bias.momentum_buffer"].to_vec()?,
                [velocity; 3]
            );
            assert_eq!(state.tensors.len(), 2);
        }
        assert_eq!(sgd.steps(), 3);
        // and a model that it does not know is refused all the same
        let mut other = Linear::new(4, 3, &mut Generator::manual_seed(1), &Device::Cpu)?;
        assert!(sgd.step(&mut other).is_err());
        Ok(())
    }
}
