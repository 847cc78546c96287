//! Layers without parameters whose backward takes their output.

use super::precision::AnyTensor;
use super::{Layer, kept_as};
use crate::element::Float;
use crate::error::Result;
use crate::ops::{self, Activation};
use crate::tensor::Tensor;

macro_rules! activation {
    ($(#[$doc:meta])* $name:ident, $forward:ident, $backward:path, $activation:ident) => {
        $(#[$doc])*
        #[derive(Debug, Default)]
        pub struct $name {
            output: Option<AnyTensor>,
        }

        impl $name {
            /// The layer; it has no parameters.
            pub fn new() -> Self {
                Self::default()
            }
        }

        impl Layer for $name {
            fn forward<T: Float>(&mut self, input: &Tensor<T>) -> Result<Tensor<T>> {
                let output = input.$forward()?;
                self.output = Some(AnyTensor::of(&output)?);
                Ok(output)
            }

            fn backward<T: Float>(&mut self, grad: &Tensor<T>) -> Result<Tensor<T>> {
                $backward(grad, kept_as(stringify!($name), &self.output)?)
            }

            fn activation(&self) -> Activation {
                Activation::$activation
            }
        }
    };
}

activation! {
    /// `max(x, 0)` (`torch.nn.ReLU`).
    ReLU, relu, ops::relu_backward, Relu
}

activation! {
    /// `1 / (1 + exp(-x))` (`torch.nn.Sigmoid`).
    Sigmoid, sigmoid, ops::sigmoid_backward, Sigmoid
}

activation! {
    /// `(exp(x) - exp(-x)) / (exp(x) + exp(-x))` (`torch.nn.Tanh`).
    Tanh, tanh, ops::tanh_backward, Tanh
}

activation! {
    /// `exp(x) / sum exp(x)` over the last dimension (`torch.nn.Softmax(-1)`). A classifier that is trained ends without
    /// it: [`CrossEntropyLoss`](super::CrossEntropyLoss) takes the logits.
    Softmax, softmax, ops::softmax_backward, None
}

activation! {
    /// `x - log sum exp(x)` over the last dimension (`torch.nn.LogSoftmax(-1)`): the logarithm of [`Softmax`].
    LogSoftmax, log_softmax, ops::log_softmax_backward, None
}
