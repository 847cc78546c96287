//! Training on images out of folders, with what the paper had: SGD with momentum, a rate that falls, top-1 and top-5.

use std::cmp::Ordering;
use std::error::Error;
use std::path::{Path, PathBuf};

use warpsmith::models::{AlexNetOptions, alexnet};
use warpsmith::nn::optim::{LrScheduler, Optimizer, Sgd, StepLr};
use warpsmith::nn::{self, CrossEntropyLoss, GradScaler, Module, Precision, Sequential};
use warpsmith::{Device, Generator, Tensor};

use crate::folder::{Batches, SIZES, parts};
use crate::{Options, train};
use common::progress;

const BAR: &str = "{prefix} [{bar:30}] {pos}/{len}  {msg}  {eta} left";
const WEIGHTS: &str = "alexnet.safetensors";
const CHECKPOINT: &str = "alexnet-checkpoint.safetensors";
const READ_EVERY: u64 = 10;
/// Steps between checkpoints within an epoch.
const SAVE_EVERY: u64 = 1000;

pub fn train_on_images(root: &Path, options: &Options) -> Result<(), Box<dyn Error>> {
    println!("device: {}", options.device);
    let (train, val) = parts(root)?;
    let shape = AlexNetOptions {
        classes: train.classes().len(),
        lrn: options.lrn(),
        ..AlexNetOptions::default()
    };
    let (learnt, held_out) = (train.samples().len(), val.samples().len());
    println!(
        "{learnt} images of {} classes, {held_out} held out",
        shape.classes
    );
    let mut generator = Generator::manual_seed(options.seed);
    let model = alexnet(&shape, &mut generator, &options.device)?.precision(options.precision);
    let mut learner = Learner::new(
        model,
        options.lr,
        options.lr_step,
        options.precision,
        &options.device,
    )?;
    if let Some(file) = &options.resume {
        learner.resume(file)?;
    }
    let batch = options.batch_size as usize;
    let images = Images {
        train: Batches::new(&train, batch, SIZES).shuffle(options.seed),
        val: Batches::new(&val, batch, SIZES),
    };
    let steps = options.steps.unwrap_or(u64::MAX);
    learner.learn(&images, options.epochs, steps, &PathBuf::from(CHECKPOINT))?;
    nn::save(&mut learner.model, WEIGHTS)?;
    println!("weights: {WEIGHTS}, to go on from: {CHECKPOINT}");
    Ok(())
}

/// What is learnt from and what is held out.
struct Images {
    train: Batches,
    val: Batches,
}

struct Learner {
    model: Sequential,
    optimizer: Sgd,
    rates: LrScheduler,
    criterion: CrossEntropyLoss,
    scaler: GradScaler,
    device: Device,
}

impl Learner {
    fn new(
        model: Sequential,
        lr: f64,
        lr_step: u64,
        precision: Precision,
        device: &Device,
    ) -> warpsmith::Result<Self> {
        let mut optimizer = Sgd::new(lr)
            .momentum(train::MOMENTUM)
            .weight_decay(train::WEIGHT_DECAY);
        Ok(Self {
            model,
            rates: LrScheduler::new(StepLr::new(lr_step, 0.1)?, &mut optimizer),
            optimizer,
            criterion: CrossEntropyLoss::new(),
            scaler: GradScaler::new().enabled(precision == Precision::F16),
            device: device.clone(),
        })
    }

    /// Goes on where a run of the same options was saved, in the middle of an epoch too.
    fn resume(&mut self, file: &Path) -> warpsmith::Result<()> {
        nn::load_checkpoint_scaled(&mut self.model, &mut self.optimizer, &mut self.scaler, file)
    }

    fn save(&mut self, file: &Path) -> warpsmith::Result<()> {
        nn::save_checkpoint_scaled(&mut self.model, &self.optimizer, &self.scaler, file)
    }

