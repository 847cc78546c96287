//! Convolutional networks, a few steps of each on the CPU and on every CUDA device.

use warpsmith::models::{LeNetActivation, lenet5};
use warpsmith::nn::optim::{Adam, Optimizer};
use warpsmith::nn::{
    Conv2d, CrossEntropyLoss, Dropout, Flatten, Linear, LocalResponseNorm, MaxPool2d, Module, ReLU,
    Sequential,
};
use warpsmith::ops::{Conv2dOptions, LrnOptions, Window};
use warpsmith::{Device, Generator, Result, data};

use crate::common;
use crate::common::compare::{Tolerance, assert_close};

const BATCH: usize = 16;
const STEPS: usize = 4;

pub type Make = fn(&mut Generator, &Device) -> Result<Sequential>;

/// LeNet-5 as it was and as it is, and what AlexNet has besides: groups, overlapping pools, LRN, dropout.
pub const NETWORKS: [(&str, Make); 3] = [
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
