//! Whole networks: AlexNet forward, and training steps of AlexNet, LeNet-5 and the spiral's classifier.

use warpsmith::models::{AlexNetOptions, LeNetActivation, alexnet, lenet5};
use warpsmith::nn::optim::{Adam, Optimizer, Sgd};
use warpsmith::nn::{CrossEntropyLoss, Linear, Module, ReLU, Sequential};
use warpsmith::{Device, Generator, Result, Tensor};

use crate::case::{Case, Run, Work};

type Network = fn(&mut Generator, &Device) -> Result<Sequential>;
type Choose = fn() -> Box<dyn Optimizer>;

const ALEXNET: Network = |generator, device| alexnet(&AlexNetOptions::default(), generator, device);
const LENET: Network = |generator, device| lenet5(10, LeNetActivation::ReLU, generator, device);
const SPIRAL: Network = |generator, device| {
    Ok(Sequential::new()
        .push(Linear::new(2, 100, generator, device)?)
        .push(ReLU::new())
        .push(Linear::new(100, 3, generator, device)?))
};
const ADAM: Choose = || Box::new(Adam::new(1e-3));
const MOMENTUM: Choose = || Box::new(Sgd::new(1e-2).momentum(0.9).weight_decay(5e-4));

/// The batches that the paper and common practice have; one image and a few on the CPU.
pub fn of(cuda: bool) -> Vec<Case> {
    let images = |batch| vec![batch, 3, 227, 227];
    let mut cases = vec![
        step("lenet_step", vec![64, 1, 28, 28], 10, LENET, ADAM),
        step("spiral_step", vec![3000, 2], 3, SPIRAL, ADAM),
    ];
    if cuda {
        cases.push(forward("alexnet", images(128), ALEXNET));
        cases.push(step("alexnet_step", images(128), 1000, ALEXNET, MOMENTUM));
    } else {
        cases.push(forward("alexnet", images(1), ALEXNET));
        cases.push(forward("alexnet", images(16), ALEXNET));
    }
    cases
}

/// A case whose one set of buffers is larger than any cache, or small enough to stay in one as it would in use.
fn case(
    op: &'static str,
    shape: Vec<usize>,
    make: impl Fn(&Device) -> Result<Run> + 'static,
) -> Case {
    Case {
        op,
        shape,
        dtype: "f32",
        work: Work::Both,
        footprint: usize::MAX,
        make: Box::new(make),
    }
}

fn forward(op: &'static str, shape: Vec<usize>, network: Network) -> Case {
    case(op, shape.clone(), move |device| {
        let mut generator = Generator::manual_seed(1);
        let mut model = network(&mut generator, device)?;
        model.eval();
        let x = Tensor::randn(&shape, &mut generator, device)?;
        Ok(Box::new(move || model.forward(&x).map(drop)))
    })
}

/// Forward, loss, backward, optimizer.
fn step(
    op: &'static str,
    shape: Vec<usize>,
    classes: usize,
    network: Network,
    choose: Choose,
) -> Case {
    case(op, shape.clone(), move |device| {
        let mut generator = Generator::manual_seed(1);
        let mut model = network(&mut generator, device)?;
        let (mut optimizer, mut criterion) = (choose(), CrossEntropyLoss::new());
        let x = Tensor::randn(&shape, &mut generator, device)?;
        let labels: Vec<i32> = (0..shape[0]).map(|i| (i % classes) as i32).collect();
        let labels = Tensor::from_vec(labels, &shape[..1], device)?;
        Ok(Box::new(move || {
            let logits = model.forward(&x)?;
            criterion.forward(&logits, &labels)?;
            model.backward_parameters(&criterion.backward()?)?;
            optimizer.step(&mut model)
        }))
    })
}
