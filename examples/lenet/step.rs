//! One training step: run, or captured once and replayed.

use warpsmith::distributed::{Communicator, DistributedDataParallel};
use warpsmith::models::{LeNetActivation, lenet5};
use warpsmith::nn::optim::{Adam, Optimizer};
use warpsmith::nn::{CrossEntropyLoss, GradScaler, Module, Precision};
use warpsmith::{CudaGraph, Device, Generator, Result, Tensor};

/// Which network it is.
#[derive(Clone, Copy)]
pub struct Network {
    pub activation: LeNetActivation,
    pub precision: Precision,
}

/// What a step learns with.
pub struct Learner {
    pub model: Box<dyn Module>,
    pub optimizer: Adam,
    criterion: CrossEntropyLoss,
    pub scaler: GradScaler,
    device: Device,
    /// Whether steps are captured and replayed.
    pub graphs: bool,
    captured: Option<Captured>,
}

/// A captured step with the tensors that it reads and makes.
struct Captured {
    graph: CudaGraph,
    x: Tensor<f32>,
    labels: Tensor<i32>,
    made: Made,
}

/// What comes out of a step.
pub struct Made {
    pub loss: Tensor<f32>,
    pub logits: Tensor<f32>,
}

impl Learner {
    pub fn new(
        classes: usize,
        network: Network,
        lr: f64,
        generator: &mut Generator,
        device: &Device,
        ranks: Option<&Communicator>,
    ) -> Result<Self> {
        let model = lenet5(classes, network.activation, generator, device)?;
        let model = model.precision(network.precision);
        Ok(Self {
            model: match ranks {
                None => Box::new(model),
                Some(ranks) => Box::new(DistributedDataParallel::new(model, ranks)?),
            },
            optimizer: Adam::new(lr),
            criterion: CrossEntropyLoss::new(),
            scaler: GradScaler::new().enabled(network.precision == Precision::F16),
            device: device.clone(),
            graphs: false,
            captured: None,
        })
    }

    /// Batches learnt from, those among them whose step was skipped.
    pub fn batches(&self) -> Result<u64> {
        Ok(self.optimizer.steps()? + self.scaler.state_dict()?.skipped)
    }

    /// Learns from a batch. With graphs, batches of the size of the second are learnt from by replays: the first step
    /// makes the optimizer's state, and the last batch of an epoch may be smaller.
    pub fn step(&mut self, x: &Tensor<f32>, labels: &Tensor<i32>) -> Result<Made> {
        if self.graphs && self.captured.is_none() && self.batches()? > 0 {
            self.captured = Some(self.capture(x, labels)?);
        }
        let Some(captured) = &mut self.captured else {
            return self.run(x, labels);
        };
        if captured.x.shape() != x.shape() {
            return self.run(x, labels);
        }
        captured.x.copy_(x)?;
        captured.labels.copy_(labels)?;
        captured.graph.replay()?;
        // the next replay writes over what this one has made
        Ok(Made {
            loss: captured.made.loss.copy()?,
            logits: captured.made.logits.copy()?,
        })
    }

    fn capture(&mut self, x: &Tensor<f32>, labels: &Tensor<i32>) -> Result<Captured> {
        let (x, labels) = (x.copy()?, labels.copy()?);
        let device = self.device.clone();
        let (graph, made) = CudaGraph::capture(&device, || self.run(&x, &labels))?;
        Ok(Captured {
            graph,
            x,
            labels,
            made,
        })
    }

    fn run(&mut self, x: &Tensor<f32>, labels: &Tensor<i32>) -> Result<Made> {
        let logits = self.model.forward(x)?;
        let loss = self.criterion.forward(&logits, labels)?;
        self.model
            .backward_parameters(&self.scaler.backward(&self.criterion)?)?;
        self.scaler.step(&mut self.optimizer, &mut *self.model)?;
        self.scaler.update()?;
        Ok(Made { loss, logits })
    }
}
