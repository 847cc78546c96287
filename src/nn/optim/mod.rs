//! Optimizers: each changes a model's parameters by their gradients, one fused launch per parameter.

mod adadelta;
mod adagrad;
mod adam;
mod adamw;
mod rmsprop;
mod sgd;

pub use adadelta::Adadelta;
pub use adagrad::Adagrad;
pub use adam::Adam;
pub use adamw::AdamW;
pub use rmsprop::RmsProp;
pub use sgd::Sgd;

use super::{Module, Parameter};
use crate::error::{Error, Result};
use crate::tensor::Tensor;

/// What changes a model's parameters by their gradients (`torch.optim.Optimizer`).
pub trait Optimizer: Send {
    /// Changes every parameter by its gradient.
    ///
    /// # Errors
    /// Options out of range, or a model other than that of the first step.
    fn step(&mut self, model: &mut dyn Module) -> Result<()>;
}

/// What an optimizer remembers of each parameter, made on the first step; `N` tensors of the parameter's shape.
#[derive(Debug)]
struct State<const N: usize>(Vec<[Tensor<f32>; N]>);

impl<const N: usize> Default for State<N> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<const N: usize> State<N> {
    /// The state beside each parameter, or an error where the model is not the one of the first step.
    fn of(
        &mut self,
        optimizer: &'static str,
        parameters: &[&mut Parameter],
    ) -> Result<&mut [[Tensor<f32>; N]]> {
        if self.0.is_empty() {
            let zeros = |p: &&mut Parameter| {
                let zero = Tensor::zeros(p.value.shape(), p.value.device())?;
                Ok(std::array::from_fn(|_| zero.clone()))
            };
            self.0 = parameters.iter().map(zeros).collect::<Result<_>>()?;
        }
        let same = |(state, p): (&[Tensor<f32>; N], &&mut Parameter)| {
            state.iter().all(|s| s.shape() == p.value.shape())
        };
        if self.0.len() != parameters.len() || !self.0.iter().zip(parameters).all(same) {
            let got = format!("{} parameters, or of other shapes", parameters.len());
            return Err(Error::argument(
                optimizer,
                format!("the model of the first step, {} parameters", self.0.len()),
                got,
            ));
        }
        Ok(&mut self.0)
    }
}
