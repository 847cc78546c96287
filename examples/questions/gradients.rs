//! Why do gradients vanish with sigmoid? The norm of each layer's gradient in deep networks, before any training.

use warpsmith::nn::{Module, Sequential};

use crate::chart::{Chart, Line};
use crate::spiral::{Activation, Spiral, network};
use crate::{Answer, Desk};

const DEPTH: usize = 12;
const WIDTH: usize = 64;

pub fn answer(desk: &Desk) -> Answer {
    let spiral = Spiral::new(desk.device)?;
    let mut lines: Vec<Line> = Vec::new();
    let mut ratios = Vec::new();
    for (name, activation) in [("ReLU", Activation::ReLU), ("sigmoid", Activation::Sigmoid)] {
        let mut model = network(&[WIDTH; DEPTH], activation, desk.device)?;
        spiral.gradients(&mut model)?;
        let norms = norms(&mut model)?;
        // first weights against the last hidden ones: the two ends of what backward multiplies through
        ratios.push(norms[0] / norms[DEPTH - 1]);
        let points = (1..)
            .zip(&norms)
            .map(|(layer, &norm)| (f64::from(layer), norm));
        lines.push((name.into(), points.collect()));
    }
    let chart = Chart {
        title: "Norm of the gradient of each layer's weights, before the first step",
        x: "layer, from the input",
        y: "norm",
        logarithmic: true,
    };
    chart.draw(&desk.picture("gradients"), &lines)?;
    let factor = |ratio: f64| ratio.powf(1.0 / (DEPTH - 1) as f64);
    Ok(format!(
        "Through {DEPTH} layers of sigmoid the gradient of the first layer is {:.1e} of the last hidden one's, a factor of \
         {:.2} a layer, as its slope is at most 1/4; with ReLU, whose slope is 1, it is {:.1e}, a factor of {:.2}.",
        ratios[1],
        factor(ratios[1]),
        ratios[0],
        factor(ratios[0])
    ))
}

/// The norm of the gradient of each weight matrix, from the input on.
fn norms(model: &mut Sequential) -> warpsmith::Result<Vec<f64>> {
    let mut norms = Vec::new();
    for (name, parameter) in model.named_parameters() {
        if name.ends_with("weight") {
            let squares = parameter
                .grad
                .to_vec()?
                .into_iter()
                .map(|g| f64::from(g).powi(2));
            norms.push(squares.sum::<f64>().sqrt());
        }
    }
    Ok(norms)
}
