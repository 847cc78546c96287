//! One training step, of any network: run, or captured once and replayed; alone, or as a rank's part of it.

use std::path::Path;

use warpsmith::distributed::DistributedDataParallel;
use warpsmith::nn::optim::Optimizer;
use warpsmith::nn::{self, CrossEntropyLoss, GradScaler, Module, Precision, Sequential};
use warpsmith::{CudaGraph, Result, Tensor};

use crate::ranks::Ranks;

/// What a step learns with.
pub struct Learner<O: Optimizer> {
    pub model: Box<dyn Module>,
    pub optimizer: O,
    criterion: CrossEntropyLoss,
    scaler: GradScaler,
    ranks: Ranks,
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
    /// The mean over this rank's part of the batch.
    pub loss: Tensor<f32>,
    pub logits: Tensor<f32>,
}

impl<O: Optimizer> Learner<O> {
    /// Learns with a model that is on the device of `ranks`; as ranks all begin with the first one's.
    ///
    /// # Errors
    /// A rank that has failed.
    pub fn new(
        model: Sequential,
        optimizer: O,
        precision: Precision,
        ranks: &Ranks,
    ) -> Result<Self> {
        let model = model.precision(precision);
        Ok(Self {
            model: match ranks.communicator() {
                None => Box::new(model),
                Some(own) => Box::new(DistributedDataParallel::new(model, own)?),
            },
            optimizer,
            criterion: CrossEntropyLoss::new(),
            scaler: GradScaler::new().enabled(precision == Precision::F16),
            ranks: ranks.clone(),
            graphs: false,
            captured: None,
        })
    }

    /// Batches learnt from, those among them whose step was skipped.
    ///
    /// # Errors
    /// Whatever the device answers.
    pub fn batches(&self) -> Result<u64> {
        Ok(self.optimizer.steps()? + self.scaler.state_dict()?.skipped)
    }

    /// Learns from a batch, or a rank's part of one. With graphs, batches of the size of the second are learnt from by
    /// replays: the first step makes the optimizer's state, and the last batch of an epoch may be smaller.
    ///
    /// # Errors
    /// Whatever the network, the device or the other ranks answer.
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
        let device = self.ranks.device().clone();
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

    /// Begins with a file's weights, on every rank.
    ///
    /// # Errors
    /// A file that is not one of this network, on any rank.
    pub fn load(&mut self, weights: &Path) -> Result<()> {
        let model = &mut *self.model;
        self.ranks.read(|| nn::load(model, weights))
    }

    /// Goes on where a run of the same options was saved, in the middle of an epoch too.
    ///
    /// # Errors
    /// A file that is no checkpoint of such a run, on any rank.
    pub fn resume(&mut self, checkpoint: &Path) -> Result<()> {
        let (model, optimizer, scaler) = (&mut *self.model, &mut self.optimizer, &mut self.scaler);
        self.ranks
            .read(|| nn::load_checkpoint_scaled(model, optimizer, scaler, checkpoint))
    }

    /// Saves the weights for other programs: one rank does.
    ///
    /// # Errors
    /// A file that cannot be written, or a rank that has failed.
    pub fn save(&mut self, weights: &Path) -> Result<()> {
        let model = &mut *self.model;
        self.ranks.write(|| nn::save(model, weights))
    }

    /// Saves all that [`Learner::resume`] needs: one rank does.
    ///
    /// # Errors
    /// A file that cannot be written, or a rank that has failed.
    pub fn save_checkpoint(&mut self, checkpoint: &Path) -> Result<()> {
        let (model, optimizer, scaler) = (&mut *self.model, &self.optimizer, &self.scaler);
        self.ranks
            .write(|| nn::save_checkpoint_scaled(model, optimizer, scaler, checkpoint))
    }
}

/// How many rows have their largest logit at their label.
///
/// # Errors
/// Whatever the device answers.
pub fn right(logits: &Tensor<f32>, labels: &Tensor<i32>) -> Result<usize> {
    let (guesses, labels) = (logits.argmax()?.to_vec()?, labels.to_vec()?);
    Ok(guesses.iter().zip(&labels).filter(|(a, b)| a == b).count())
}
