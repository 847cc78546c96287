//! Softmax and log-softmax on the CPU: maximum, exponentials with their sum, and scaling, each over a row that the
//! first pass brought into the cache.

use crate::cpu::{map_rows, sum_f64};
use crate::element::Float;
use crate::math::exp;

/// The maximum, passing over NaN: that comes back through the sum of the exponentials.
#[inline(always)]
pub(crate) fn max(x: &[f32]) -> f32 {
    const LANES: usize = 32;
    let larger = |a: f32, b: f32| if b > a { b } else { a };
    let mut tops = [f32::NEG_INFINITY; LANES];
    let (blocks, rest) = x.as_chunks::<LANES>();
    for block in blocks {
        for (top, &x) in tops.iter_mut().zip(block) {
            *top = larger(*top, x);
        }
    }
    tops.iter()
        .chain(rest)
        .copied()
        .fold(f32::NEG_INFINITY, larger)
}

/// `y = exp(x - max)`, and the sum of it.
#[inline(always)]
pub(crate) fn exp_and_sum(x: &[f32], max: f32, y: &mut [f32]) -> f64 {
    const LANES: usize = 16;
    let mut sums = [0.0; LANES];
    let (x_blocks, x_rest) = x.as_chunks::<LANES>();
    let (y_blocks, y_rest) = y.as_chunks_mut::<LANES>();
    for (x, y) in x_blocks.iter().zip(y_blocks) {
        for ((x, y), sum) in x.iter().zip(y).zip(&mut sums) {
            *y = exp(x - max);
            *sum += f64::from(*y);
        }
    }
    let mut sum = sums.iter().sum::<f64>();
    for (x, y) in x_rest.iter().zip(y_rest) {
        *y = exp(x - max);
        sum += f64::from(*y);
    }
    sum
}

pub(crate) fn softmax<T: Float>(x: &[T], y: &mut [T], cols: usize) {
    map_rows([x], y, cols, |_, [x], y| {
        let scale = (1.0 / exp_and_sum(x, max(x), y)) as f32;
        y.iter_mut().for_each(|y| *y *= scale);
    });
}

pub(crate) fn log_softmax<T: Float>(x: &[T], y: &mut [T], cols: usize) {
    map_rows([x], y, cols, |_, [x], y| {
        let max = max(x);
        let log = sum_f64(x, |x| f64::from(exp(x - max))).ln() as f32;
        // one after the other: max + log would round the small logarithm away beside a large maximum
        y.iter_mut().zip(x).for_each(|(y, x)| *y = x - max - log);
    });
}

pub(crate) fn softmax_backward<T: Float>(dy: &[T], y: &[T], dx: &mut [T], cols: usize) {
    map_rows([dy, y], dx, cols, |_, [dy, y], dx| {
        dx.iter_mut()
            .zip(dy)
            .zip(y)
            .for_each(|((dx, dy), y)| *dx = dy * y);
        let sum = sum_f64(dx, f64::from) as f32;
        dx.iter_mut().zip(y).for_each(|(dx, y)| *dx -= y * sum);
    });
}

pub(crate) fn log_softmax_backward<T: Float>(dy: &[T], y: &[T], dx: &mut [T], cols: usize) {
    map_rows([dy, y], dx, cols, |_, [dy, y], dx| {
        let sum = sum_f64(dy, f64::from) as f32;
        dx.iter_mut()
            .zip(dy)
            .zip(y)
            .for_each(|((dx, dy), &y)| *dx = dy - exp(y) * sum);
    });
}
