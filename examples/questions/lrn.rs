//! What does local response normalisation do in AlexNet, and what had LeNet instead?
//!
//! LeNet's squashing activations bound what a layer passes on. AlexNet's ReLU does not, so it divides each value by what
//! the neighbouring channels hold at the same place.

use std::sync::Arc;

use warpsmith::data::{DataLoader, glyphs};
use warpsmith::models::{AlexNetOptions, LeNetActivation, LrnConstants, alexnet, lenet5};
use warpsmith::nn::optim::{Adam, Optimizer};
use warpsmith::nn::{Conv2d, CrossEntropyLoss, Module, ReLU, Sequential};
use warpsmith::ops::Conv2dOptions;
use warpsmith::{Device, Generator, Result, Tensor};

use crate::chart::{Chart, Line};
use crate::{Answer, Desk};

const BATCH: usize = 16;
const STEPS: usize = 24;
const CLASSES: usize = 10;

/// Losses of a short training on digits of this size.
fn train(mut model: Sequential, side: usize, device: &Device) -> Result<Vec<f32>> {
    let images = glyphs(BATCH * STEPS, &mut Generator::manual_seed(3))?;
    let (mean, std) = images.mean_and_std();
    let loader = DataLoader::new(Arc::new(images), BATCH)?
        .shuffle(1)
        .normalize(mean, std)?
        .resize(side, side)?;
    let (mut optimizer, mut criterion) = (Adam::new(3e-4), CrossEntropyLoss::new());
    let mut losses = Vec::new();
    for batch in loader.epoch(0, device)? {
        let (x, labels) = batch?;
        let logits = model.forward(&x)?;
        losses.push(criterion.forward(&logits, &labels)?.item()?);
        model.backward_parameters(&criterion.backward()?)?;
        optimizer.step(&mut model)?;
    }
    Ok(losses)
}

/// A first layer's values, for images whose pixels have this deviation, and by how much LRN with the paper's constants
/// divides each: the positive ones, from small to large.
fn divided(deviation: f32, device: &Device) -> Result<Vec<(f32, f32)>> {
    let mut generator = Generator::manual_seed(5);
    let x = Tensor::randn(&[1, 3, 227, 227], &mut generator, device)?.mul(deviation)?;
    let stride = Conv2dOptions::default().stride([4; 2]);
    let mut first = Sequential::new()
        .push(Conv2d::new(3, 96, [11; 2], stride, &mut generator, device)?)
        .push(ReLU::new());
    let before = first.forward(&x)?;
    let after = before.local_response_norm(5, 5e-4, 0.75, 2.0)?.to_vec()?;
    let before = before.to_vec()?;
    let positive = before.iter().zip(&after).filter(|(x, _)| **x > 0.0);
    let mut divided: Vec<_> = positive.map(|(x, y)| (*x, x / y)).collect();
    divided.sort_by(|a, b| a.0.total_cmp(&b.0));
    Ok(divided)
}

/// The mean of every hundredth part.
fn hundredths(values: &[(f32, f32)]) -> Vec<(f64, f64)> {
    let mean = |part: &[(f32, f32)], f: fn(&(f32, f32)) -> f32| {
        part.iter().map(|v| f64::from(f(v))).sum::<f64>() / part.len() as f64
    };
    let parts = values.chunks(values.len().div_ceil(100).max(1));
    parts
        .map(|part| (mean(part, |v| v.0), mean(part, |v| v.1)))
        .collect()
}

pub fn answer(desk: &Desk) -> Answer {
    let device = desk.device;
    let seeded = || Generator::manual_seed(1);
    let mut last = Vec::new();
    let lenet = lenet5(CLASSES, LeNetActivation::ReLU, &mut seeded(), device)?;
    let mut networks = vec![(lenet, 28)];
    for lrn in [LrnConstants::None, LrnConstants::Paper] {
        let options = AlexNetOptions {
            channels: 1,
            classes: CLASSES,
            lrn,
            ..AlexNetOptions::default()
        };
        networks.push((alexnet(&options, &mut seeded(), device)?, 227));
    }
    for (model, side) in networks {
        let losses = train(model, side, device)?;
        last.push(losses[STEPS - 4..].iter().sum::<f32>() / 4.0);
    }
    let (unit, pixels) = (divided(1.0, device)?, divided(60.0, device)?);
    let lines: [Line; 2] = [
        ("pixels of deviation 1".into(), hundredths(&unit)),
        (
            "pixels up to 255 (deviation 60)".into(),
            hundredths(&pixels),
        ),
    ];
    let chart = Chart {
        title: "By how much LRN divides the values of AlexNet's first layer",
        x: "value",
        y: "divided by",
        logarithmic: false,
    };
    chart.draw(&desk.picture("lrn"), &lines)?;
    let range = |divided: &[(f32, f32)]| {
        let each = divided.iter().map(|v| v.1);
        each.fold((f32::MAX, 0.0), |(low, high): (f32, f32), d| {
            (low.min(d), high.max(d))
        })
    };
    let ((low_1, high_1), (low_60, high_60)) = (range(&unit), range(&pixels));
    Ok(format!(
        "On pixels of deviation 1 LRN divides every value by {low_1:.2} to {high_1:.2}, that is by the same; on pixels up to \
         255 (deviation 60), as the paper had them, by {low_60:.2} to {high_60:.2}: it is the large responses that it holds \
         down, which LeNet's squashing activations did by themselves. What it does for learning takes longer to show than \
         {STEPS} steps of {BATCH} images, after which LeNet-5 is at a loss of {:.2}, AlexNet without LRN at {:.2} and with \
         it at {:.2} (guessing: {:.2}).",
        last[0],
        last[1],
        last[2],
        (CLASSES as f32).ln()
    ))
}
