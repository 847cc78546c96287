//! Which optimizer? The same network from the same start, each at a rate that suits it.

use warpsmith::nn::optim::{Adadelta, Adagrad, Adam, Optimizer, RmsProp, Sgd};

use crate::chart::{Chart, Line};
use crate::spiral::{Activation, Spiral, line, network};
use crate::{Answer, Desk};

const STEPS: usize = 500;
/// Steps to this loss are compared.
const GOAL: f32 = 0.5;

pub fn answer(desk: &Desk) -> Answer {
    let spiral = Spiral::new(desk.device)?;
    let optimizers: [(&str, Box<dyn Optimizer>); 6] = [
        ("SGD, lr 1", Box::new(Sgd::new(1.0))),
        (
            "momentum 0.9, lr 0.3",
            Box::new(Sgd::new(0.3).momentum(0.9)),
        ),
        ("AdaGrad, lr 0.05", Box::new(Adagrad::new(0.05))),
        ("AdaDelta, lr 1", Box::new(Adadelta::new(1.0))),
        ("RMSprop, lr 0.003", Box::new(RmsProp::new(3e-3))),
        ("Adam, lr 0.01", Box::new(Adam::new(1e-2))),
    ];
    let mut lines: Vec<Line> = Vec::new();
    let mut found = Vec::new();
    for (name, mut optimizer) in optimizers {
        let mut model = network(&[100], Activation::ReLU, desk.device)?;
        let losses = spiral.train(&mut model, optimizer.as_mut(), STEPS)?;
        let reached = losses.iter().position(|&loss| loss < GOAL);
        found.push(match reached {
            Some(step) => format!("{name}: {step}"),
            None => format!("{name}: not in {STEPS}"),
        });
        lines.push((name.into(), line(&losses)));
    }
    let chart = Chart {
        title: "Linear-ReLU-Linear on three spirals",
        x: "step",
        y: "loss",
        logarithmic: false,
    };
    chart.draw(&desk.picture("optimizers"), &lines)?;
    Ok(format!(
        "Steps until the loss is below {GOAL}: {}.",
        found.join("; ")
    ))
}
