//! The training loop, and what it leaves behind.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use warpsmith::data::DataLoader;
use warpsmith::models::{LeNetActivation, lenet5};
use warpsmith::nn::optim::{Adam, Optimizer};
use warpsmith::nn::{self, CrossEntropyLoss, Module, Sequential};
use warpsmith::{Device, Generator, Result, Tensor};

use crate::common::progress;
use crate::source::Data;

/// How often losses are read: each reading waits for the device.
const READ_EVERY: usize = 20;
/// Images at a time where nothing is learnt.
const TEST_BATCH: usize = 500;
const BAR: &str = "{prefix} [{bar:30}] {pos}/{len}  {msg}  {eta} left";

/// A test image, its class, and the class that the network gives it.
pub struct Sample {
    pub pixels: Vec<u8>,
    pub side: usize,
    pub label: &'static str,
    pub guess: &'static str,
}

pub struct Run {
    model: Sequential,
    optimizer: Adam,
    train: DataLoader,
    test: DataLoader,
    classes: [&'static str; 10],
    device: Device,
    losses: Vec<f32>,
    /// After each epoch.
    accuracies: Vec<f64>,
}

impl Run {
    pub fn new(
        data: Data,
        activation: LeNetActivation,
        seed: u64,
        batch_size: usize,
        most_images: Option<usize>,
        lr: f64,
        device: &Device,
    ) -> Result<Self> {
        let train = data.train.first(most_images.unwrap_or(usize::MAX));
        let (mean, std) = train.mean_and_std();
        let mut generator = Generator::manual_seed(seed);
        let loader = |images, batch| DataLoader::new(Arc::new(images), batch)?.normalize(mean, std);
        Ok(Self {
            model: lenet5(data.classes.len(), activation, &mut generator, device)?,
            optimizer: Adam::new(lr),
            train: loader(train, batch_size)?.shuffle(seed),
            test: loader(data.test, TEST_BATCH)?,
            classes: data.classes,
            device: device.clone(),
            losses: Vec::new(),
            accuracies: Vec::new(),
        })
    }

    pub fn load(&mut self, file: &Path) -> Result<()> {
        nn::load(&mut self.model, file)
    }

    pub fn save(&mut self, file: &Path) -> Result<()> {
        nn::save(&mut self.model, file)
    }

    /// Learns from every image once, or until interrupted.
    pub fn epoch(
        &mut self,
        epoch: u64,
        interrupted: &AtomicBool,
    ) -> Result<(), Box<dyn std::error::Error>> {
        let bar = progress(
            self.train.images().len() as u64,
            BAR,
            &format!("epoch {}", epoch + 1),
        );
        let mut criterion = CrossEntropyLoss::new();
        let mut unread = Vec::with_capacity(READ_EVERY);
        self.model.train(true);
        let mut batches = self.train.epoch(epoch, &self.device)?.peekable();
        while let Some(batch) = batches.next() {
            let (x, labels) = batch?;
            let logits = self.model.forward(&x)?;
            unread.push(criterion.forward(&logits, &labels)?);
            self.model.backward_parameters(&criterion.backward()?)?;
            self.optimizer.step(&mut self.model)?;
            bar.inc(labels.numel() as u64);
            if unread.len() == READ_EVERY || batches.peek().is_none() {
                let loss = self.read(&mut unread)?;
                let right = right(&logits, &labels)? as f64 / labels.numel() as f64;
                let rate = bar.per_sec();
                bar.set_message(format!(
                    "loss {loss:.3}  accuracy {right:.3}  {rate:.0} images/s"
                ));
            }
            if interrupted.load(Ordering::Relaxed) {
                self.read(&mut unread)?;
                bar.abandon();
                return Ok(());
            }
        }
        bar.finish();
        let accuracy = self.accuracy()?;
        self.accuracies.push(accuracy);
        println!("epoch {}: test accuracy {accuracy:.3}", epoch + 1);
        Ok(())
    }

    /// Moves losses from the device into the record, and says which step's is no number. The mean of those read.
    fn read(&mut self, unread: &mut Vec<Tensor<f32>>) -> Result<f32, Box<dyn std::error::Error>> {
        let first = self.losses.len();
        for loss in unread.drain(..) {
            let loss = loss.item()?;
            self.losses.push(loss);
            if !loss.is_finite() {
                let step = self.losses.len();
                return Err(
                    format!("the loss of step {step} is {loss}: try a smaller --lr").into(),
                );
            }
        }
        let read = &self.losses[first..];
        Ok(read.iter().sum::<f32>() / read.len().max(1) as f32)
    }

    /// The share of the test images that the network gets right.
    pub fn accuracy(&mut self) -> Result<f64> {
        self.model.eval();
        let mut hits = 0;
        for batch in self.test.epoch(0, &self.device)? {
            let (x, labels) = batch?;
            hits += right(&self.model.forward(&x)?, &labels)?;
        }
        Ok(hits as f64 / self.test.images().len() as f64)
    }

    /// What the network says of the first test images.
    pub fn samples(&mut self, n: usize) -> Result<Vec<Sample>> {
        self.model.eval();
        let Some(batch) = self.test.epoch(0, &self.device)?.next() else {
            return Ok(Vec::new());
        };
        let guesses = self.model.forward(&batch?.0)?.argmax()?.to_vec()?;
        let images = self.test.images();
        let sample = |(i, guess): (usize, i32)| Sample {
            pixels: images.pixels(i).unwrap_or_default().to_vec(),
            side: images.size()[1],
            label: self.classes[usize::from(images.label(i).unwrap_or_default())],
            guess: self.classes[guess as usize],
        };
        Ok(guesses
            .into_iter()
            .take(n)
            .enumerate()
            .map(sample)
            .collect())
    }

    pub fn losses(&self) -> &[f32] {
        &self.losses
    }

    pub fn accuracies(&self) -> &[f64] {
        &self.accuracies
    }
}

/// How many rows have their largest logit at their label.
fn right(logits: &Tensor<f32>, labels: &Tensor<i32>) -> Result<usize> {
    let (guesses, labels) = (logits.argmax()?.to_vec()?, labels.to_vec()?);
    Ok(guesses.iter().zip(&labels).filter(|(a, b)| a == b).count())
}
