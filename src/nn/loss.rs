//! The loss of a classifier.

use super::kept;
use crate::device::Device;
use crate::error::{Error, Result};
use crate::ops::cross_entropy::{self, CrossEntropyOptions, Reduction};
use crate::tensor::Tensor;

const LOSS: &str = "CrossEntropyLoss";

/// Softmax and cross-entropy in one, averaged over the rows unless told otherwise (`torch.nn.CrossEntropyLoss`).
#[derive(Debug)]
pub struct CrossEntropyLoss {
    weight: Option<Tensor<f32>>,
    ignore_index: i32,
    reduction: Reduction,
    label_smoothing: f64,
    last: Option<Kept>,
}

/// What backward needs of the last forward.
#[derive(Debug)]
struct Kept {
    logits: Tensor<f32>,
    labels: Tensor<i32>,
    /// The sum of the labels' weights.
    total: Tensor<f32>,
}

impl Default for CrossEntropyLoss {
    fn default() -> Self {
        let options = CrossEntropyOptions::default();
        Self {
            weight: None,
            ignore_index: options.ignore_index,
            reduction: options.reduction,
            label_smoothing: options.label_smoothing,
            last: None,
        }
    }
}

impl CrossEntropyLoss {
    /// The loss; it has no parameters.
    pub fn new() -> Self {
        Self::default()
    }

    /// Weighs the classes (classes), on the logits' device; the mean is then over the labels' weights.
    #[must_use]
    pub fn weight(mut self, weight: Tensor<f32>) -> Self {
        self.weight = Some(weight);
        self
    }

    /// Leaves rows of this label out; without this, those of -100.
    #[must_use]
    pub fn ignore_index(mut self, ignore_index: i32) -> Self {
        self.ignore_index = ignore_index;
        self
    }

    /// What becomes of the rows' losses.
    #[must_use]
    pub fn reduction(mut self, reduction: Reduction) -> Self {
        self.reduction = reduction;
        self
    }

    /// Spreads this part of each label over all classes evenly.
    #[must_use]
    pub fn label_smoothing(mut self, label_smoothing: f64) -> Self {
        self.label_smoothing = label_smoothing;
        self
    }

    fn options(&self) -> CrossEntropyOptions<'_> {
        CrossEntropyOptions {
            weight: self.weight.as_ref(),
            ignore_index: self.ignore_index,
            reduction: self.reduction,
            label_smoothing: self.label_smoothing,
        }
    }

    /// The loss of logits (n, classes) for labels (n) in 0..classes or ignored: a tensor of one element, but for
    /// [`Reduction::None`] of shape (n).
    ///
    /// # Errors
    /// Shapes or weights that do not fit, a smoothing outside 0..=1, a label outside the classes.
    pub fn forward(&mut self, logits: &Tensor<f32>, labels: &Tensor<i32>) -> Result<Tensor<f32>> {
        let shape = match self.reduction {
            Reduction::None => labels.shape(),
            Reduction::Mean | Reduction::Sum => &[],
        };
        let mut loss = Tensor::empty(shape, logits.device())?;
        let mut total = Tensor::empty(&[], logits.device())?;
        let options = self.options();
        cross_entropy::forward(logits, labels, &options, &mut loss, Some(&mut total))?;
        self.last = Some(Kept {
            logits: logits.clone(),
            labels: labels.clone(),
            total,
        });
        Ok(loss)
    }

    /// The gradient of the logits.
    ///
    /// # Errors
    /// Where `forward` has not run, or with [`Reduction::None`], whose losses are more than one.
    pub fn backward(&self) -> Result<Tensor<f32>> {
        match self.reduction {
            Reduction::Mean | Reduction::Sum => self.gradient(None),
            Reduction::None => {
                let expected = "backward_from, as there is a loss for each row";
                Err(Error::argument(LOSS, expected, "backward"))
            }
        }
    }

    /// [`CrossEntropyLoss::backward`] from the gradient of the loss, of its shape.
    ///
    /// # Errors
    /// Where `forward` has not run, or for another shape or device.
    pub fn backward_from(&self, grad: &Tensor<f32>) -> Result<Tensor<f32>> {
        self.gradient(Some(grad))
    }

    /// [`CrossEntropyLoss::backward`] of the loss times what `scale` makes on its device.
    pub(super) fn backward_scaled<'a>(
        &self,
        scale: impl FnOnce(&Device) -> Result<&'a Tensor<f32>>,
    ) -> Result<Tensor<f32>> {
        if self.reduction == Reduction::None {
            return self.backward();
        }
        let device = kept(LOSS, &self.last)?.logits.device();
        self.gradient(Some(scale(device)?))
    }

    fn gradient(&self, grad: Option<&Tensor<f32>>) -> Result<Tensor<f32>> {
        let Kept {
            logits,
            labels,
            total,
        } = kept(LOSS, &self.last)?;
        let mut out = Tensor::empty(logits.shape(), logits.device())?;
        let total = (self.reduction == Reduction::Mean).then_some(total);
        cross_entropy::backward(grad, logits, labels, &self.options(), total, &mut out)?;
        Ok(out)
    }
}
