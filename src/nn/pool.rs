//! Pooling.

use super::{Layer, kept};
use crate::element::Float;
use crate::error::Result;
use crate::ops::{self, Window};
use crate::tensor::Tensor;

/// The largest value of each window (`torch.nn.MaxPool2d`).
#[derive(Debug)]
pub struct MaxPool2d {
    window: Window,
    /// Where the largest values stand, and the input's shape.
    kept: Option<(Tensor<i32>, Vec<usize>)>,
}

impl MaxPool2d {
    /// The layer; it has no parameters.
    pub fn new(window: Window) -> Self {
        Self { window, kept: None }
    }
}

impl Layer for MaxPool2d {
    fn forward<T: Float>(&mut self, input: &Tensor<T>) -> Result<Tensor<T>> {
        let (output, indices) = ops::max_pool2d_with_indices(input, &self.window)?;
        self.kept = Some((indices, input.shape().to_vec()));
        Ok(output)
    }

    fn backward<T: Float>(&mut self, grad: &Tensor<T>) -> Result<Tensor<T>> {
        let (indices, shape) = kept("MaxPool2d", &self.kept)?;
        ops::max_pool2d_backward(grad, indices, shape, &self.window)
    }
}

/// The mean of each window, padding counted in as zeros (`torch.nn.AvgPool2d`).
#[derive(Debug)]
pub struct AvgPool2d {
    window: Window,
    count_include_pad: bool,
    shape: Option<Vec<usize>>,
}

impl AvgPool2d {
    /// The layer; it has no parameters.
    pub fn new(window: Window) -> Self {
        Self {
            window,
            count_include_pad: true,
            shape: None,
        }
    }

    /// The same with padding counted or not.
    #[must_use]
    pub fn count_include_pad(self, count_include_pad: bool) -> Self {
        Self {
            count_include_pad,
            ..self
        }
    }
}

impl Layer for AvgPool2d {
    fn forward<T: Float>(&mut self, input: &Tensor<T>) -> Result<Tensor<T>> {
        let output = input.avg_pool2d(&self.window, self.count_include_pad)?;
        self.shape = Some(input.shape().to_vec());
        Ok(output)
    }

    fn backward<T: Float>(&mut self, grad: &Tensor<T>) -> Result<Tensor<T>> {
        let shape = kept("AvgPool2d", &self.shape)?;
        ops::avg_pool2d_backward(grad, shape, &self.window, self.count_include_pad)
    }
}

/// The means of so many windows as the output has, whatever the size of the input (`torch.nn.AdaptiveAvgPool2d`).
#[derive(Debug)]
pub struct AdaptiveAvgPool2d {
    output_size: [usize; 2],
    shape: Option<Vec<usize>>,
}

impl AdaptiveAvgPool2d {
    /// The layer, with the height and width of its output; it has no parameters.
    pub fn new(output_size: [usize; 2]) -> Self {
        Self {
            output_size,
            shape: None,
        }
    }
}

impl Layer for AdaptiveAvgPool2d {
    fn forward<T: Float>(&mut self, input: &Tensor<T>) -> Result<Tensor<T>> {
        let output = input.adaptive_avg_pool2d(self.output_size)?;
        self.shape = Some(input.shape().to_vec());
        Ok(output)
    }

    fn backward<T: Float>(&mut self, grad: &Tensor<T>) -> Result<Tensor<T>> {
        let shape = kept("AdaptiveAvgPool2d", &self.shape)?;
        ops::adaptive_avg_pool2d_backward(grad, shape)
    }
}
