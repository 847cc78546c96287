//! Cross-entropy of a softmax on the CPU. Labels are checked by the caller.

use crate::cpu::{map_rows, reduce_rows, sum_f64};
use crate::element::Float;
use crate::math::exp;
use crate::ops::softmax::cpu::{exp_and_sum, max};

/// Rows whose losses are kept at a time.
const BAND: usize = 4096;

pub(crate) fn cross_entropy<T: Float>(x: &[T], labels: &[i32], classes: usize) -> T {
    let mut losses = vec![0.0; labels.len().min(BAND)];
    let mut sum = 0.0;
    for (band, labels) in labels.chunks(BAND).enumerate() {
        let losses = &mut losses[..labels.len()];
        let x = &x[band * BAND * classes..][..labels.len() * classes];
        reduce_rows(x, classes, losses, |row, x| {
            let max = max(x);
            let log = sum_f64(x, |x| f64::from(exp(x - max))).ln();
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
        let scale = (share / exp_and_sum(x, max(x), dx)) as f32;
        dx.iter_mut().for_each(|dx| *dx *= scale);
        dx[labels[row] as usize] -= share as f32;
    });
}
