//! Layers without parameters whose backward takes their output.

use super::{Module, kept};
use crate::error::Result;
use crate::ops;
use crate::tensor::Tensor;

macro_rules! activation {
    ($(#[$doc:meta])* $name:ident, $forward:ident, $backward:path) => {
        $(#[$doc])*
        #[derive(Debug, Default)]
        pub struct $name {
            output: Option<Tensor<f32>>,
        }

        impl $name {
            /// The layer; it has no parameters.
            pub fn new() -> Self {
                Self::default()
            }
        }

        impl Module for $name {
            fn forward(&mut self, input: &Tensor<f32>) -> Result<Tensor<f32>> {
                let output = input.$forward()?;
                self.output = Some(output.clone());
                Ok(output)
            }

            fn backward(&mut self, grad: &Tensor<f32>) -> Result<Tensor<f32>> {
                $backward(grad, kept(stringify!($name), &self.output)?)
            }
        }
    };
}

activation! {
    /// `max(x, 0)` (`torch.nn.ReLU`).
    ReLU, relu, ops::relu_backward
}

activation! {
    /// `1 / (1 + exp(-x))` (`torch.nn.Sigmoid`).
    Sigmoid, sigmoid, ops::sigmoid_backward
}

activation! {
    /// `(exp(x) - exp(-x)) / (exp(x) + exp(-x))` (`torch.nn.Tanh`).
    Tanh, tanh, ops::tanh_backward
}

activation! {
    /// `exp(x) / sum exp(x)` over the last dimension (`torch.nn.Softmax(-1)`). A classifier that is trained ends without
    /// it: [`CrossEntropyLoss`](super::CrossEntropyLoss) takes the logits.
    Softmax, softmax, ops::softmax_backward
}

activation! {
    /// `x - log sum exp(x)` over the last dimension (`torch.nn.LogSoftmax(-1)`): the logarithm of [`Softmax`].
    LogSoftmax, log_softmax, ops::log_softmax_backward
}
