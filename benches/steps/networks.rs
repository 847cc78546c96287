//! The networks of the examples, a step each, in f32 and in bf16.

use crate::{Report, second};
use warpsmith::models::{AlexNetOptions, LeNetActivation, alexnet, lenet5};
use warpsmith::nn::optim::{Adam, Optimizer, Sgd};
use warpsmith::nn::{CrossEntropyLoss, Linear, Module, Precision, ReLU, Sequential};
use warpsmith::{Device, Generator, Result, Tensor};

pub fn all(report: &mut Report, device: &Device) -> Result<()> {
    for precision in [Precision::F32, Precision::Bf16] {
        // examples/spiral: all points of its three classes at once
        let mut generator = Generator::manual_seed(1);
        let model = Sequential::new()
            .precision(precision)
            .push(Linear::new(2, 100, &mut generator, device)?)
            .push(ReLU::new())
            .push(Linear::new(100, 3, &mut generator, device)?);
        let adam = Adam::new(1e-3).weight_decay(1e-5);
        let name = format!("spiral, training, {precision}");
        training(report, name, model, adam, &[3000, 2])?;

        let lenet = lenet5(10, LeNetActivation::ReLU, &mut generator, device)?;
        let name = format!("LeNet at batch 64, training, {precision}");
        training(
            report,
            name,
            lenet.precision(precision),
            Adam::new(1e-3),
            &[64, 1, 28, 28],
        )?;

        let mut alexnet = alexnet(&AlexNetOptions::default(), &mut generator, device)?;
        alexnet = alexnet.precision(precision);
        alexnet.eval();
        let images = [128, 3, 227, 227];
        let x = Tensor::zeros(&images, device)?;
        let name = |what| format!("AlexNet at batch 128, {what}, {precision}");
        second(report, name("forward"), || alexnet.forward(&x).map(|_| ()));
        alexnet.train(true);
        let sgd = Sgd::new(1e-2).momentum(0.9).weight_decay(5e-4);
        training(report, name("training"), alexnet, sgd, &images)?;
    }
    Ok(())
}

fn training(
    report: &mut Report,
    name: String,
    mut model: Sequential,
    mut optimizer: impl Optimizer,
    input: &[usize],
) -> Result<()> {
    let device = model.parameters()[0].value.device().clone();
    let x = Tensor::zeros(input, &device)?;
    let labels = Tensor::zeros(&input[..1], &device)?;
    let mut criterion = CrossEntropyLoss::new();
    second(report, name, || {
        let logits = model.forward(&x)?;
        criterion.forward(&logits, &labels)?;
        model.backward_parameters(&criterion.backward()?)?;
        optimizer.step(&mut model)
    });
    Ok(())
}
