//! Training on images out of folders, with what the paper had: SGD with momentum, a rate that falls, top-1 and top-5.

use std::cmp::Ordering;
use std::error::Error;
use std::path::Path;

use warpsmith::models::AlexNetOptions;
use warpsmith::nn::optim::{LrScheduler, Sgd, StepLr};

use crate::folder::{Batches, SIZES, parts};
use crate::{Options, train};
use common::{Learner, Ranks};

const BAR: &str = "{prefix} [{bar:30}] {pos}/{len}  {msg}  {eta} left";
const WEIGHTS: &str = "alexnet.safetensors";
const CHECKPOINT: &str = "alexnet-checkpoint.safetensors";
const READ_EVERY: u64 = 10;
/// Steps between checkpoints within an epoch.
const SAVE_EVERY: u64 = 1000;

pub fn train_on_images(
    root: &Path,
    options: &Options,
    ranks: &Ranks,
) -> Result<(), Box<dyn Error>> {
    let (train, val) = parts(root)?;
    let shape = AlexNetOptions {
        classes: train.classes().len(),
        lrn: options.lrn(),
        ..AlexNetOptions::default()
    };
    let (learnt, held_out) = (train.samples().len(), val.samples().len());
    if ranks.leads() {
        println!(
            "{learnt} images of {} classes, {held_out} held out",
            shape.classes
        );
    }
    let batch = options.batch_size as usize;
    let images = Images {
        train: Batches::new(&train, batch, SIZES, ranks)?.shuffle(options.seed),
        val: Batches::new(&val, batch, SIZES, ranks)?,
    };
    let learner = train::learner(options, &shape, options.lr, ranks)?;
    let mut training = Training::new(learner, options.lr_step, ranks)?;
    if let Some(file) = &options.resume {
        training.learner.resume(file)?;
    }
    let steps = options.steps.unwrap_or(u64::MAX);
    training.learn(&images, options.epochs, steps, Path::new(CHECKPOINT))?;
    training.learner.save(Path::new(WEIGHTS))?;
    if ranks.leads() {
        println!("weights: {WEIGHTS}, to go on from: {CHECKPOINT}");
    }
    Ok(())
}

/// What is learnt from and what is held out.
pub struct Images {
    pub train: Batches,
    pub val: Batches,
}

pub struct Training {
    pub learner: Learner<Sgd>,
    pub rates: LrScheduler,
    ranks: Ranks,
}

impl Training {
    pub fn new(mut learner: Learner<Sgd>, lr_step: u64, ranks: &Ranks) -> warpsmith::Result<Self> {
        Ok(Self {
            rates: LrScheduler::new(StepLr::new(lr_step, 0.1)?, &mut learner.optimizer),
            learner,
            ranks: ranks.clone(),
        })
    }

    /// Learns from all images so many times, or until there were so many steps, those of a run that goes on included.
    pub fn learn(
        &mut self,
        images: &Images,
        epochs: u64,
        steps: u64,
        checkpoint: &Path,
    ) -> Result<(), Box<dyn Error>> {
        let batches = images.train.len() as u64;
        let mut done = self.learner.batches()?;
        while done < steps.min(epochs * batches) {
            let epoch = done / batches;
            self.rates
                .set_last_epoch(epoch, &mut self.learner.optimizer);
            let name = format!("epoch {}", epoch + 1);
            let bar = self.ranks.progress(batches, BAR, &name);
            bar.set_position(done % batches);
            self.learner.model.train(true);
            for batch in images.train.epoch(epoch, (done % batches) as usize)? {
                let (x, labels) = batch?.to(self.ranks.device())?;
                let mut loss = self.learner.step(&x, &labels)?.loss;
                done += 1;
                bar.inc(1);
                if done.is_multiple_of(READ_EVERY) {
                    self.ranks.mean(&mut loss)?;
                    let loss = loss.item()?;
                    if !loss.is_finite() {
                        return Err(format!(
                            "{name}: the loss of step {done} is {loss}: try a smaller --lr"
                        )
                        .into());
                    }
                    bar.set_message(format!("loss {loss:.3}"));
                }
                if done.is_multiple_of(SAVE_EVERY) || done == steps {
                    self.learner.save_checkpoint(checkpoint)?;
                }
                if done == steps {
                    break;
                }
            }
            bar.finish();
            if done.is_multiple_of(batches) {
                self.learner.save_checkpoint(checkpoint)?;
                let [top1, top5] = self.accuracies(&images.val)?;
                if self.ranks.leads() {
                    println!("{name}: top-1 {top1:.3}, top-5 {top5:.3}");
                }
            }
        }
        Ok(())
    }

    /// The shares of images whose class is the likeliest, and among the five likeliest: of all ranks' images.
    pub fn accuracies(&mut self, images: &Batches) -> Result<[f64; 2], Box<dyn Error>> {
        self.learner.model.eval();
        let bar = self.ranks.progress(images.images() as u64, BAR, "held out");
        let mut counts = [0; 3];
        for batch in images.epoch(0, 0)? {
            let (x, labels) = batch?.to(self.ranks.device())?;
            let logits = self.learner.model.forward(&x)?.to_vec()?;
            let labels = labels.to_vec()?;
            let [top1, top5] = hits_of(&logits, &labels);
            let found = [top1, top5, labels.len()];
            counts = std::array::from_fn(|i| counts[i] + found[i]);
            bar.inc(labels.len() as u64);
        }
        bar.finish_and_clear();
        let [top1, top5, seen] = self.ranks.sums(counts)?;
        Ok([top1, top5].map(|hits| hits as f64 / seen.max(1) as f64))
    }
}

/// How many rows have fewer than 1, and fewer than 5, logits above or beside their label's.
fn hits_of(logits: &[f32], labels: &[i32]) -> [usize; 2] {
    let classes = logits.len() / labels.len().max(1);
    let mut hits = [0; 2];
    for (row, &label) in logits.chunks(classes.max(1)).zip(labels) {
        let label = label as usize;
        let others = row.iter().enumerate().filter(|(i, _)| *i != label);
        // what is no number is above everything
        let below = |y: &f32| y.partial_cmp(&row[label]) == Some(Ordering::Less);
        let above = others.filter(|(_, y)| !below(y)).count();
        hits[0] += usize::from(above < 1);
        hits[1] += usize::from(above < 5);
    }
    hits
}

#[cfg(test)]
mod tests {
    use super::hits_of;

    #[test]
    fn the_five_likeliest() {
        let logits = [
            [9.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
            [9.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
            [9.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
            [f32::NAN; 7],
        ];
        assert_eq!(hits_of(&logits.concat(), &[0, 3, 2, 0]), [1, 2]);
    }
}
