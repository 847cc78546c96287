//! How the losses of rows become one.

use crate::checks::{expect_shape, same_device};
use crate::device::Device;
use crate::error::{Error, Result};
use crate::tensor::Tensor;

/// What becomes of the losses of the rows (PyTorch's `reduction`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reduction {
    /// A loss for each row.
    None,
    /// Their sum over the sum of their labels' weights: without weights, their mean.
    #[default]
    Mean,
    /// Their sum.
    Sum,
}

/// The arguments of `torch.nn.functional.cross_entropy`, with its defaults.
#[derive(Clone, Copy, Debug)]
pub struct CrossEntropyOptions<'a> {
    /// The weight of each class (classes), `f32` whatever the logits are; all 1 where there are none.
    pub weight: Option<&'a Tensor<f32>>,
    /// Rows of this label count for nothing, whether or not it is a class.
    pub ignore_index: i32,
    /// What becomes of the losses.
    pub reduction: Reduction,
    /// The part of each label that is spread over all classes evenly, from 0 to 1.
    pub label_smoothing: f64,
}

impl Default for CrossEntropyOptions<'_> {
    fn default() -> Self {
        Self {
            weight: None,
            ignore_index: -100,
            reduction: Reduction::Mean,
            label_smoothing: 0.0,
        }
    }
}

impl CrossEntropyOptions<'_> {
    /// Errors unless the options fit so many classes on this device.
    pub(super) fn check(&self, op: &'static str, classes: usize, device: &Device) -> Result<()> {
        check_smoothing(op, self.label_smoothing)?;
        match self.weight {
            None => Ok(()),
            Some(weight) => {
                expect_shape(op, &[classes], weight.shape())?;
                same_device(op, &[device, weight.device()])
            }
        }
    }

    /// The shape of the loss of so many rows, without dimensions but for [`Reduction::None`].
    pub(super) fn shape(&self, rows: usize) -> Vec<usize> {
        match self.reduction {
            Reduction::None => vec![rows],
            Reduction::Mean | Reduction::Sum => Vec::new(),
        }
    }
}

pub(super) fn check_smoothing(op: &'static str, label_smoothing: f64) -> Result<()> {
    match (0.0..=1.0).contains(&label_smoothing) {
        true => Ok(()),
        false => Err(Error::argument(
            op,
            "a label_smoothing from 0 to 1",
            label_smoothing,
        )),
    }
}
