//! Dropout.

use super::{Module, kept};
use crate::error::Result;
use crate::ops::{self, DropoutOptions};
use crate::tensor::Tensor;

/// In training, each element is zero with probability p, and the others are divided by 1 - p; in evaluation, what comes
/// goes (`torch.nn.Dropout`).
///
/// Every forward in training takes the next mask of the layer's seed, the same on every device.
#[derive(Debug)]
pub struct Dropout {
    options: DropoutOptions,
    training: bool,
    /// What the last forward did: the mask's options, or nothing.
    last: Option<Option<DropoutOptions>>,
}

impl Dropout {
    /// The layer; it has no parameters. Layers of one network want seeds of their own.
    ///
    /// # Errors
    /// A p outside 0..=1.
    pub fn new(p: f32, seed: u64) -> Result<Self> {
        let options = DropoutOptions { p, seed, call: 0 };
        options.check("Dropout")?;
        Ok(Self {
            options,
            training: true,
            last: None,
        })
    }
}

impl Module for Dropout {
    fn forward(&mut self, input: &Tensor<f32>) -> Result<Tensor<f32>> {
        if !self.training {
            self.last = Some(None);
            return Ok(input.clone());
        }
        let output = input.dropout(&self.options)?;
        self.last = Some(Some(self.options));
        self.options.call = self.options.call.wrapping_add(1);
        Ok(output)
    }

    fn backward(&mut self, grad: &Tensor<f32>) -> Result<Tensor<f32>> {
        match kept("Dropout", &self.last)? {
            Some(options) => ops::dropout_backward(grad, options),
            None => Ok(grad.clone()),
        }
    }

    fn train(&mut self, training: bool) {
        self.training = training;
    }
}
