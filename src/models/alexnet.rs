//! AlexNet (Krizhevsky, Sutskever, Hinton 2012), the network of one column that the paper's two GPUs make: five
//! convolutions, of which the second, fourth and fifth see only the channels of their own GPU, and three fully connected
//! layers.

use crate::device::Device;
use crate::error::Result;
use crate::nn::{Conv2d, Dropout, Flatten, Linear, LocalResponseNorm, MaxPool2d, ReLU, Sequential};
use crate::ops::{Conv2dOptions, LrnOptions, Window};
use crate::random::Generator;

/// Whose constants local response normalisation has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LrnConstants {
    /// k = 2, n = 5, alpha = 1e-4, beta = 0.75. The paper does not divide alpha by n, as this crate does like ONNX,
    /// PyTorch and Caffe: there it is 5e-4.
    Paper,
    /// Caffe's `bvlc_alexnet`: k = 1, n = 5, alpha = 1e-4 (divided by n), beta = 0.75.
    Caffe,
    /// No normalisation, to see what it changes.
    None,
}

impl LrnConstants {
    fn options(self) -> Option<LrnOptions> {
        let (k, alpha) = match self {
            Self::Paper => (2.0, 5e-4),
            Self::Caffe => (1.0, 1e-4),
            Self::None => return None,
        };
        Some(LrnOptions {
            k,
            alpha,
            ..LrnOptions::new(5)
        })
    }
}

/// What may differ between AlexNets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AlexNetOptions {
    /// Channels of an image: 3 for colours.
    pub channels: usize,
    /// Classes: 1000 for ImageNet.
    pub classes: usize,
    /// The normalisation after the first two convolutions.
    pub lrn: LrnConstants,
    /// The probability that dropout drops an element.
    pub dropout: f64,
}

impl Default for AlexNetOptions {
    fn default() -> Self {
        Self {
            channels: 3,
            classes: 1000,
            lrn: LrnConstants::Paper,
            dropout: 0.5,
        }
    }
}

/// AlexNet for images (n, channels, 227, 227). It also takes the 224 x 224 of `bvlc_alexnet`'s ONNX file, where the last pooling has
/// windows that reach past the plane, as Caffe's do.
///
/// # Errors
/// No channels or classes, a probability outside 0..=1, or out of memory: it has 61 million parameters.
pub fn alexnet(
    options: &AlexNetOptions,
    generator: &mut Generator,
    device: &Device,
) -> Result<Sequential> {
    let padded = |side| Conv2dOptions::default().padding([side; 2]);
    let pool = Window::new([3; 2]).stride([2; 2]);
    let overlapping = || MaxPool2d::new(pool);
    let norm = |model: Sequential, name: &str| match options.lrn.options() {
        Some(constants) => model.push_named(name, LocalResponseNorm::new(constants)),
        None => model,
    };
    let mut conv = |inputs, outputs, side: usize, conv: Conv2dOptions| {
        Conv2d::new(inputs, outputs, [side; 2], conv, generator, device)
    };
    let stride = Conv2dOptions::default().stride([4; 2]);
    let model = Sequential::new()
        .push_named("conv1", conv(options.channels, 96, 11, stride)?)
        .push_named("relu1", ReLU::new());
    let model = norm(model, "norm1")
        .push_named("pool1", overlapping())
        .push_named("conv2", conv(96, 256, 5, padded(2).groups(2))?)
        .push_named("relu2", ReLU::new());
    let model = norm(model, "norm2")
        .push_named("pool2", overlapping())
        .push_named("conv3", conv(256, 384, 3, padded(1))?)
        .push_named("relu3", ReLU::new())
        .push_named("conv4", conv(384, 384, 3, padded(1).groups(2))?)
        .push_named("relu4", ReLU::new())
        .push_named("conv5", conv(384, 256, 3, padded(1).groups(2))?)
        .push_named("relu5", ReLU::new())
        .push_named("pool5", MaxPool2d::new(pool.ceil_mode(true)))
        .push_named("flatten", Flatten::new());
    let [seed6, seed7] = [(); 2].map(|()| generator.seed());
    Ok(model
        .push_named("fc6", Linear::new(256 * 6 * 6, 4096, generator, device)?)
        .push_named("relu6", ReLU::new())
        .push_named("drop6", Dropout::new(options.dropout, seed6)?)
        .push_named("fc7", Linear::new(4096, 4096, generator, device)?)
        .push_named("relu7", ReLU::new())
        .push_named("drop7", Dropout::new(options.dropout, seed7)?)
        .push_named(
            "fc8",
            Linear::new(4096, options.classes, generator, device)?,
        ))
}
