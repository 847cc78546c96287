//! Optimizers: each changes a model's parameters by their gradients, on CUDA with one launch for all of them; and how
//! their learning rates change with time ([`LrScheduler`]).

mod adadelta;
mod adagrad;
mod adam;
mod adamw;
mod lr_scheduler;
mod rmsprop;
mod sgd;
mod state;

pub use adadelta::Adadelta;
pub use adagrad::Adagrad;
pub use adam::Adam;
pub use adamw::AdamW;
pub use lr_scheduler::{
    CosineAnnealingLr, LinearLr, LrSchedule, LrScheduler, SequentialLr, StepLr,
};
pub use rmsprop::RmsProp;
pub use sgd::Sgd;

use std::collections::BTreeMap;

pub use super::parameter::Target;
pub use crate::ops::Scaling;

use super::Module;
use crate::error::{Error, Result};
use crate::tensor::Tensor;

/// What changes parameters by their gradients (`torch.optim.Optimizer`): those of a model, or plain tensors.
///
/// ```
/// use warpsmith::nn::optim::{Optimizer, Sgd};
/// use warpsmith::{Device, Tensor};
///
/// let mut w = Tensor::full(&[2], 1.0_f32, &Device::Cpu)?;
/// let mut sgd = Sgd::new(0.5);
/// // the slope of the sum of squares
/// let grad = w.mul(2.0)?;
/// sgd.step_tensors(&mut [(&mut w, &grad)])?;
/// assert_eq!(w.to_vec()?, [0.0; 2]);
/// # Ok::<(), warpsmith::Error>(())
/// ```
pub trait Optimizer: Send {
    /// Changes every parameter of a model by its gradient.
    ///
    /// # Errors
    /// Options out of range, a model other than that of the first step, or one whose gradients are a rank's share of them.
    fn step(&mut self, model: &mut dyn Module) -> Result<()> {
        self.step_scaled(model, None)
    }

    /// [`Optimizer::step`] with gradients of a scaled loss, which [`GradScaler::step`](super::GradScaler::step) calls: where
    /// one of them is not finite nothing changes, and no step is counted.
    ///
    /// # Errors
    /// Those of [`Optimizer::step`], or a scale on another device.
    fn step_scaled(&mut self, model: &mut dyn Module, scaling: Option<Scaling<'_>>) -> Result<()> {
        if model.grad_shares().is_some() {
            let expected = "a ZeroRedundancyOptimizer where each rank has a share of the gradients";
            return Err(Error::argument("step", expected, "another optimizer"));
        }
        let mut parameters = model.parameters();
        let mut targets: Vec<_> = parameters.iter_mut().map(|p| p.target()).collect();
        let copied: Vec<_> = targets.iter().map(|target| target.copy.is_some()).collect();
        self.step_targets(&mut targets, scaling)?;
        for (parameter, copied) in parameters.into_iter().zip(copied) {
            if copied {
                parameter.copy_is_of_now();
            }
        }
        Ok(())
    }

    /// Changes every tensor by its gradient; at every step the same tensors in the same order.
    ///
    /// # Errors
    /// Options out of range, gradients of other shapes, or tensors other than those of the first step.
    fn step_tensors<'a>(
        &mut self,
        tensors: &mut [(&'a mut Tensor<f32>, &'a Tensor<f32>)],
    ) -> Result<()> {
        let mut targets = Vec::with_capacity(tensors.len());
        for (param, grad) in tensors {
            let copy = None;
            targets.push(Target { param, grad, copy });
        }
        self.step_targets(&mut targets, None)
    }

    /// [`Optimizer::step_tensors`] for tensors of which some have copies in halves, to be written in the same pass, and
    /// for gradients of a scaled loss.
    ///
    /// # Errors
    /// Those of [`Optimizer::step_tensors`], copies of other shapes, or a scale on another device.
    fn step_targets(
        &mut self,
        targets: &mut [Target<'_>],
        scaling: Option<Scaling<'_>>,
    ) -> Result<()>;

    /// The learning rate.
    fn lr(&self) -> f64;

    /// Makes the next steps with another learning rate, those of captured graphs too. One out of range is an error of the
    /// next step.
    fn set_lr(&mut self, lr: f64);

    /// How many steps it has made, those of replays included. After a step with a scale on CUDA it is the device that knows, and
    /// the host waits for it.
    ///
    /// # Errors
    /// While a graph is captured, or whatever the device answers.
    fn steps(&self) -> Result<u64>;

    /// What it remembers of the model's parameters; nothing is copied until one side changes.
    ///
    /// # Errors
    /// A model other than that of the first step, or two parameters of one key.
    fn state_dict(&self, model: &mut dyn Module) -> Result<OptimizerState> {
        with_keys(model, |named| self.state_dict_of(named))
    }

    /// Goes on from a state that an optimizer of this kind had for such a model. On an error it is as it was.
    ///
    /// # Errors
    /// A key that only one side has, or another shape.
    fn load_state_dict(&mut self, model: &mut dyn Module, state: &OptimizerState) -> Result<()> {
        with_keys(model, |named| self.load_state_dict_of(named, state))
    }

    /// [`Optimizer::state_dict`] for plain tensors, in the order of the steps, under keys of the caller's.
    ///
    /// # Errors
    /// Tensors other than those of the first step, or two of one key.
    fn state_dict_of<'a>(&self, tensors: &[(&'a str, &'a Tensor<f32>)]) -> Result<OptimizerState>;

    /// [`Optimizer::load_state_dict`] for plain tensors, in the order of the steps.
    ///
    /// # Errors
    /// A key that only one side has, or another shape.
    fn load_state_dict_of<'a>(
        &mut self,
        tensors: &[(&'a str, &'a Tensor<f32>)],
        state: &OptimizerState,
    ) -> Result<()>;
}

/// A model's parameters by their keys.
fn with_keys<R>(model: &mut dyn Module, f: impl FnOnce(&[(&str, &Tensor<f32>)]) -> R) -> R {
    let named = model.named_parameters();
    let named: Vec<_> = named.iter().map(|(k, p)| (k.as_str(), &p.value)).collect();
    f(&named)
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

/// The methods of an [`Optimizer`] whose `state` and `kind()` say everything.
macro_rules! remembered {
    () => {
        fn lr(&self) -> f64 {
            self.state.lr()
        }

        fn set_lr(&mut self, lr: f64) {
            self.state.set_lr(lr);
        }

        fn steps(&self) -> Result<u64> {
            self.state.steps()
        }

        fn state_dict_of(
            &self,
            tensors: &[$crate::nn::optim::state::Named<'_>],
        ) -> Result<OptimizerState> {
            self.state.state_dict(self.kind(), tensors)
        }

        fn load_state_dict_of(
            &mut self,
            tensors: &[$crate::nn::optim::state::Named<'_>],
            state: &OptimizerState,
        ) -> Result<()> {
            let kind = self.kind();
            self.state.load_state_dict(kind, tensors, state)
        }
    };
}
use remembered;
