//! Convolutional networks, a few steps of each on the CPU and on every CUDA device.

use warpsmith::models::{LeNetActivation, lenet5, resnet18};
use warpsmith::nn::optim::{Adam, Optimizer};
use warpsmith::nn::{
    AdaptiveAvgPool2d, BatchNorm2d, Conv2d, CrossEntropyLoss, Dropout, Flatten, Linear,
    LocalResponseNorm, MaxPool2d, Module, ReLU, Residual, Sequential, load_state_dict, state_dict,
};
use warpsmith::ops::{Conv2dOptions, LrnOptions, Window};
use warpsmith::{Device, Generator, Result, Tensor, data};

use crate::common;
use crate::common::compare::{Tolerance, assert_close};

const BATCH: usize = 16;
const STEPS: usize = 4;

pub type Make = fn(&mut Generator, &Device) -> Result<Sequential>;

/// LeNet-5 as it was and as it is, and what AlexNet has besides: groups, overlapping pools, LRN, dropout; and ResNet.
pub const NETWORKS: [(&str, Make); 4] = [
    ("LeNet-5 with ReLU", |generator, device| {
        lenet5(10, LeNetActivation::ReLU, generator, device)
    }),
    ("LeNet-5 with sigmoid", |generator, device| {
        lenet5(10, LeNetActivation::Sigmoid, generator, device)
    }),
    ("a small AlexNet", |generator, device| {
        let first = Conv2dOptions::default().stride([2; 2]);
        let second = Conv2dOptions::default().padding([1; 2]).groups(2);
        let pool = || MaxPool2d::new(Window::new([3; 2]).stride([2; 2]));
        Ok(Sequential::new()
            .push(Conv2d::new(1, 8, [5; 2], first, generator, device)?)
            .push(ReLU::new())
            .push(LocalResponseNorm::new(LrnOptions::new(5)))
            .push(pool())
            .push(Conv2d::new(8, 12, [3; 2], second, generator, device)?)
            .push(ReLU::new())
            .push(pool())
            .push(Flatten::new())
            .push(Dropout::new(0.5, 7)?)
            .push(Linear::new(12 * 2 * 2, 10, generator, device)?))
    }),
    ("a small ResNet", |generator, device| {
        let half = Conv2dOptions::default().padding([1; 2]).stride([2; 2]);
        let whole = Conv2dOptions::default().padding([1; 2]);
        let narrow = Conv2dOptions::default().stride([2; 2]);
        let mut conv = |inputs, outputs, side: usize, options| {
            Conv2d::without_bias(inputs, outputs, [side; 2], options, generator, device)
        };
        let norm = |channels| BatchNorm2d::new(channels, device);
        let stem = Sequential::new()
            .push(conv(1, 8, 3, half)?)
            .push(norm(8)?)
            .push(ReLU::new());
        let plain = Sequential::new().push(conv(8, 8, 3, whole)?).push(norm(8)?);
        let wider = Sequential::new()
            .push(conv(8, 12, 3, half)?)
            .push(norm(12)?)
            .push(ReLU::new())
            .push(conv(12, 12, 3, whole)?)
            .push(norm(12)?);
        let past = Sequential::new()
            .push(conv(8, 12, 1, narrow)?)
            .push(norm(12)?);
        Ok(stem
            .push(Residual::new(plain))
            .push(ReLU::new())
            .push(Residual::new(wider).shortcut("downsample", past))
            .push(ReLU::new())
            .push(AdaptiveAvgPool2d::new([1, 1]))
            .push(Flatten::new())
            .push(Linear::new(12, 10, generator, device)?))
    }),
];

fn losses(make: Make, device: &Device) -> Result<Vec<f32>> {
    let images = data::glyphs(BATCH * STEPS, &mut Generator::manual_seed(3))?;
    let loader = data::DataLoader::new(images.into(), BATCH)?.shuffle(1);
    let mut model = make(&mut Generator::manual_seed(5), device)?;
    let (mut optimizer, mut criterion) = (Adam::new(3e-3), CrossEntropyLoss::new());
    let mut losses = Vec::new();
    for batch in loader.epoch(0, device)? {
        let (x, labels) = batch?;
        let logits = model.forward(&x)?;
        losses.push(criterion.forward(&logits, &labels)?.item()?);
        model.backward_parameters(&criterion.backward()?)?;
        optimizer.step(&mut model)?;
    }
    Ok(losses)
}

#[test]
#[cfg_attr(
    not(warpsmith_kernels),
    ignore = "this build holds no kernels: NVRTC was not found"
)]
fn every_device_trains_networks_alike() {
    for (name, make) in NETWORKS {
        let want = losses(make, &Device::Cpu).unwrap();
        assert_eq!(want.len(), STEPS);
        for device in common::devices::cuda_devices() {
            let got = losses(make, &device).unwrap();
            // as in the other training: steps add their own rounding, which Adam does not make smaller
            let tolerance = Tolerance {
                abs: 1e-5,
                rel: 1e-4,
            };
            assert_close(&format!("{name} on {device}"), &got, &want, tolerance);
        }
    }
}

/// ResNet-18 on an image of 32 x 32, with what it has learnt of a batch: where a channel of the last stage has one value in
/// each image, statistics of a few images are too close to dividing by nothing to compare devices by.
#[test]
#[cfg_attr(
    not(warpsmith_kernels),
    ignore = "this build holds no kernels: NVRTC was not found"
)]
fn every_device_runs_resnet18_alike() {
    let cpu = Device::Cpu;
    let mut model = resnet18(10, &mut Generator::manual_seed(1), &cpu).unwrap();
    let mut images = Generator::manual_seed(2);
    let batch = Tensor::randn(&[8, 3, 32, 32], &mut images, &cpu).unwrap();
    model.forward(&batch).unwrap();
    let x = Tensor::randn(&[1, 3, 32, 32], &mut images, &cpu).unwrap();
    let state = state_dict(&mut model).unwrap();
    let run = |device: &Device| -> Result<Vec<f32>> {
        let mut model = resnet18(10, &mut Generator::manual_seed(3), device)?;
        load_state_dict(&mut model, &state)?;
        model.eval();
        model.forward(&x.to(device)?)?.to_vec()
    };
    let want = run(&cpu).unwrap();
    let largest = want.iter().fold(0.0_f32, |most, v| most.max(v.abs()));
    for device in common::devices::cuda_devices() {
        let tolerance = Tolerance {
            abs: 1e-5 * f64::from(largest),
            rel: 0.0,
        };
        let got = run(&device).unwrap();
        assert_close(&format!("ResNet-18 on {device}"), &got, &want, tolerance);
    }
}
