//! Images as rows.

use super::{Module, kept};
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

impl Module for Flatten {
    fn forward(&mut self, input: &Tensor<f32>) -> Result<Tensor<f32>> {
        let output = input.flatten(1, -1)?;
        self.shape = Some(input.shape().to_vec());
        Ok(output)
    }

    fn backward(&mut self, grad: &Tensor<f32>) -> Result<Tensor<f32>> {
        grad.reshape(kept("Flatten", &self.shape)?)
    }
}