    /// Learns from all images so many times, or until there were so many steps, those of a run that goes on included.
    fn learn(
        &mut self,
        images: &Images,
        epochs: u64,
        steps: u64,
        checkpoint: &Path,
    ) -> Result<(), Box<dyn Error>> {
        let batches = images.train.len() as u64;
        let mut done = self.optimizer.steps()? + self.scaler.state_dict()?.skipped;
        while done < steps.min(epochs * batches) {
            let epoch = done / batches;
            self.rates.set_last_epoch(epoch, &mut self.optimizer);
            let name = format!("epoch {}", epoch + 1);
            let bar = progress(batches, BAR, &name);
            bar.set_position(done % batches);
            self.model.train(true);
            for batch in images.train.epoch(epoch, (done % batches) as usize)? {
                let (x, labels) = batch?.to(&self.device)?;
                let loss = self.step(&x, &labels)?;
                done += 1;
                bar.inc(1);
                if done.is_multiple_of(READ_EVERY) {
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
                    self.save(checkpoint)?;
                }
                if done == steps {
                    break;
                }
            }
            bar.finish();
            if done.is_multiple_of(batches) {
                self.save(checkpoint)?;
                let [top1, top5] = self.accuracies(&images.val)?;
                println!("{name}: top-1 {top1:.3}, top-5 {top5:.3}");
            }
        }
        Ok(())
    }

    fn step(&mut self, x: &Tensor<f32>, labels: &Tensor<i32>) -> warpsmith::Result<Tensor<f32>> {
        let logits = self.model.forward(x)?;
        let loss = self.criterion.forward(&logits, labels)?;
        self.model
            .backward_parameters(&self.scaler.backward(&self.criterion)?)?;
        self.scaler.step(&mut self.optimizer, &mut self.model)?;
        self.scaler.update()?;
        Ok(loss)
    }

    /// The shares of images whose class is the likeliest, and among the five likeliest.
    fn accuracies(&mut self, images: &Batches) -> Result<[f64; 2], Box<dyn Error>> {
        self.model.eval();
        let bar = progress(images.images() as u64, BAR, "held out");
        let (mut hits, mut seen) = ([0; 2], 0);
        for batch in images.epoch(0, 0)? {
            let (x, labels) = batch?.to(&self.device)?;
            let logits = self.model.forward(&x)?.to_vec()?;
            let labels = labels.to_vec()?;
            let found = hits_of(&logits, &labels);
            hits = [hits[0] + found[0], hits[1] + found[1]];
            seen += labels.len();
            bar.inc(labels.len() as u64);
        }
        bar.finish_and_clear();
        Ok(hits.map(|hits| hits as f64 / seen.max(1) as f64))
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
    use std::fs;

    use image::{Rgb, RgbImage};
    use warpsmith::nn::{Conv2d, Dropout, Flatten, Linear, MaxPool2d, ReLU, state_dict};
    use warpsmith::ops::{Conv2dOptions, Window};

    use super::*;
    use crate::folder::Sizes;

    const CLASSES: usize = 3;
    const PER_CLASS: usize = 10;
    const BATCH: usize = 8;
    const SMALL: Sizes = Sizes {
        scaled: 20,
        side: 16,
    };

    /// Images whose colour says their class, with a file that is none among them.
    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for class in 0..CLASSES {
            let root = folder.path().join(format!("class{class}"));
            fs::create_dir(&root).unwrap();
            for i in 0..PER_CLASS {
                let pixel = |x: u32, y: u32| {
                    let mut pixel = [(x * 5 + y * 3 + 11 * i as u32) as u8 % 90; 3];
                    pixel[class] += 120;
                    Rgb(pixel)
                };
                let image = RgbImage::from_fn(24 + i as u32, 30, pixel);
                image.save(root.join(format!("{i}.jpg"))).unwrap();
            }
        }
        fs::write(folder.path().join("class1/broken.jpg"), "no image").unwrap();
        folder
    }

