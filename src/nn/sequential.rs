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
        self.layers
            .iter_mut()
            .rev()
            .try_fold(grad.clone(), |grad, layer| layer.backward(&grad))
    }

    fn parameters(&mut self) -> Vec<&mut Parameter> {
        self.layers
            .iter_mut()
            .flat_map(|layer| layer.parameters())
            .collect()
    }
}
