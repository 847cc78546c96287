//! What is trained, and its replays against its steps.

use warpsmith::nn::optim::{Optimizer, OptimizerState};
use warpsmith::nn::{
    AdaptiveAvgPool2d, AvgPool2d, BatchNorm2d, Conv2d, CrossEntropyLoss, Dropout, Flatten, Linear,
    LocalResponseNorm, MaxPool2d, Module, ReLU, Residual, Sequential,
};
use warpsmith::ops::{Conv2dOptions, LrnOptions, Window};
use warpsmith::{CudaGraph, Device, Generator, Result, Tensor};

pub type Batch = (Tensor<f32>, Tensor<i32>);

/// Parameters and buffers, steps made, and what the optimizer remembers.
pub type Values = (Vec<Vec<f32>>, u64, Vec<Vec<f32>>);

/// What is trained, and how.
pub struct Run {
    pub model: Sequential,
    pub optimizer: Box<dyn Optimizer>,
    pub criterion: CrossEntropyLoss,
}

impl Run {
    pub fn new(model: Sequential, optimizer: impl Optimizer + 'static) -> Self {
        Self {
            model,
            optimizer: Box::new(optimizer),
            criterion: CrossEntropyLoss::new(),
        }
    }

    pub fn step(&mut self, (x, labels): &Batch) -> Result<Tensor<f32>> {
        let logits = self.model.forward(x)?;
        let loss = self.criterion.forward(&logits, labels)?;
        self.model
            .backward_parameters(&self.criterion.backward()?)?;
        self.optimizer.step(&mut self.model)?;
        Ok(loss)
    }

    pub fn values(&mut self) -> Result<Values> {
        let parameters = self.model.parameters();
        let parameters = parameters.iter().map(|p| p.value.to_vec());
        let mut parameters = parameters.collect::<Result<Vec<_>>>()?;
        for (_, buffer) in self.model.named_buffers() {
            parameters.push(buffer.to_vec()?);
        }
        let OptimizerState { step, tensors } = self.optimizer.state_dict(&mut self.model)?;
        let tensors = tensors
            .values()
            .map(Tensor::to_vec)
            .collect::<Result<_>>()?;
        Ok((parameters, step, tensors))
    }
}

/// A batch of its own for every step.
pub fn batches(n: usize, shape: &[usize], classes: usize, device: &Device) -> Result<Vec<Batch>> {
    let mut generator = Generator::manual_seed(5);
    let batch = |step| {
        let x = Tensor::randn(shape, &mut generator, device)?;
        let labels: Vec<i32> = (0..shape[0])
            .map(|i| ((i + step) % classes) as i32)
            .collect();
        Ok((x, Tensor::from_vec(labels, &shape[..1], device)?))
    };
    (0..n).map(batch).collect()
}

/// One step, a capture, and a replay for every other batch: the losses.
fn replayed(run: &mut Run, batches: &[Batch], device: &Device) -> Result<Vec<f32>> {
    let mut losses = vec![run.step(&batches[0])?.item()?];
    let (x, labels) = &batches[0];
    let (mut x, mut labels) = (x.copy()?, labels.copy()?);
    let inputs = (x.clone(), labels.clone());
    let (mut graph, loss) = CudaGraph::capture(device, || run.step(&inputs))?;
    drop(inputs);
    for (next, classes) in &batches[1..] {
        x.copy_(next)?;
        labels.copy_(classes)?;
        graph.replay()?;
        losses.push(loss.item()?);
    }
    Ok(losses)
}

/// The run with replays against the run without.
pub fn check(
    what: &str,
    make: impl Fn() -> Result<Run>,
    batches: &[Batch],
    device: &Device,
) -> Result<()> {
    let (mut plain, mut captured) = (make()?, make()?);
    let step = |batch| plain.step(batch)?.item();
    let want = batches.iter().map(step).collect::<Result<Vec<f32>>>()?;
    let got = replayed(&mut captured, batches, device)?;
    assert_eq!(got, want, "{what}: losses");
    assert_ne!(want[0], want[want.len() - 1], "{what}: nothing is learnt");
    assert!(
        captured.values()? == plain.values()?,
        "{what}: parameters or states"
    );
    assert_eq!(captured.optimizer.steps().unwrap(), batches.len() as u64);
    Ok(())
}

pub fn perceptron(device: &Device) -> Result<Sequential> {
    let mut generator = Generator::manual_seed(1);
    Ok(Sequential::new()
        .push(Linear::new(5, 17, &mut generator, device)?)
        .push(ReLU::new())
        .push(Linear::new(17, 3, &mut generator, device)?))
}

/// A convolutional network with every layer that has something to keep.
pub fn convolutional(device: &Device) -> Result<Sequential> {
    let mut generator = Generator::manual_seed(2);
    let options = Conv2dOptions::default().padding([1; 2]);
    let conv = Conv2d::new(1, 4, [3; 2], options, &mut generator, device)?;
    let inner = Conv2d::new(4, 4, [3; 2], options, &mut generator, device)?;
    Ok(Sequential::new()
        .push(conv)
        .push(BatchNorm2d::new(4, device)?)
        .push(Residual::new(inner).shortcut("downsample", BatchNorm2d::new(4, device)?))
        .push(ReLU::new())
        .push(LocalResponseNorm::new(LrnOptions::new(3)))
        .push(MaxPool2d::new(Window::new([2; 2])))
        .push(AvgPool2d::new(Window::new([2; 2])))
        .push(AdaptiveAvgPool2d::new([2; 2]))
        .push(Flatten::new())
        .push(Dropout::new(0.3, 11)?)
        .push(Linear::new(16, 24, &mut generator, device)?)
        .push(Dropout::new(0.5, 12)?)
        .push(Linear::new(24, 3, &mut generator, device)?))
}
