//! The training loop, and what it leaves behind.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use warpsmith::data::DataLoader;
use warpsmith::distributed::DistributedSampler;
use warpsmith::models::{LeNetActivation, lenet5};
use warpsmith::nn::Precision;
use warpsmith::nn::optim::Adam;
use warpsmith::{Generator, Result, Tensor};

use crate::source::Data;
use common::{Learner, Ranks, right};

/// How often losses are read: each reading waits for the device.
const READ_EVERY: usize = 20;
/// Images at a time where nothing is learnt.
const TEST_BATCH: usize = 500;
const BAR: &str = "{prefix} [{bar:30}] {pos}/{len}  {msg}  {eta} left";

/// Which network it is.
#[derive(Clone, Copy)]
pub struct Network {
    pub activation: LeNetActivation,
    pub precision: Precision,
}

/// A test image, its class, and the class that the network gives it.
pub struct Sample {
    pub pixels: Vec<u8>,
    pub side: usize,
    pub label: &'static str,
    pub guess: &'static str,
}

pub struct Run {
    learner: Learner<Adam>,
    train: DataLoader,
    sampler: DistributedSampler,
    /// Images of a step on this device.
    batch_size: usize,
    ranks: Ranks,
    test: DataLoader,
    classes: [&'static str; 10],
    losses: Vec<f32>,
    /// After each epoch.
    accuracies: Vec<f64>,
}

impl Run {
    #[allow(
        clippy::too_many_arguments,
        reason = "each is an option of the program"
    )]
    pub fn new(
        data: Data,
        network: Network,
        seed: u64,
        batch_size: usize,
        most_images: Option<usize>,
        lr: f64,
        ranks: &Ranks,
    ) -> Result<Self, Box<dyn std::error::Error>> {
        let batch_size = ranks.part_of(batch_size)?;
        let train = data.train.first(most_images.unwrap_or(usize::MAX));
        let (mean, std) = train.mean_and_std();
        let mut generator = Generator::manual_seed(seed);
        let loader = |images, batch| DataLoader::new(Arc::new(images), batch)?.normalize(mean, std);
        let (classes, device) = (data.classes.len(), ranks.device());
        let model = lenet5(classes, network.activation, &mut generator, device)?;
        Ok(Self {
            learner: Learner::new(model, Adam::new(lr), network.precision, ranks)?,
            sampler: ranks.sampler(train.len())?.shuffle(seed),
            train: loader(train, batch_size)?,
            batch_size,
            ranks: ranks.clone(),
            test: loader(data.test, TEST_BATCH)?,
            classes: data.classes,
            losses: Vec::new(),
            accuracies: Vec::new(),
        })
    }

    /// Learns by replays of a captured step.
    pub fn replay(&mut self) {
        self.learner.graphs = true;
    }

    pub fn load(&mut self, file: &Path) -> Result<()> {
        self.learner.load(file)
    }

    /// Goes on where a run of the same options was saved, in the middle of an epoch too.
    pub fn resume(&mut self, file: &Path) -> Result<()> {
        self.learner.resume(file)
    }

    /// Saves the weights for other programs, and all that [`Run::resume`] needs.
    pub fn save(&mut self, weights: &Path, checkpoint: &Path) -> Result<()> {
        self.learner.save(weights)?;
        self.learner.save_checkpoint(checkpoint)
    }

    /// Steps of an epoch.
    fn batches(&self) -> u64 {
        self.sampler.len().div_ceil(self.batch_size) as u64
    }

    /// How often every image has been learnt from.
    pub fn epochs_done(&self) -> Result<u64> {
        Ok(self.learner.batches()? / self.batches())
    }

    /// Learns from every image once, or until interrupted; from the rest of them where it was interrupted before. Whether
    /// it came to the end.
    pub fn epoch(&mut self, interrupted: &AtomicBool) -> Result<bool, Box<dyn std::error::Error>> {
        let epoch = self.epochs_done()?;
        let done = (self.learner.batches()? % self.batches()) as usize;
        let (images, name) = (self.sampler.len() as u64, format!("epoch {}", epoch + 1));
        let bar = self.ranks.progress(images, BAR, &name);
        bar.set_position((done * self.batch_size) as u64);
        let mut unread = Vec::with_capacity(READ_EVERY);
        self.learner.model.train(true);
        let chosen = self.sampler.indices(epoch);
        let batches = self.train.epoch_of(chosen, self.ranks.device())?.skip(done);
        let mut batches = batches.peekable();
        while let Some(batch) = batches.next() {
            let (x, labels) = batch?;
            let made = self.learner.step(&x, &labels)?;
            unread.push(made.loss);
            bar.inc(labels.numel() as u64);
            let mut stops = interrupted.load(Ordering::Relaxed);
            if unread.len() == READ_EVERY || batches.peek().is_none() {
                let asked = self.ranks.sums([usize::from(stops)])?;
                stops = asked[0] > 0;
                let loss = self.read(&mut unread)?;
                let right = right(&made.logits, &labels)? as f64 / labels.numel() as f64;
                let rate = bar.per_sec();
                bar.set_message(format!(
                    "loss {loss:.3}  accuracy {right:.3}  {rate:.0} images/s"
                ));
            }
            // ranks stop where all have asked all
            if stops && (self.ranks.count() == 1 || unread.is_empty()) {
                self.read(&mut unread)?;
                bar.abandon();
                return Ok(false);
            }
        }
        bar.finish();
        if self.ranks.leads() {
            let accuracy = self.accuracy()?;
            self.accuracies.push(accuracy);
            println!("epoch {}: test accuracy {accuracy:.3}", epoch + 1);
        }
        Ok(true)
    }

    /// Moves losses from the device into the record, and says which step's is no number. The mean of those read.
    fn read(&mut self, unread: &mut Vec<Tensor<f32>>) -> Result<f32, Box<dyn std::error::Error>> {
        let first = self.losses.len();
        for mut loss in unread.drain(..) {
            self.ranks.mean(&mut loss)?;
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
        for batch in self.test.epoch(0, self.ranks.device())? {
            let (x, labels) = batch?;
            hits += right(&self.learner.model.forward(&x)?, &labels)?;
        }
        Ok(hits as f64 / self.test.images().len() as f64)
    }

    /// What the network says of the first test images.
    pub fn samples(&mut self, n: usize) -> Result<Vec<Sample>> {
        self.learner.model.eval();
        let Some(batch) = self.test.epoch(0, self.ranks.device())?.next() else {
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
