//! What does softmax do to logits? The same logits, scaled.

use warpsmith::{Result, Tensor};

use crate::chart::{Chart, Line};
use crate::{Answer, Desk};

const LOGITS: [f32; 4] = [2.0, 1.0, 0.5, -1.0];
const SHIFT: f32 = 100.0;

pub fn answer(desk: &Desk) -> Answer {
    let softmax = |scale: f32, shift: f32| -> Result<Vec<f32>> {
        let logits = LOGITS.map(|x| scale * x + shift);
        Tensor::from_slice(&logits, &[1, LOGITS.len()], desk.device)?
            .softmax()?
            .to_vec()
    };
    let mut lines: Vec<Line> = LOGITS.map(|x| (format!("logit {x}"), Vec::new())).to_vec();
    for i in 0..=80 {
        let scale = i as f32 / 20.0;
        for (line, p) in lines.iter_mut().zip(softmax(scale, 0.0)?) {
            line.1.push((f64::from(scale), f64::from(p)));
        }
    }
    let chart = Chart {
        title: "Softmax of the same four logits, scaled",
        x: "scale (1 / temperature)",
        y: "probability",
        logarithmic: false,
    };
    chart.draw(&desk.picture("softmax"), &lines)?;
    let (one, shifted) = (softmax(1.0, 0.0)?, softmax(1.0, SHIFT)?);
    let moved = one.iter().zip(&shifted).map(|(a, b)| (a - b).abs());
    Ok(format!(
        "It makes probabilities of logits: {LOGITS:?} become {:.3?}, which sum to {:.3}. A lead of 1 is a factor of {:.2}; \
         {SHIFT} added to every logit changes no probability by more than {:.0e}; scaled by 0 they are equal, {:.2} each, and \
         scaled by 4 the first takes {:.3}.",
        one,
        one.iter().sum::<f32>(),
        one[0] / one[1],
        moved.fold(0.0, f32::max),
        softmax(0.0, 0.0)?[0],
        softmax(4.0, 0.0)?[0]
    ))
}
