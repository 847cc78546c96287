//! Training on Fashion-MNIST enlarged to AlexNet's size: the whole network at work, and for a GPU.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use warpsmith::data::{DataLoader, FASHION_MNIST_CLASSES, Split, fashion_mnist};
use warpsmith::models::{AlexNetOptions, alexnet};
use warpsmith::nn::optim::Sgd;
use warpsmith::{Generator, Result};

use crate::Options;
use common::{Learner, Ranks, right};

const SIDE: usize = 227;
const BATCH: usize = 128;
/// The paper's.
const MOMENTUM: f64 = 0.9;
const WEIGHT_DECAY: f64 = 5e-4;
pub const LEARNING_RATE: f64 = 1e-2;
const READ_EVERY: usize = 10;
const BAR: &str = "{prefix} [{bar:30}] {pos}/{len}  {msg}  {eta} left";
const WEIGHTS: &str = "alexnet.safetensors";

/// AlexNet, and SGD with the paper's momentum and decay. Each rank's masks are its own; the first weights are rank 0's.
pub fn learner(
    options: &Options,
    shape: &AlexNetOptions,
    lr: f64,
    ranks: &Ranks,
) -> Result<Learner<Sgd>> {
    let seed = options.seed.wrapping_add(ranks.rank() as u64);
    let model = alexnet(shape, &mut Generator::manual_seed(seed), ranks.device())?;
    Learner::new(model, sgd(lr), options.precision, ranks)
}

pub fn sgd(lr: f64) -> Sgd {
    Sgd::new(lr).momentum(MOMENTUM).weight_decay(WEIGHT_DECAY)
}

pub fn train(options: &Options, ranks: &Ranks) -> std::result::Result<(), Box<dyn Error>> {
    let load = |split| fashion_mnist(options.data.as_deref(), split);
    let train = load(Split::Train)?.first(options.train_images.map_or(usize::MAX, |n| n as usize));
    let (mean, std) = train.mean_and_std();
    let batch = ranks.part_of(BATCH)?;
    let loader = |images| {
        DataLoader::new(Arc::new(images), batch)?
            .normalize(mean, std)?
            .resize(SIDE, SIDE)
    };
    let sampler = ranks.sampler(train.len())?.shuffle(options.seed);
    let train = loader(train)?;
    let test = loader(load(Split::Test)?)?;
    let shape = AlexNetOptions {
        channels: 1,
        classes: FASHION_MNIST_CLASSES.len(),
        lrn: options.lrn(),
        ..AlexNetOptions::default()
    };
    let mut learner = learner(options, &shape, LEARNING_RATE, ranks)?;
    for epoch in 0..options.epochs {
        let name = format!("epoch {}", epoch + 1);
        let bar = ranks.progress(sampler.len() as u64, BAR, &name);
        learner.model.train(true);
        let batches = train.epoch_of(sampler.indices(epoch), ranks.device())?;
        for (step, batch) in batches.enumerate() {
            let (x, labels) = batch?;
            let mut loss = learner.step(&x, &labels)?.loss;
            if step % READ_EVERY == 0 {
                ranks.mean(&mut loss)?;
                let loss = loss.item()?;
                if !loss.is_finite() {
                    return Err(format!("{name}: the loss of step {step} is {loss}").into());
                }
                bar.set_message(format!("loss {loss:.3}  {:.0} images/s", bar.per_sec()));
            }
            bar.inc(labels.numel() as u64);
        }
        bar.finish();
        learner.save(Path::new(WEIGHTS))?;
    }
    learner.model.eval();
    let (own, mut hits) = (ranks.share_of(test.images().len()), 0);
    let bar = ranks.progress(own.len() as u64, BAR, "test");
    for batch in test.epoch_of(own, ranks.device())? {
        let (x, labels) = batch?;
        hits += right(&learner.model.forward(&x)?, &labels)?;
        bar.inc(labels.numel() as u64);
    }
    bar.finish();
    let [hits] = ranks.sums([hits])?;
    if ranks.leads() {
        println!("weights: {WEIGHTS}");
        let accuracy = hits as f64 / test.images().len() as f64;
        println!("test accuracy: {accuracy:.3}");
    }
    Ok(())
}
