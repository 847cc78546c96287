//! RMSprop.

use super::state::{Kind, State};
use super::{Optimizer, OptimizerState, Scaling, Target, remembered};
use crate::error::Result;
use crate::ops::rmsprop::{self, RmsPropOptions};

const PLAIN: Kind = kind(&["square_avg"]);
const MOMENTUM: Kind = kind(&["square_avg", "momentum_buffer"]);
const CENTERED: Kind = kind(&["square_avg", "grad_avg"]);
const BOTH: Kind = kind(&["square_avg", "grad_avg", "momentum_buffer"]);

const fn kind(names: &'static [&'static str]) -> Kind {
    let optimizer = "RmsProp";
    Kind { optimizer, names }
}

/// Steps scaled by the mean square of recent gradients (`torch.optim.RMSprop`).
#[derive(Debug)]
pub struct RmsProp {
    /// But for the learning rate, which the state has.
    options: RmsPropOptions,
    state: State,
}

impl Default for RmsProp {
    fn default() -> Self {
        Self::new(RmsPropOptions::default().lr)
    }
}

impl RmsProp {
    /// RMSprop with alpha 0.99, eps 1e-8, no momentum and no weight decay.
    pub fn new(lr: f64) -> Self {
        Self {
            options: RmsPropOptions::default(),
            state: State::new(lr),
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

    /// Scales steps by the gradient's deviation instead of its mean square.
    #[must_use]
    pub fn centered(mut self) -> Self {
        self.options.centered = true;
        self
    }

    fn kind(&self) -> &'static Kind {
        match (self.options.centered, self.options.momentum != 0.0) {
            (false, false) => &PLAIN,
            (false, true) => &MOMENTUM,
            (true, false) => &CENTERED,
            (true, true) => &BOTH,
        }
    }
}

impl Optimizer for RmsProp {
    fn step_targets(
        &mut self,
        tensors: &mut [Target<'_>],
        scaling: Option<Scaling<'_>>,
    ) -> Result<()> {
        let (options, kind, state) = (self.options, self.kind(), &mut self.state);
        let with = move |lr| RmsPropOptions { lr, ..options };
        let rates = move |lr| with(lr).rates();
        macro_rules! step {
            ($step:path) => {
                state.step(kind, tensors, scaling, rates, |slots, at, lr| {
                    $step(slots, &with(lr), at)
                })
            };
        }
        match (options.centered, options.momentum != 0.0) {
            (false, false) => step!(rmsprop::rmsprop_at),
            (false, true) => step!(rmsprop::rmsprop_momentum_at),
            (true, false) => step!(rmsprop::rmsprop_centered_at),
            (true, true) => step!(rmsprop::rmsprop_centered_momentum_at),
        }
    }

    remembered!();
}
