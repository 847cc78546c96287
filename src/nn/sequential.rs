//! Layers one after the other.

use super::{Module, Parameter};
use crate::error::Result;
use crate::tensor::Tensor;

/// Layers run in order, and backward in reverse order (`torch.nn.Sequential`).
#[derive(Default)]
pub struct Sequential {
    layers: Vec<Box<dyn Module>>,
}

impl Sequential {
    /// No layers yet: the identity.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with one more layer at the end.
    #[must_use]
    pub fn push(mut self, layer: impl Module + 'static) -> Self {
        self.layers.push(Box::new(layer));
        self
    }
}

impl Module for Sequential {
    fn forward(&mut self, input: &Tensor<f32>) -> Result<Tensor<f32>> {
        self.layers
            .iter_mut()
            .try_fold(input.clone(), |x, layer| layer.forward(&x))
    }

    fn backward(&mut self, grad: &Tensor<f32>) -> Result<Tensor<f32>> {
        backward(&mut self.layers, grad)
    }

    fn backward_parameters(&mut self, grad: &Tensor<f32>) -> Result<()> {
        match self.layers.split_first_mut() {
            Some((first, rest)) => first.backward_parameters(&backward(rest, grad)?),
            None => Ok(()),
        }
    }

    fn parameters(&mut self) -> Vec<&mut Parameter> {
        self.layers
            .iter_mut()
            .flat_map(|layer| layer.parameters())
            .collect()
    }
}

fn backward(layers: &mut [Box<dyn Module>], grad: &Tensor<f32>) -> Result<Tensor<f32>> {
    layers
        .iter_mut()
        .rev()
        .try_fold(grad.clone(), |grad, layer| layer.backward(&grad))
}
