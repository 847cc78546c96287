//! Optimizers: each changes a model's parameters by their gradients, on CUDA with one launch for all of them.

mod adadelta;
mod adagrad;
mod adam;
mod adamw;
mod rmsprop;
mod sgd;
mod state;

pub use adadelta::Adadelta;
pub use adagrad::Adagrad;
pub use adam::Adam;
pub use adamw::AdamW;
pub use rmsprop::RmsProp;
pub use sgd::Sgd;

use std::collections::BTreeMap;

use super::Module;
use crate::error::Result;
use crate::tensor::Tensor;
use state::{Kind, State};

/// What changes a model's parameters by their gradients (`torch.optim.Optimizer`).
pub trait Optimizer: Send {
    /// Changes every parameter by its gradient.
    ///
    /// # Errors
    /// Options out of range, or a model other than that of the first step.
    fn step(&mut self, model: &mut dyn Module) -> Result<()>;

    /// How many steps it has made.
    fn steps(&self) -> u64;

    /// What it remembers of the model's parameters; nothing is copied until one side changes.
    ///
    /// # Errors
    /// A model other than that of the first step, or two parameters of one key.
    fn state_dict(&self, model: &mut dyn Module) -> Result<OptimizerState>;

    /// Goes on from a state that an optimizer of this kind had for such a model. On an error it is as it was.
    ///
    /// # Errors
    /// A key that only one side has, or another shape.
    fn load_state_dict(&mut self, model: &mut dyn Module, state: &OptimizerState) -> Result<()>;
}

/// What an optimizer remembers between steps, but for its options (what PyTorch has under `"state"`).
#[derive(Clone, Debug, Default)]
pub struct OptimizerState {
    /// Steps made.
    pub step: u64,
    /// Tensors of the parameters' shapes by `<parameter>.<state>`, such as `fc.weight.exp_avg`, with PyTorch's names for
    /// states. None before the first step.
    pub tensors: BTreeMap<String, Tensor<f32>>,
}
