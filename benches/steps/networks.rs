//! The networks of the examples, a step each, in f32 and in bf16.

use crate::{Report, second};
use warpsmith::models::{AlexNetOptions, LeNetActivation, alexnet, lenet5};
use warpsmith::nn::optim::{Adam, Optimizer, Sgd};
use warpsmith::nn::{CrossEntropyLoss, Linear, Module, Precision, ReLU, Sequential};
use warpsmith::{Device, Generator, Result, Tensor};

const PRECISIONS: [Precision; 2] = [Precision::F32, Precision::Bf16];

/// All networks, or those whose names begin with `only`.
pub fn all(report: &mut Report, device: &Device, only: &str) -> Result<()> {
    let mut generator = Generator::manual_seed(1);
    let adam = || Adam::new(1e-3);
    // examples/spiral: all points of its three classes at once
    let spiral = Sequential::new()
        .push(Linear::new(2, 100, &mut generator, device)?)
        .push(ReLU::new())
        .push(Linear::new(100, 3, &mut generator, device)?);
    if "spiral".starts_with(only) {
        training(report, "spiral", spiral, adam, &[3000, 2])?;
    }
    let lenet = lenet5(10, LeNetActivation::ReLU, &mut generator, device)?;
    if "LeNet".starts_with(only) {
        training(report, "LeNet at batch 64", lenet, adam, &[64, 1, 28, 28])?;
    }
    if !"AlexNet".starts_with(only) {
        return Ok(());
    }
    let alexnet = alexnet(&AlexNetOptions::default(), &mut generator, device)?;
    let sgd = || Sgd::new(1e-2).momentum(0.9).weight_decay(5e-4);
    let images = [128, 3, 227, 227];
    let mut alexnet = training(report, "AlexNet at batch 128", alexnet, sgd, &images)?;
    alexnet.eval();
    let x = Tensor::zeros(&images, device)?;
    for precision in PRECISIONS {
        alexnet = alexnet.precision(precision);
        let name = format!("AlexNet at batch 128, forward, {precision}");
        second(report, name, || alexnet.forward(&x).map(|_| ()));
    }
    Ok(())
}

/// How a step says in its name that nothing runs as one in it: an activation is a layer of its own, and a forward makes the
/// parameters' copies, which an optimizer that steps over plain tensors does not write.
const APART: &str = ", apart";

/// Steps of a model in each precision, as it is and with nothing running as one; the model comes back.
fn training<O: Optimizer>(
    report: &mut Report,
    name: &str,
    mut model: Sequential,
    optimizer: impl Fn() -> O,
    input: &[usize],
) -> Result<Sequential> {
    let device = model.parameters()[0].value.device().clone();
    let x = Tensor::zeros(input, &device)?;
    let labels = Tensor::zeros(&input[..1], &device)?;
    for precision in PRECISIONS {
        for (fuse, how) in [(false, APART), (true, "")] {
            model = model.precision(precision).fuse(fuse);
            let (mut criterion, mut optimizer) = (CrossEntropyLoss::new(), optimizer());
            second(
                report,
                format!("{name}, training, {precision}{how}"),
                || {
                    let logits = model.forward(&x)?;
                    criterion.forward(&logits, &labels)?;
                    model.backward_parameters(&criterion.backward()?)?;
                    if fuse {
                        return optimizer.step(&mut model);
                    }
                    let parameters = model.parameters().into_iter();
                    let mut pairs: Vec<_> = parameters.map(|p| (&mut p.value, &p.grad)).collect();
                    optimizer.step_tensors(&mut pairs)
                },
            );
        }
    }
    Ok(model)
}
