//! LeNet-5 (LeCun, Bottou, Bengio, Haffner 1998): two convolutions, each followed by average pooling, and three fully
//! connected layers.

use crate::device::Device;
use crate::error::Result;
use crate::nn::{AvgPool2d, Conv2d, Flatten, Linear, ReLU, Sequential, Sigmoid, Tanh};
use crate::ops::{Conv2dOptions, Window};
use crate::random::Generator;

/// What stands between LeNet's layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeNetActivation {
    /// `max(x, 0)`, which learns fastest.
    ReLU,
    /// `1 / (1 + exp(-x))`, what textbooks show.
    Sigmoid,
    /// `tanh(x)`, closest to the paper's.
    Tanh,
}

impl LeNetActivation {
    fn push(self, model: Sequential, name: &str) -> Sequential {
        match self {
            Self::ReLU => model.push_named(name, ReLU::new()),
            Self::Sigmoid => model.push_named(name, Sigmoid::new()),
            Self::Tanh => model.push_named(name, Tanh::new()),
        }
    }
}

/// LeNet-5 for images (n, 1, 28, 28), padded by 2 to the paper's 32 by 32, and so many classes.
///
/// It follows today's reading of the paper: conv2 sees all six channels, pooling is a plain mean, and the last layer is
/// a linear one that [`CrossEntropyLoss`](crate::nn::CrossEntropyLoss) takes.
///
/// # Errors
/// No classes, or out of memory.
pub fn lenet5(
    classes: usize,
    activation: LeNetActivation,
    generator: &mut Generator,
    device: &Device,
) -> Result<Sequential> {
    let padded = Conv2dOptions::default().padding([2; 2]);
    let plain = Conv2dOptions::default();
    let halves = Window::new([2; 2]);
    let model = Sequential::new().push_named(
        "conv1",
        Conv2d::new(1, 6, [5; 2], padded, generator, device)?,
    );
    let model = activation.push(model, "act1");
    let model = model
        .push_named("pool1", AvgPool2d::new(halves))
        .push_named(
            "conv2",
            Conv2d::new(6, 16, [5; 2], plain, generator, device)?,
        );
    let model = activation.push(model, "act2");
    let model = model
        .push_named("pool2", AvgPool2d::new(halves))
        .push_named("flatten", Flatten::new())
        .push_named("fc3", Linear::new(16 * 5 * 5, 120, generator, device)?);
    let model = activation.push(model, "act3");
    let model = model.push_named("fc4", Linear::new(120, 84, generator, device)?);
    let model = activation.push(model, "act4");
    Ok(model.push_named("fc5", Linear::new(84, classes, generator, device)?))
}
