//! The training loop, and what it leaves behind.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use warpsmith::data::DataLoader;
use warpsmith::nn::{self, Module};
use warpsmith::{Device, Generator, Result, Tensor};

use crate::source::Data;
use crate::step::{Learner, Network};
use common::progress;

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
    learner: Learner,
    train: DataLoader,
    batch_size: usize,
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
        network: Network,
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
            learner: Learner::new(data.classes.len(), network, lr, &mut generator, device)?,
            train: loader(train, batch_size)?.shuffle(seed),
            batch_size,
            test: loader(data.test, TEST_BATCH)?,
            classes: data.classes,
            device: device.clone(),
            losses: Vec::new(),
            accuracies: Vec::new(),
        })
    }

    /// Learns by replays of a captured step.
    pub fn replay(&mut self) {
        self.learner.graphs = true;
    }

    pub fn load(&mut self, file: &Path) -> Result<()> {
        nn::load(&mut self.learner.model, file)
    }

    /// Goes on where a run of the same options was saved, in the middle of an epoch too.
    pub fn resume(&mut self, file: &Path) -> Result<()> {
        let Learner {
            model,
            optimizer,
            scaler,
            ..
        } = &mut self.learner;
        nn::load_checkpoint_scaled(model, optimizer, scaler, file)
    }

    /// Saves the weights for other programs, and all that [`Run::resume`] needs.
    pub fn save(&mut self, weights: &Path, checkpoint: &Path) -> Result<()> {
        nn::save(&mut self.learner.model, weights)?;
        let Learner {
            model,
            optimizer,
            scaler,
            ..
        } = &mut self.learner;
        nn::save_checkpoint_scaled(model, optimizer, scaler, checkpoint)
    }

    /// How often every image has been learnt from.
    pub fn epochs_done(&self) -> Result<u64> {
        Ok(self.learner.batches()? / self.train.batches() as u64)
    }

    /// Learns from every image once, or until interrupted; from the rest of them where it was interrupted before.
    pub fn epoch(&mut self, interrupted: &AtomicBool) -> Result<(), Box<dyn std::error::Error>> {
        let epoch = self.epochs_done()?;
        let done = (self.learner.batches()? % self.train.batches() as u64) as usize;
        let images = self.train.images().len();
        let bar = progress(images as u64, BAR, &format!("epoch {}", epoch + 1));
        bar.set_position((done * self.batch_size) as u64);
        let mut unread = Vec::with_capacity(READ_EVERY);
        self.learner.model.train(true);
        let batches = self.train.epoch(epoch, &self.device)?.skip(done);
        let mut batches = batches.peekable();
        while let Some(batch) = batches.next() {
            let (x, labels) = batch?;
            let made = self.learner.step(&x, &labels)?;
            unread.push(made.loss);
            bar.inc(labels.numel() as u64);
            if unread.len() == READ_EVERY || batches.peek().is_none() {
                let loss = self.read(&mut unread)?;
                let right = right(&made.logits, &labels)? as f64 / labels.numel() as f64;
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
        self.learner.model.eval();
        let mut hits = 0;
        for batch in self.test.epoch(0, &self.device)? {
            let (x, labels) = batch?;
            hits += right(&self.learner.model.forward(&x)?, &labels)?;
        }
        Ok(hits as f64 / self.test.images().len() as f64)
    }

    /// What the network says of the first test images.
    pub fn samples(&mut self, n: usize) -> Result<Vec<Sample>> {
        self.learner.model.eval();
        let Some(batch) = self.test.epoch(0, &self.device)?.next() else {
            return Ok(Vec::new());
        };
        let guesses = self.learner.model.forward(&batch?.0)?.argmax()?.to_vec()?;
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
