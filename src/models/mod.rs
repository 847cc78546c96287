//! Networks of the literature, built of [`nn`](crate::nn)'s layers. Parameters have the names that PyTorch users give
//! them, `conv1.weight` to `fc8.bias`; weights come from and go to safetensors files.
#![forbid(unsafe_code)]

mod alexnet;
mod lenet;
mod resnet;

pub use alexnet::{AlexNetOptions, LrnConstants, alexnet};
pub use lenet::{LeNetActivation, lenet5};
pub use resnet::resnet18;
