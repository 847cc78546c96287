//! Cross-entropy of a softmax on the CPU. Labels are checked by the caller.

use crate::cpu::{map_rows, reduce_rows, vectorized};
use crate::element::Float;
use crate::ops::cross_entropy::Reduction;
use crate::ops::softmax::cpu::{exp_and_sum, max, softmax_row};

/// Exponentials that are worked out at a time: few, since clearing room for them must not cost more than a short row.
const BLOCK: usize = 64;
/// Rows whose losses are kept at a time.
const BAND: usize = 4096;

/// What the losses are made with.
pub(crate) struct Terms<'a> {
    pub(crate) weight: Option<&'a [f32]>,
    pub(crate) ignore_index: i32,
    pub(crate) reduction: Reduction,
    pub(crate) label_smoothing: f64,
}

impl Terms<'_> {
    fn weight(&self, class: usize) -> f64 {
        self.weight.map_or(1.0, |weight| f64::from(weight[class]))
    }

    /// The weight of a row, by its label.
    fn of(&self, label: i32) -> f64 {
        match label == self.ignore_index {
            true => 0.0,
            false => self.weight(label as usize),
        }
    }

    fn total(&self, labels: &[i32]) -> f64 {
        labels.iter().map(|&label| self.of(label)).sum()
    }

    /// The loss of a row.
    fn loss(&self, x: &[f32], label: i32) -> f64 {
        if label == self.ignore_index {
            return 0.0;
        }
        let (max, log) = max_and_log(x);
        let below = |x: f32| log - f64::from(x - max);
        let own = self.of(label) * below(x[label as usize]);
        if self.label_smoothing == 0.0 {
            return own;
        }
        let all = x.iter().enumerate();
        let all: f64 = all.map(|(class, &x)| self.weight(class) * below(x)).sum();
        let (keep, spread) = self.shares(x.len());
        keep * own + spread * all
    }

    /// How much of a label stays its own, and how much each class gets.
    fn shares(&self, classes: usize) -> (f64, f64) {
        let smoothing = self.label_smoothing;
        (1.0 - smoothing, smoothing / classes as f64)
    }
}

/// The losses, or what the reduction makes of them; answers the sum of the labels' weights.
pub(crate) fn cross_entropy<T: Float>(
    x: &[T],
    labels: &[i32],
    y: &mut [T],
    classes: usize,
    terms: &Terms<'_>,
) -> f64 {
    let total = terms.total(labels);
    if terms.reduction == Reduction::None {
        reduce_rows(x, classes, y, |row, x| {
            T::from_f32(terms.loss(x, labels[row]) as f32)
        });
        return total;
    }
    let mut losses = vec![0.0; labels.len().min(BAND)];
    let mut sum = 0.0;
    for (band, labels) in labels.chunks(BAND).enumerate() {
        let losses = &mut losses[..labels.len()];
        let x = &x[band * BAND * classes..][..labels.len() * classes];
        reduce_rows(x, classes, losses, |row, x| terms.loss(x, labels[row]));
        sum += losses.iter().sum::<f64>();
    }
    if terms.reduction == Reduction::Mean {
        sum /= total;
    }
    y[0] = T::from_f32(sum as f32);
    total
}

/// The gradient of the logits, from that of the result or from ones.
pub(crate) fn cross_entropy_backward<T: Float>(
    dy: Option<&[T]>,
    x: &[T],
    labels: &[i32],
    dx: &mut [T],
    classes: usize,
    terms: &Terms<'_>,
) {
    let divisor = match terms.reduction {
        Reduction::Mean => terms.total(labels),
        Reduction::Sum | Reduction::None => 1.0,
    };
    let (keep, spread) = terms.shares(classes);
    let weights: f64 = match terms.label_smoothing {
        0.0 => 0.0,
        _ => (0..classes).map(|class| terms.weight(class)).sum(),
    };
    map_rows([x], dx, classes, |row, [x], dx| {
        let label = labels[row];
        if label == terms.ignore_index {
            return dx.fill(0.0);
        }
        let dy = dy.map_or(1.0, |dy| match terms.reduction {
            Reduction::None => f64::from(dy[row].to_f32()),
            Reduction::Sum | Reduction::Mean => f64::from(dy[0].to_f32()),
        });
        let share = dy / divisor;
        let own = share * keep * terms.of(label);
        softmax_row(x, dx, own + share * spread * weights);
        if spread != 0.0 {
            for (class, dx) in dx.iter_mut().enumerate() {
                *dx -= (share * spread * terms.weight(class)) as f32;
            }
        }
        dx[label as usize] -= own as f32;
    });
}

/// The maximum, and the logarithm of the sum of exp(x - maximum).
fn max_and_log(x: &[f32]) -> (f32, f64) {
    vectorized!({
        let max = max(x);
        let mut sum = 0.0;
        let mut exps = [0.0; BLOCK];
        for x in x.chunks(BLOCK) {
            sum += exp_and_sum(x, max, &mut exps[..x.len()]);
        }
        (max, sum.ln())
    })
}
