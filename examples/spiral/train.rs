//! The two networks, their training, and what they say of any point of the plane.

use std::fmt;

use warpsmith::nn::{
    CrossEntropyLoss, GradScaler, Linear, Module, Precision, ReLU, Sequential, optim,
};
use warpsmith::{Device, Generator, Result, Tensor, data};

use common::progress;

const CLASSES: usize = 3;
const PER_CLASS: usize = 1000;
const HIDDEN: usize = 100;
const LEARNING_RATE: f64 = 1e-3;
const WEIGHT_DECAY: f64 = 1e-5;
/// How often the bar reads the loss: each reading waits for the device.
const SHOW_EVERY: u32 = 50;

const BAR: &str = "{prefix} [{bar:30}] {pos:>5}/{len} {msg} {elapsed}";

/// What stands between the two linear layers.
#[derive(Clone, Copy)]
pub enum Activation {
    None,
    Relu,
}

/// How the weights are changed.
#[derive(Clone, Copy)]
pub enum Optimizer {
    Sgd,
    Adam,
}

impl fmt::Display for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::None => "none",
            Self::Relu => "ReLU",
        })
    }
}

impl fmt::Display for Optimizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Sgd => "SGD",
            Self::Adam => "Adam",
        })
    }
}

/// The data, and how long to train on it.
pub struct Experiment {
    device: Device,
    seed: u64,
    iterations: u32,
    precision: Precision,
    points: Tensor<f32>,
    labels: Tensor<i32>,
}

/// A trained network and the share of the training points that it gets right.
pub struct Trained {
    model: Sequential,
    device: Device,
    pub accuracy: f64,
}

impl Experiment {
    pub fn new(seed: u64, iterations: u32, precision: Precision, device: &Device) -> Result<Self> {
        let (points, labels) = data::spiral(
            CLASSES,
            PER_CLASS,
            &mut Generator::manual_seed(seed),
            device,
        )?;
        Ok(Self {
            device: device.clone(),
            seed,
            iterations,
            precision,
            points,
            labels,
        })
    }

    /// Every point as x, y and class.
    pub fn points(&self) -> Result<Vec<(f32, f32, i32)>> {
        let (points, labels) = (self.points.to_vec()?, self.labels.to_vec()?);
        Ok(points
            .chunks_exact(2)
            .zip(labels)
            .map(|(p, label)| (p[0], p[1], label))
            .collect())
    }

    pub fn train(&self, activation: Activation, choice: Optimizer) -> Result<Trained> {
        // other numbers than the data's
        let mut generator = Generator::manual_seed(self.seed.wrapping_add(1_000_003));
        let mut model = Sequential::new()
            .precision(self.precision)
            .push(Linear::new(2, HIDDEN, &mut generator, &self.device)?);
        if matches!(activation, Activation::Relu) {
            model = model.push(ReLU::new());
        }
        let mut model = model.push(Linear::new(HIDDEN, CLASSES, &mut generator, &self.device)?);
        let mut optimizer: Box<dyn optim::Optimizer> = match choice {
            Optimizer::Sgd => Box::new(optim::Sgd::new(LEARNING_RATE).weight_decay(WEIGHT_DECAY)),
            Optimizer::Adam => Box::new(optim::Adam::new(LEARNING_RATE).weight_decay(WEIGHT_DECAY)),
        };
        let mut criterion = CrossEntropyLoss::new();
        let mut scaler = GradScaler::new().enabled(self.precision == Precision::F16);
        let bar = progress(
            u64::from(self.iterations),
            BAR,
            &format!("{activation:>4} + {choice:<4}"),
        );
        for iteration in 0..self.iterations {
            let logits = model.forward(&self.points)?;
            let loss = criterion.forward(&logits, &self.labels)?;
            if iteration % SHOW_EVERY == 0 || iteration + 1 == self.iterations {
                bar.set_message(format!(
                    "loss {:.3}  accuracy {:.3}",
                    loss.item()?,
                    self.accuracy(&logits)?
                ));
                bar.set_position(u64::from(iteration + 1));
            }
            model.backward_parameters(&scaler.backward(&criterion)?)?;
            scaler.step(&mut *optimizer, &mut model)?;
            scaler.update()?;
        }
        bar.finish();
        let accuracy = self.accuracy(&model.forward(&self.points)?)?;
        Ok(Trained {
            model,
            device: self.device.clone(),
            accuracy,
        })
    }

    fn accuracy(&self, logits: &Tensor<f32>) -> Result<f64> {
        let (guesses, labels) = (logits.argmax()?.to_vec()?, self.labels.to_vec()?);
        let right = guesses
            .iter()
            .zip(&labels)
            .filter(|(guess, label)| guess == label)
            .count();
        Ok(right as f64 / labels.len() as f64)
    }
}

impl Trained {
    /// The probability of each class at the centres of `cells` x `cells` squares of [-reach, reach]², row by row
    /// from the top.
    pub fn regions(mut self, cells: usize, reach: f32) -> Result<Vec<[f32; CLASSES]>> {
        let at = |i: usize| reach * (2.0 * (i as f32 + 0.5) / cells as f32 - 1.0);
        let plane: Vec<f32> = (0..cells * cells)
            .flat_map(|i| [at(i % cells), -at(i / cells)])
            .collect();
        let plane = Tensor::from_vec(plane, &[cells * cells, 2], &self.device)?;
        let probabilities = self.model.forward(&plane)?.softmax()?.to_vec()?;
        Ok(probabilities
            .chunks_exact(CLASSES)
            .map(|p| [p[0], p[1], p[2]])
            .collect())
    }
}
