//! The loss of a classifier.

use super::kept;
use crate::error::{Error, Result};
use crate::ops;
use crate::tensor::Tensor;

/// Softmax and cross-entropy in one, averaged over the rows (`torch.nn.CrossEntropyLoss`).
#[derive(Debug, Default)]
pub struct CrossEntropyLoss {
    logits: Option<Tensor<f32>>,
    labels: Option<Tensor<i32>>,
}

impl CrossEntropyLoss {
    /// The loss; it has no parameters.
    pub fn new() -> Self {
        Self::default()
    }

    /// The mean loss, a tensor of one element, of logits (n, classes) for labels (n) in 0..classes.
    ///
    /// # Errors
    /// Shapes that do not fit, a label outside the classes.
    pub fn forward(&mut self, logits: &Tensor<f32>, labels: &Tensor<i32>) -> Result<Tensor<f32>> {
        let loss = ops::cross_entropy(logits, labels)?;
        (self.logits, self.labels) = (Some(logits.clone()), Some(labels.clone()));
        Ok(loss)
    }

    /// The gradient of the logits.
    ///
    /// # Errors
    /// Where `forward` has not run.
    pub fn backward(&self) -> Result<Tensor<f32>> {
        let logits = kept("CrossEntropyLoss", &self.logits)?;
        let none = || {
            Error::argument(
                "CrossEntropyLoss",
                "forward before backward",
                "no forward yet",
            )
        };
        ops::cross_entropy_backward(logits, self.labels.as_ref().ok_or_else(none)?)
    }
}
