//! Wider or deeper? Networks of about as many parameters, from one wide hidden layer to many narrow ones.

use warpsmith::nn::Module;
use warpsmith::nn::optim::Adam;

use crate::chart::{Chart, Line};
use crate::spiral::{Activation, CLASSES, Spiral, line, network};
use crate::{Answer, Desk};

const STEPS: usize = 600;
/// Parameters that every network has at most.
const BUDGET: usize = 3000;

/// The widest that `depth` hidden layers can be.
fn width(depth: usize) -> usize {
    let parameters = |w: usize| 3 * w + (depth - 1) * w * (w + 1) + CLASSES * (w + 1);
    (1..BUDGET)
        .take_while(|&w| parameters(w) <= BUDGET)
        .last()
        .unwrap_or(1)
}

pub fn answer(desk: &Desk) -> Answer {
    let spiral = Spiral::new(desk.device)?;
    let mut lines: Vec<Line> = Vec::new();
    let mut found = Vec::new();
    for depth in [1, 2, 4, 8, 16] {
        let width = width(depth);
        let mut model = network(&vec![width; depth], Activation::ReLU, desk.device)?;
        let parameters: usize = model.parameters().iter().map(|p| p.value.numel()).sum();
        let losses = spiral.train(&mut model, &mut Adam::new(2e-3), STEPS)?;
        let accuracy = spiral.accuracy(&mut model)?;
        let name = format!("{depth} x {width} ({parameters} parameters): {accuracy:.3}");
        lines.push((name, line(&losses)));
        found.push((accuracy, depth, width));
    }
    let chart = Chart {
        title: "Equal numbers of parameters, from wide to deep",
        x: "step",
        y: "loss",
        logarithmic: false,
    };
    chart.draw(&desk.picture("width"), &lines)?;
    let best = found
        .iter()
        .copied()
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .unwrap_or_default();
    let (wide, deep) = (found[0], found[found.len() - 1]);
    Ok(format!(
        "With about {BUDGET} parameters each, one layer of {} gets {:.3} of the points right after {STEPS} steps, {} layers \
         of {} get {:.3}, and {} of {} get {:.3}: the best lies where depth {}.",
        wide.2,
        wide.0,
        best.1,
        best.2,
        best.0,
        deep.1,
        deep.2,
        deep.0,
        if best.1 == 1 {
            "adds nothing yet"
        } else {
            "bends enough and still lets gradients through"
        }
    ))
}
