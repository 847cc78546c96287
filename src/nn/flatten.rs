//! Images as rows.

use super::{Layer, kept};
use crate::element::Float;
use crate::error::Result;
use crate::tensor::Tensor;

/// (N, ...) as (N, everything else) (`torch.nn.Flatten`): what stands between convolutions and linear layers.
#[derive(Debug, Default)]
pub struct Flatten {
    shape: Option<Vec<usize>>,
}

impl Flatten {
    /// The layer; it has no parameters.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Layer for Flatten {
    fn forward<T: Float>(&mut self, input: &Tensor<T>) -> Result<Tensor<T>> {
        let output = input.flatten(1, -1)?;
        self.shape = Some(input.shape().to_vec());
        Ok(output)
    }

    fn backward<T: Float>(&mut self, grad: &Tensor<T>) -> Result<Tensor<T>> {
        grad.reshape(kept("Flatten", &self.shape)?)
    }
}
