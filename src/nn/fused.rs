//! The activation that a layer has taken over from the one behind it.

use super::precision::AnyTensor;
use super::{Parameter, kept_as};
use crate::element::Float;
use crate::error::Result;
use crate::ops::{Activation, activation_backward};
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

    /// Where there is an activation, the gradient of what is before it; `summed` makes that together with the gradient of a
    /// bias.
    pub(super) fn backward<T: Float>(
        &self,
        layer: &'static str,
        grad: &Tensor<T>,
        bias: Option<&mut Parameter>,
        summed: Summed<T>,
    ) -> Result<Option<Tensor<T>>> {
        let activation = self.activation;
        if activation == Activation::None {
            return Ok(None);
        }
        let output = kept_as(layer, &self.output)?;
        let Some(bias) = bias else {
            return activation_backward(grad, output, activation).map(Some);
        };
        let mut before = Tensor::empty(output.shape(), grad.device())?;
        bias.write_grad(|db| summed(grad, output, activation, &mut before, db))?;
        Ok(Some(before))
    }
}

/// [`column_sum_activated_out`](crate::ops::column_sum_activated_out) and its like.
type Summed<T> =
    fn(&Tensor<T>, &Tensor<T>, Activation, &mut Tensor<T>, &mut Tensor<T>) -> Result<()>;
