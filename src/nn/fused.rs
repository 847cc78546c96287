//! The activation that a layer has taken over from the one behind it.

use super::precision::AnyTensor;
use super::{Parameter, kept_as};
use crate::element::Float;
use crate::error::Result;
use crate::ops::Activation;
use crate::tensor::Tensor;

/// Which activation the layer's own kernels apply, and their output, which is what its backward takes.
#[derive(Debug, Default)]
pub(super) struct Fused {
    activation: Activation,
    output: Option<AnyTensor>,
}

impl Fused {
    pub(super) fn activation(&self) -> Activation {
        self.activation
    }

    /// [`Layer::fuse_activation`](super::Layer::fuse_activation).
    pub(super) fn set(&mut self, activation: Activation) -> bool {
        let free = self.activation == Activation::None;
        let can = free || activation == Activation::None;
        if can {
            let output = None;
            *self = Self { activation, output };
        }
        can
    }

    /// Keeps what a forward answers.
    pub(super) fn keep<T: Float>(&mut self, output: &Tensor<T>) -> Result<()> {
        self.output = match self.activation {
            Activation::None => None,
            _ => Some(AnyTensor::of(output)?),
        };
        Ok(())
    }

    /// The output of the last forward, where there is an activation.
    pub(super) fn output<T: Float>(&self, layer: &'static str) -> Result<Option<&Tensor<T>>> {
        match self.activation {
            Activation::None => Ok(None),
            _ => kept_as(layer, &self.output).map(Some),
        }
    }

    /// Where there is an activation, the gradient of what is before it; `summed` makes that together with the gradient of a
    /// bias.
    pub(super) fn backward<T: Float>(
        &self,
        layer: &'static str,
        grad: &Tensor<T>,
        bias: &mut Parameter,
        summed: Summed<T>,
    ) -> Result<Option<Tensor<T>>> {
        let activation = self.activation;
        let Some(output) = self.output(layer)? else {
            return Ok(None);
        };
        let mut before = Tensor::empty(output.shape(), grad.device())?;
        bias.write_grad(|db| summed(grad, output, activation, &mut before, db))?;
        Ok(Some(before))
    }
}

/// [`column_sum_activated_out`](crate::ops::column_sum_activated_out).
type Summed<T> =
    fn(&Tensor<T>, &Tensor<T>, Activation, &mut Tensor<T>, &mut Tensor<T>) -> Result<()>;
