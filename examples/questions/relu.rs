//! What does ReLU change? The same network with and without it, and with either optimizer.

use warpsmith::nn::optim::{Adam, Optimizer, Sgd};

use crate::chart::{Chart, Line};
use crate::spiral::{Activation, Spiral, line, network};
use crate::{Answer, Desk};

const STEPS: usize = 1000;
const RATE: f64 = 1e-3;

pub fn answer(desk: &Desk) -> Answer {
    let spiral = Spiral::new(desk.device)?;
    let mut lines: Vec<Line> = Vec::new();
    let mut found = Vec::new();
    for (name, activation) in [("linear", Activation::None), ("ReLU", Activation::ReLU)] {
        let optimizers: [(&str, Box<dyn Optimizer>); 2] = [
            ("SGD", Box::new(Sgd::new(RATE))),
            ("Adam", Box::new(Adam::new(RATE))),
        ];
        for (with, mut optimizer) in optimizers {
            let mut model = network(&[100], activation, desk.device)?;
            let losses = spiral.train(&mut model, optimizer.as_mut(), STEPS)?;
            let accuracy = spiral.accuracy(&mut model)?;
            lines.push((
                format!("{name}, {with}: accuracy {accuracy:.3}"),
                line(&losses),
            ));
            found.push(accuracy);
        }
    }
    let chart = Chart {
        title: "Three spirals: loss with and without ReLU",
        x: "step",
        y: "loss",
        logarithmic: false,
    };
    chart.draw(&desk.picture("relu"), &lines)?;
    Ok(format!(
        "Two linear layers are one, so without ReLU the accuracy stays at {:.3} with SGD and {:.3} with Adam; with ReLU \
         the lines may bend, and Adam reaches {:.3} in {STEPS} steps, while SGD at the same rate is still at {:.3}: it \
         takes both.",
        found[0], found[1], found[3], found[2]
    ))
}
