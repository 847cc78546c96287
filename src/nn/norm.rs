//! Normalisation.

use super::{Module, kept};
use crate::error::Result;
use crate::ops::{self, LrnOptions};
use crate::tensor::Tensor;

/// `x / (k + alpha / size * sum x^2)^beta` over a window of channels (`torch.nn.LocalResponseNorm`; for even sizes see
/// [`crate::ops::lrn`]).
#[derive(Debug)]
pub struct LocalResponseNorm {
    options: LrnOptions,
    input: Option<Tensor<f32>>,
}

impl LocalResponseNorm {
    /// The layer; it has no parameters.
    pub fn new(options: LrnOptions) -> Self {
        Self {
            options,
            input: None,
        }
    }
}

impl Module for LocalResponseNorm {
    fn forward(&mut self, input: &Tensor<f32>) -> Result<Tensor<f32>> {
        let LrnOptions {
            size,
            alpha,
            beta,
            k,
        } = self.options;
        let output = input.local_response_norm(size, alpha, beta, k)?;
        self.input = Some(input.clone());
        Ok(output)
    }

    fn backward(&mut self, grad: &Tensor<f32>) -> Result<Tensor<f32>> {
        let input = kept("LocalResponseNorm", &self.input)?;
        ops::local_response_norm_backward(grad, input, &self.options)
    }
}
