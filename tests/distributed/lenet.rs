//! LeNet on several devices ends with the weights of one.

use std::env;
use std::sync::Arc;

use warpsmith::data::{DataLoader, glyphs};
use warpsmith::distributed::{Communicator, DistributedDataParallel, DistributedSampler};
use warpsmith::models::{LeNetActivation, lenet5};
use warpsmith::nn::optim::{Adam, Optimizer};
use warpsmith::nn::{CrossEntropyLoss, Module};
use warpsmith::{Device, Generator, Result};

use crate::common::compare::{Tolerance, assert_close};
use crate::parallel::weights;
use crate::ranks::{devices, ranks};

/// Of a batch on all ranks together.
const BATCH: usize = 16;
const IMAGES: usize = 40;

fn train(
    model: &mut dyn Module,
    sampler: &DistributedSampler,
    batch: usize,
    device: &Device,
) -> Result<Vec<f32>> {
    let images = Arc::new(glyphs(IMAGES, &mut Generator::manual_seed(1))?);
    let (mean, std) = images.mean_and_std();
    let loader = DataLoader::new(images, batch)?.normalize(mean, std)?;
    let (mut criterion, mut adam) = (CrossEntropyLoss::new(), Adam::new(1e-3));
    for epoch in 0..2 {
        for batch in loader.epoch_of(sampler.indices(epoch), device)? {
            let (x, labels) = batch?;
            criterion.forward(&model.forward(&x)?, &labels)?;
            model.backward_parameters(&criterion.backward()?)?;
            adam.step(model)?;
        }
    }
    weights(model)
}

fn model(seed: u64, device: &Device) -> Result<warpsmith::nn::Sequential> {
    lenet5(
        10,
        LeNetActivation::Tanh,
        &mut Generator::manual_seed(seed),
        device,
    )
}

fn together(own: &Communicator) -> Result<Vec<f32>> {
    // each begins elsewhere: rank 0's values are what counts
    let model = model(5 + own.rank() as u64, own.device())?;
    let mut model = DistributedDataParallel::new(model, own)?.bucket_cap_mb(0.1)?;
    let sampler = DistributedSampler::new(IMAGES, own)?.shuffle(3);
    train(&mut model, &sampler, BATCH / own.world_size(), own.device())
}

pub fn trains() {
    let got = ranks(together);
    let sampler = DistributedSampler::of(0, 1, IMAGES).unwrap().shuffle(3);
    let rank = env::var("LOCAL_RANK").map_or(0, |rank| rank.parse().unwrap());
    let device = &devices()[rank];
    let mut alone = model(5, device).unwrap();
    let before = weights(&mut alone).unwrap();
    let want = train(&mut alone, &sampler, BATCH, device).unwrap();
    // Adam's steps are 1e-3 each, six of them
    let tolerance = Tolerance {
        abs: 2e-5,
        rel: 1e-4,
    };
    for got in &got {
        assert_close("LeNet's weights", got, &want, tolerance);
        assert_eq!(got, &got[..], "every rank has the same");
    }
    let moved = want
        .iter()
        .zip(&before)
        .filter(|(a, b)| (*a - *b).abs() > 1e-3)
        .count();
    assert!(
        moved > want.len() / 2,
        "{moved} of {} have learnt",
        want.len()
    );
}
