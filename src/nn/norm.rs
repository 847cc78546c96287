//! Normalisation.

use super::precision::AnyTensor;
use super::{Layer, kept_as};
use crate::element::Float;
use crate::error::Result;
use crate::ops::{self, LrnOptions};
use crate::tensor::Tensor;

/// `x / (k + alpha / size * sum x^2)^beta` over a window of channels (`torch.nn.LocalResponseNorm`; for even sizes see
/// [`crate::ops::lrn`]).
#[derive(Debug)]
pub struct LocalResponseNorm {
    options: LrnOptions,
    input: Option<AnyTensor>,
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

impl Layer for LocalResponseNorm {
    fn forward<T: Float>(&mut self, input: &Tensor<T>) -> Result<Tensor<T>> {
        let LrnOptions {
            size,
            alpha,
            beta,
            k,
        } = self.options;
        let output = input.local_response_norm(size, alpha, beta, k)?;
        self.input = Some(AnyTensor::of(input)?);
        Ok(output)
    }

    fn backward<T: Float>(&mut self, grad: &Tensor<T>) -> Result<Tensor<T>> {
        let input = kept_as("LocalResponseNorm", &self.input)?;
        ops::local_response_norm_backward(grad, input, &self.options)
    }
}
