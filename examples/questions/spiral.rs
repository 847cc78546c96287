//! The spirals that most of the questions are asked of.

use warpsmith::nn::optim::Optimizer;
use warpsmith::nn::{CrossEntropyLoss, GradScaler, Linear, Module, ReLU, Sequential, Sigmoid};
use warpsmith::{Device, Generator, Result, Tensor, data};

pub const CLASSES: usize = 3;
const PER_CLASS: usize = 1000;

pub struct Spiral {
    points: Tensor<f32>,
    labels: Tensor<i32>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    None,
    ReLU,
    Sigmoid,
}

/// A network of two inputs, these hidden widths, and three classes.
pub fn network(widths: &[usize], activation: Activation, device: &Device) -> Result<Sequential> {
    let mut generator = Generator::manual_seed(1);
    let (mut model, mut inputs) = (Sequential::new(), 2);
    for &width in widths {
        model = model.push(Linear::new(inputs, width, &mut generator, device)?);
        model = match activation {
            Activation::None => model,
            Activation::ReLU => model.push(ReLU::new()),
            Activation::Sigmoid => model.push(Sigmoid::new()),
        };
        inputs = width;
    }
    Ok(model.push(Linear::new(inputs, CLASSES, &mut generator, device)?))
}

impl Spiral {
    pub fn new(device: &Device) -> Result<Self> {
        let mut generator = Generator::manual_seed(6);
        let (points, labels) = data::spiral(CLASSES, PER_CLASS, &mut generator, device)?;
        Ok(Self { points, labels })
    }

    /// One forward and backward: the gradients stand in the model afterwards. The loss.
    pub fn gradients(&self, model: &mut Sequential) -> Result<f32> {
        self.gradients_scaled(model, &mut GradScaler::new().enabled(false))
    }

    fn gradients_scaled(&self, model: &mut Sequential, scaler: &mut GradScaler) -> Result<f32> {
        let mut criterion = CrossEntropyLoss::new();
        let logits = model.forward(&self.points)?;
        let loss = criterion.forward(&logits, &self.labels)?;
        model.backward_parameters(&scaler.backward(&criterion)?)?;
        loss.item()
    }

    /// The loss of every step of a training on all points at once.
    pub fn train(
        &self,
        model: &mut Sequential,
        optimizer: &mut dyn Optimizer,
        steps: usize,
    ) -> Result<Vec<f32>> {
        let mut unscaled = GradScaler::new().enabled(false);
        self.train_scaled(model, optimizer, &mut unscaled, steps)
    }

    /// [`Spiral::train`] with a loss that is scaled.
    pub fn train_scaled(
        &self,
        model: &mut Sequential,
        optimizer: &mut dyn Optimizer,
        scaler: &mut GradScaler,
        steps: usize,
    ) -> Result<Vec<f32>> {
        let mut losses = Vec::with_capacity(steps);
        for _ in 0..steps {
            losses.push(self.gradients_scaled(model, scaler)?);
            scaler.step(optimizer, model)?;
            scaler.update()?;
        }
        Ok(losses)
    }

    /// The share of the points that the network gets right.
    pub fn accuracy(&self, model: &mut Sequential) -> Result<f64> {
        let guesses = model.forward(&self.points)?.argmax()?.to_vec()?;
        let labels = self.labels.to_vec()?;
        let hits = guesses.iter().zip(&labels).filter(|(a, b)| a == b).count();
        Ok(hits as f64 / labels.len() as f64)
    }
}

/// Losses as a line, a point for every step.
pub fn line(losses: &[f32]) -> Vec<(f64, f64)> {
    let steps = losses.iter().enumerate();
    steps
        .map(|(i, &loss)| (i as f64, f64::from(loss)))
        .collect()
}
