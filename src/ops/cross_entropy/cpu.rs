//! Cross-entropy of a softmax on the CPU. Labels are checked by the caller.

use crate::cpu::{map_rows, reduce_rows, vectorized};
use crate::element::Float;
use crate::ops::softmax::cpu::{exp_and_sum, max, softmax_row};

/// Exponentials that are worked out at a time: few, since clearing room for them must not cost more than a short row.
const BLOCK: usize = 64;
/// Rows whose losses are kept at a time.
const BAND: usize = 4096;

pub(crate) fn cross_entropy<T: Float>(x: &[T], labels: &[i32], classes: usize) -> T {
    let mut losses = vec![0.0; labels.len().min(BAND)];
    let mut sum = 0.0;
    for (band, labels) in labels.chunks(BAND).enumerate() {
        let losses = &mut losses[..labels.len()];
        let x = &x[band * BAND * classes..][..labels.len() * classes];
        reduce_rows(x, classes, losses, |row, x| {
            let (max, log) = max_and_log(x);
            log - f64::from(x[labels[row] as usize] - max)
        });
        sum += losses.iter().sum::<f64>();
    }
    T::from_f32((sum / labels.len() as f64) as f32)
}

pub(crate) fn cross_entropy_backward<T: Float>(
    x: &[T],
    labels: &[i32],
    dx: &mut [T],
    classes: usize,
) {
    let share = 1.0 / labels.len() as f64;
    map_rows([x], dx, classes, |row, [x], dx| {
        softmax_row(x, dx, share);
        dx[labels[row] as usize] -= share as f32;
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