    fn learner(precision: Precision) -> Learner {
        let (device, mut generator) = (Device::Cpu, Generator::manual_seed(2));
        let options = Conv2dOptions::default().stride([2; 2]);
        let conv = Conv2d::new(3, 6, [4; 2], options, &mut generator, &device).unwrap();
        let linear = Linear::new(6 * 9, CLASSES, &mut generator, &device).unwrap();
        let model = Sequential::new()
            .push(conv)
            .push(ReLU::new())
            .push(MaxPool2d::new(Window::new([2; 2])))
            .push(Flatten::new())
            .push(Dropout::new(0.3, 5).unwrap())
            .push(linear)
            .precision(precision);
        Learner::new(model, 0.05, 2, precision, &device).unwrap()
    }

    fn images(root: &Path) -> Images {
        let (train, val) = parts(root).unwrap();
        assert_eq!(val.samples().len(), CLASSES);
        Images {
            train: Batches::new(&train, BATCH, SMALL).shuffle(7),
            val: Batches::new(&val, BATCH, SMALL),
        }
    }

    /// What is there after a run: every value by its key.
    fn values(learner: &mut Learner) -> Vec<(String, Vec<f32>)> {
        let state = state_dict(&mut learner.model).unwrap().into_iter();
        state.map(|(key, t)| (key, t.to_vec().unwrap())).collect()
    }

    /// A run that is interrupted in the middle of an epoch and goes on in another process is the run that was not; and it
    /// learns. A file that is no image is left out of both.
    #[test]
    fn a_run_goes_on() {
        let folder = folder();
        let images = images(folder.path());
        let batches = images.train.len() as u64;
        assert_eq!(batches, 3);
        let file = folder.path().join("checkpoint.safetensors");
        for precision in [Precision::F32, Precision::F16] {
            let mut whole = learner(precision);
            let before = whole.accuracies(&images.val).unwrap();
            whole.learn(&images, 5, u64::MAX, &file).unwrap();
            let after = whole.accuracies(&images.val).unwrap();
            assert!(
                after[0] > before[0] || after[0] == 1.0,
                "{before:?} {after:?}"
            );
            // its rate has fallen twice
            assert!((whole.rates.last_lr() - 5e-4).abs() < 1e-12);
            let mut parts = learner(precision);
            for steps in [2 * batches + 1, 3 * batches, u64::MAX] {
                parts.learn(&images, 5, steps, &file).unwrap();
                parts = learner(precision);
                parts.resume(&file).unwrap();
            }
            let (whole, parts) = (values(&mut whole), values(&mut parts));
            assert!(whole == parts, "{precision}");
            assert_ne!(whole, values(&mut learner(precision)));
        }
    }

    #[test]
    fn a_batch_without_an_image_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        for class in ["a", "b"] {
            for i in 0..10 {
                let root = folder.path().join(class);
                fs::create_dir_all(&root).unwrap();
                fs::write(root.join(format!("{i}.png")), "no image").unwrap();
            }
        }
        let (train, val) = parts(folder.path()).unwrap();
        let images = Images {
            train: Batches::new(&train, BATCH, SMALL).shuffle(7),
            val: Batches::new(&val, BATCH, SMALL),
        };
        let file = folder.path().join("checkpoint.safetensors");
        let learnt = learner(Precision::F32).learn(&images, 1, u64::MAX, &file);
        let text = learnt.unwrap_err().to_string();
        assert!(text.contains("none of a batch's 8 images"), "{text}");
    }

    #[test]
    fn train_and_val_stand_apart() {
        let folder = folder();
        let both = tempfile::tempdir().unwrap();
        for part in ["train", "val"] {
            for class in ["class0", "class2"] {
                let to = both.path().join(part).join(class);
                fs::create_dir_all(&to).unwrap();
                fs::copy(folder.path().join(class).join("1.jpg"), to.join("1.jpg")).unwrap();
            }
        }
        let (train, val) = parts(both.path()).unwrap();
        assert_eq!((train.samples().len(), val.samples().len()), (2, 2));
        assert_eq!(train.classes(), ["class0", "class2"]);
        fs::rename(
            both.path().join("val/class2"),
            both.path().join("val/class1"),
        )
        .unwrap();
        assert!(
            parts(both.path())
                .unwrap_err()
                .to_string()
                .contains("one set of classes")
        );
    }

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
