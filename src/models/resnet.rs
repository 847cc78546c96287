//! ResNet-18 (He, Zhang, Ren, Sun 2015), as torchvision has it: a wide convolution, eight blocks of two convolutions with a way
//! around each, and one linear layer.

use crate::device::Device;
use crate::error::Result;
use crate::nn::{
    AdaptiveAvgPool2d, BatchNorm2d, Conv2d, Flatten, Linear, MaxPool2d, ReLU, Residual, Sequential,
};
use crate::ops::{Conv2dOptions, Window};
use crate::random::Generator;

/// Channels of the four stages; from the second on each also halves the sides.
const STAGES: [usize; 4] = [64, 128, 256, 512];

/// ResNet-18 for images (n, 3, h, w), 224 x 224 as published and any from 1 x 1 on, and so many classes.
///
/// Keys are torchvision's, `conv1.weight`, `bn1.running_mean`, `layer2.0.downsample.0.weight` and so on to `fc.bias`, and so are
/// the first weights. Convolutions have no bias, since normalisation follows each.
///
/// # Errors
/// No classes, or out of memory.
pub fn resnet18(
    num_classes: usize,
    generator: &mut Generator,
    device: &Device,
) -> Result<Sequential> {
    let mut make = Make { generator, device };
    let pool = Window::new([3; 2]).stride([2; 2]).padding([1; 2]);
    let mut model = Sequential::new()
        .push_named("conv1", make.conv(3, STAGES[0], 7, 2)?)
        .push_named("bn1", BatchNorm2d::new(STAGES[0], device)?)
        .push_named("relu", ReLU::new())
        .push_named("maxpool", MaxPool2d::new(pool));
    let mut inputs = STAGES[0];
    for (i, outputs) in STAGES.into_iter().enumerate() {
        let stride = if outputs == inputs { 1 } else { 2 };
        let stage = Sequential::new()
            .push_named("0", make.block(inputs, outputs, stride)?)
            .push_named("relu0", ReLU::new())
            .push_named("1", make.block(outputs, outputs, 1)?)
            .push_named("relu1", ReLU::new());
        model = model.push_named(&format!("layer{}", i + 1), stage);
        inputs = outputs;
    }
    Ok(model
        .push_named("avgpool", AdaptiveAvgPool2d::new([1, 1]))
        .push_named("flatten", Flatten::new())
        .push_named(
            "fc",
            Linear::new(inputs, num_classes, make.generator, device)?,
        ))
}

/// What the network's parts are made with.
struct Make<'a> {
    generator: &'a mut Generator,
    device: &'a Device,
}

impl Make<'_> {
    /// A square convolution that sees as far to every side.
    fn conv(
        &mut self,
        inputs: usize,
        outputs: usize,
        side: usize,
        stride: usize,
    ) -> Result<Conv2d> {
        let options = Conv2dOptions::default()
            .stride([stride; 2])
            .padding([side / 2; 2]);
        Conv2d::without_bias(
            inputs,
            outputs,
            [side; 2],
            options,
            self.generator,
            self.device,
        )
    }

    /// torchvision's `BasicBlock` up to its sum; the activation behind that has no parameters, so it may stand outside.
    fn block(&mut self, inputs: usize, outputs: usize, stride: usize) -> Result<Residual> {
        let body = Sequential::new()
            .push_named("conv1", self.conv(inputs, outputs, 3, stride)?)
            .push_named("bn1", BatchNorm2d::new(outputs, self.device)?)
            .push_named("relu", ReLU::new())
            .push_named("conv2", self.conv(outputs, outputs, 3, 1)?)
            .push_named("bn2", BatchNorm2d::new(outputs, self.device)?);
        let block = Residual::new(body);
        if inputs == outputs && stride == 1 {
            return Ok(block);
        }
        let downsample = Sequential::new()
            .push(self.conv(inputs, outputs, 1, stride)?)
            .push(BatchNorm2d::new(outputs, self.device)?);
        Ok(block.shortcut("downsample", downsample))
    }
}
