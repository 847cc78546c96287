//! Training on Fashion-MNIST enlarged to AlexNet's size: the whole network at work, and for a GPU.

use std::error::Error;
use std::sync::Arc;

use warpsmith::data::{DataLoader, FASHION_MNIST_CLASSES, Split, fashion_mnist};
use warpsmith::models::{AlexNetOptions, alexnet};
use warpsmith::nn::optim::Sgd;
use warpsmith::nn::{self, CrossEntropyLoss, GradScaler, Module, Precision};
use warpsmith::{Generator, Tensor};

use crate::Options;
use common::progress;

const SIDE: usize = 227;
const BATCH: usize = 128;
/// The paper's.
pub const MOMENTUM: f64 = 0.9;
pub const WEIGHT_DECAY: f64 = 5e-4;
pub const LEARNING_RATE: f64 = 1e-2;
const READ_EVERY: usize = 10;
const BAR: &str = "{prefix} [{bar:30}] {pos}/{len}  {msg}  {eta} left";
const WEIGHTS: &str = "alexnet.safetensors";

pub fn train(options: &Options) -> Result<(), Box<dyn Error>> {
    println!("device: {}", options.device);
    let load = |split| fashion_mnist(options.data.as_deref(), split);
    let train = load(Split::Train)?.first(options.train_images.map_or(usize::MAX, |n| n as usize));
    let (mean, std) = train.mean_and_std();
    let loader = |images| {
        DataLoader::new(Arc::new(images), BATCH)?
            .normalize(mean, std)?
            .resize(SIDE, SIDE)
    };
    let train = loader(train)?.shuffle(options.seed);
    let test = loader(load(Split::Test)?)?;
    let shape = AlexNetOptions {
        channels: 1,
        classes: FASHION_MNIST_CLASSES.len(),
        lrn: options.lrn(),
        ..AlexNetOptions::default()
    };
    let mut generator = Generator::manual_seed(options.seed);
    let mut model = alexnet(&shape, &mut generator, &options.device)?.precision(options.precision);
    let mut optimizer = Sgd::new(LEARNING_RATE)
        .momentum(MOMENTUM)
        .weight_decay(WEIGHT_DECAY);
    let mut criterion = CrossEntropyLoss::new();
    let mut scaler = GradScaler::new().enabled(options.precision == Precision::F16);
    for epoch in 0..options.epochs {
        let name = format!("epoch {}", epoch + 1);
        let bar = progress(train.images().len() as u64, BAR, &name);
        model.train(true);
        for (step, batch) in train.epoch(epoch, &options.device)?.enumerate() {
            let (x, labels) = batch?;
            let logits = model.forward(&x)?;
            let loss = criterion.forward(&logits, &labels)?;
            if step % READ_EVERY == 0 {
                let loss = loss.item()?;
                if !loss.is_finite() {
                    return Err(format!("{name}: the loss of step {step} is {loss}").into());
                }
                bar.set_message(format!("loss {loss:.3}  {:.0} images/s", bar.per_sec()));
            }
            model.backward_parameters(&scaler.backward(&criterion)?)?;
            scaler.step(&mut optimizer, &mut model)?;
            scaler.update()?;
            bar.inc(labels.numel() as u64);
        }
        bar.finish();
        nn::save(&mut model, WEIGHTS)?;
    }
    model.eval();
    let mut hits = 0;
    let bar = progress(test.images().len() as u64, BAR, "test");
    for batch in test.epoch(0, &options.device)? {
        let (x, labels) = batch?;
        hits += right(&model.forward(&x)?, &labels)?;
        bar.inc(labels.numel() as u64);
    }
    bar.finish();
    println!("weights: {WEIGHTS}");
    println!(
        "test accuracy: {:.3}",
        hits as f64 / test.images().len() as f64
    );
    Ok(())
}

/// How many rows have their largest logit at their label.
fn right(logits: &Tensor<f32>, labels: &Tensor<i32>) -> warpsmith::Result<usize> {
    let (guesses, labels) = (logits.argmax()?.to_vec()?, labels.to_vec()?);
    Ok(guesses.iter().zip(&labels).filter(|(a, b)| a == b).count())
}
