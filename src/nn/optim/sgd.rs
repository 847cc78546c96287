//! Stochastic gradient descent.

use super::state::{Kind, State};
use super::{Optimizer, OptimizerState, Scaling, Target, remembered};
use crate::error::Result;
use crate::ops::sgd::{self, SgdOptions};

const PLAIN: Kind = Kind {
    optimizer: "Sgd",
    names: &[],
};
const MOMENTUM: Kind = Kind {
    optimizer: "Sgd",
    names: &["momentum_buffer"],
};

/// Gradient descent with momentum and weight decay (`torch.optim.SGD`).
#[derive(Debug)]
pub struct Sgd {
    /// But for the learning rate, which the state has.
    options: SgdOptions,
    state: State,
}

impl Default for Sgd {
    fn default() -> Self {
        Self::new(SgdOptions::default().lr)
    }
}

impl Sgd {
    /// Plain descent: `p -= lr * grad`.
    pub fn new(lr: f64) -> Self {
        Self {
            options: SgdOptions::default(),
            state: State::new(lr),
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

    /// The part of each gradient that the velocity does not take.
    #[must_use]
    pub fn dampening(mut self, dampening: f64) -> Self {
        self.options.dampening = dampening;
        self
    }

    fn kind(&self) -> &'static Kind {
        match self.options.momentum {
            0.0 => &PLAIN,
            _ => &MOMENTUM,
        }
    }
}

impl Optimizer for Sgd {
    fn step_targets(
        &mut self,
        tensors: &mut [Target<'_>],
        scaling: Option<Scaling<'_>>,
    ) -> Result<()> {
        let options = self.options;
        let with = move |lr| SgdOptions { lr, ..options };
        let rates = move |lr| with(lr).rates();
        if options.momentum == 0.0 {
            return self
                .state
                .step(&PLAIN, tensors, scaling, rates, |slots, at, lr| {
                    sgd::sgd_at(slots, &with(lr), at)
                });
        }
        self.state
            .step(&MOMENTUM, tensors, scaling, rates, |slots, at, lr| {
                sgd::sgd_momentum_at(slots, &with(lr), at)
            })
    }

    remembered!();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{Linear, Module};
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
        assert_eq!(sgd.steps()?, 3);
        // and a model that it does not know is refused all the same
        let mut other = Linear::new(4, 3, &mut Generator::manual_seed(1), &Device::Cpu)?;
        assert!(sgd.step(&mut other).is_err());
        Ok(())
    }
}
