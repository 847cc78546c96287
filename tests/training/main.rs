//! Training end to end: the same small run on the CPU and on every CUDA device ends with the same losses.

#[path = "../common/mod.rs"]
mod common;

mod checkpoint;
mod fusion;
mod networks;
mod precision;

use warpsmith::nn::optim::{self, Optimizer};
use warpsmith::nn::{CrossEntropyLoss, Linear, Module, ReLU, Sequential, Sigmoid};
use warpsmith::{Device, Generator, Result, data};

use common::compare::{Tolerance, assert_close};

const STEPS: usize = 20;

/// Makes an optimizer at its start.
type Make = fn() -> Box<dyn Optimizer>;

/// A small network at its start.
fn model(device: &Device) -> Result<Sequential> {
    let mut generator = Generator::manual_seed(11);
    Ok(Sequential::new()
        .push(Linear::new(2, 33, &mut generator, device)?)
        .push(ReLU::new())
        .push(Linear::new(33, 10, &mut generator, device)?)
        .push(Sigmoid::new())
        .push(Linear::new(10, 3, &mut generator, device)?))
}

/// Losses of every step of a short run, then the trained weights.
fn train(device: &Device, make: Make) -> Result<(Vec<f32>, Vec<f32>)> {
    let (x, labels) = data::spiral(3, 40, &mut Generator::manual_seed(12), device)?;
    let mut model = model(device)?;
    let mut criterion = CrossEntropyLoss::new();
    let mut optimizer = make();
    let mut losses = Vec::new();
    for _ in 0..STEPS {
        let logits = model.forward(&x)?;
        losses.push(criterion.forward(&logits, &labels)?.item()?);
        model.backward_parameters(&criterion.backward()?)?;
        optimizer.step(&mut model)?;
    }
    let mut weights = Vec::new();
    for parameter in model.parameters() {
        weights.extend(parameter.value.to_vec()?);
    }
    Ok((losses, weights))
}

/// Each with rates under which the loss falls in so few steps.
const OPTIMIZERS: [(&str, Make); 9] = [
    ("Sgd", || {
        Box::new(optim::Sgd::new(0.5).momentum(0.9).weight_decay(1e-4))
    }),
    ("Nesterov", || {
        Box::new(optim::Sgd::new(0.5).momentum(0.9).nesterov())
    }),
    ("Adagrad", || {
        Box::new(optim::Adagrad::new(0.05).weight_decay(1e-4))
    }),
    ("Adadelta", || {
        Box::new(optim::Adadelta::new(20.0).weight_decay(1e-4))
    }),
    ("RmsProp", || {
        Box::new(optim::RmsProp::new(1e-2).momentum(0.5).weight_decay(1e-4))
    }),
    ("Adam", || {
        Box::new(optim::Adam::new(1e-2).weight_decay(1e-4))
    }),
    ("AdamW", || Box::new(optim::AdamW::new(1e-2).amsgrad())),
    ("Dampened", || {
        Box::new(optim::Sgd::new(1.0).momentum(0.9).dampening(0.5))
    }),
    ("Centered", || {
        Box::new(optim::RmsProp::new(1e-2).momentum(0.5).centered())
    }),
];

#[test]
fn the_loss_falls() {
    for (name, make) in OPTIMIZERS {
        let (losses, _) = train(&Device::Cpu, make).unwrap();
        assert!(
            losses[STEPS - 1] < 0.97 * losses[0],
            "{name}: from {} to {}",
            losses[0],
            losses[STEPS - 1]
        );
    }
}

#[test]
#[cfg_attr(
    not(warpsmith_kernels),
    ignore = "this build holds no kernels: NVRTC was not found"
)]
fn every_device_trains_alike() {
    for (name, make) in OPTIMIZERS {
        let (want_losses, want_weights) = train(&Device::Cpu, make).unwrap();
        for device in common::devices::cuda_devices() {
            let (losses, weights) = train(&device, make).unwrap();
            // each step adds its own rounding, and Adam divides small gradients by their own size
            let tolerance = Tolerance {
                abs: 2e-4,
                rel: 1e-4,
            };
            assert_close(
                &format!("{name}: losses on {device}"),
                &losses,
                &want_losses,
                tolerance,
            );
            assert_close(
                &format!("{name}: weights on {device}"),
                &weights,
                &want_weights,
                Tolerance {
                    abs: 2e-3,
                    rel: 1e-3,
                },
            );
        }
    }
}
