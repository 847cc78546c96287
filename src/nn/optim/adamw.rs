//! AdamW.

use super::state::Named;
use super::{Adam, Optimizer, OptimizerState, Scaling, Target};
use crate::error::Result;

/// [`Adam`] with weight decay that passes its moments by (`torch.optim.AdamW`).
#[derive(Debug)]
pub struct AdamW(Adam);

impl AdamW {
    /// AdamW with betas 0.9 and 0.999, eps 1e-8 and weight decay 0.01.
    pub fn new(lr: f64) -> Self {
        Self(Adam::decoupled(lr).weight_decay(1e-2))
    }

    /// How much of the first and second moment each step keeps.
    #[must_use]
    pub fn betas(self, beta1: f64, beta2: f64) -> Self {
        Self(self.0.betas(beta1, beta2))
    }

    /// What is added to the root of the second moment.
    #[must_use]
    pub fn eps(self, eps: f64) -> Self {
        Self(self.0.eps(eps))
    }

    /// The share of lr that each parameter loses at every step.
    #[must_use]
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        Self(self.0.weight_decay(weight_decay))
    }

    /// Scales steps by the largest second moment so far (AMSGrad).
    #[must_use]
    pub fn amsgrad(self) -> Self {
        Self(self.0.amsgrad())
    }
}

impl Default for AdamW {
    fn default() -> Self {
        Self::new(1e-3)
    }
}

impl Optimizer for AdamW {
    fn step_targets(
        &mut self,
        tensors: &mut [Target<'_>],
        scaling: Option<Scaling<'_>>,
    ) -> Result<()> {
        self.0.step_targets(tensors, scaling)
    }

    fn lr(&self) -> f64 {
        self.0.lr()
    }

    fn set_lr(&mut self, lr: f64) {
        self.0.set_lr(lr);
    }

    fn steps(&self) -> Result<u64> {
        self.0.steps()
    }

    fn state_dict_of(&self, tensors: &[Named<'_>]) -> Result<OptimizerState> {
        self.0.state_dict_of(tensors)
    }

    fn load_state_dict_of(&mut self, tensors: &[Named<'_>], state: &OptimizerState) -> Result<()> {
        self.0.load_state_dict_of(tensors, state)
    }
}
