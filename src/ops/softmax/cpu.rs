//! Softmax and log-softmax on the CPU: maximum, exponentials with their sum, and scaling, each over a row that the
//! first pass brought into the cache.

use crate::cpu::math::{exp, exp_not_positive};
use crate::cpu::{map_rows, prefetch, sum_f64, vectorized};
use crate::element::Float;

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
    // two plain loops over what the first-level cache holds: together they would not become vector code
    const BLOCK: usize = 256;
    // the caches hold this many of a row, its result and the row behind it
    const LONGEST: usize = 16 * 1024;
    let len = x.len();
    let mut sum = 0.0;
    for (x, y) in x.chunks(BLOCK).zip(y.chunks_mut(BLOCK)) {
        if len <= LONGEST {
            // the next row arrives while this one keeps the arithmetic busy
            prefetch(x, len);
        }
        for (y, x) in y.iter_mut().zip(x) {
            *y = exp_not_positive(x - max);
        }
        sum += sum_of_positive(y);
    }
    sum
}

/// The sum, four at a time in `f32` (nothing cancels, so that costs one rounding of the last place) and those in `f64`.
#[inline(always)]
fn sum_of_positive(x: &[f32]) -> f64 {
    const LANES: usize = 16;
    let mut sums = [0.0; LANES];
    let (blocks, rest) = x.as_chunks::<{ 4 * LANES }>();
    for x in blocks {
        for (i, sum) in sums.iter_mut().enumerate() {
            let four = (x[i] + x[i + LANES]) + (x[i + 2 * LANES] + x[i + 3 * LANES]);
            *sum += f64::from(four);
        }
    }
    sums.iter().sum::<f64>() + sum_f64(rest)
}

/// Softmax of one row, times `share`.
pub(crate) fn softmax_row(x: &[f32], y: &mut [f32], share: f64) {
    vectorized!({
        let scale = (share / exp_and_sum(x, max(x), y)) as f32;
        for y in y {
            *y *= scale;
        }
    })
}

fn log_softmax_row(x: &[f32], y: &mut [f32]) {
    vectorized!({
        let max = max(x);
        let log = exp_and_sum(x, max, y).ln() as f32;
        // one after the other: max + log would round the small logarithm away beside a large maximum
        for (y, x) in y.iter_mut().zip(x) {
            *y = x - max - log;
        }
    })
}

fn softmax_backward_row(dy: &[f32], y: &[f32], dx: &mut [f32]) {
    vectorized!({
        for ((dx, dy), y) in dx.iter_mut().zip(dy).zip(y) {
            *dx = dy * y;
        }
        let sum = sum_f64(dx) as f32;
        for (dx, y) in dx.iter_mut().zip(y) {
            *dx -= y * sum;
        }
    })
}

fn log_softmax_backward_row(dy: &[f32], y: &[f32], dx: &mut [f32]) {
    vectorized!({
        let sum = sum_f64(dy) as f32;
        for ((dx, dy), &y) in dx.iter_mut().zip(dy).zip(y) {
            *dx = dy - exp(y) * sum;
        }
    })
}

pub(crate) fn softmax<T: Float>(x: &[T], y: &mut [T], cols: usize) {
    map_rows([x], y, cols, |_, [x], y| softmax_row(x, y, 1.0));
}

pub(crate) fn log_softmax<T: Float>(x: &[T], y: &mut [T], cols: usize) {
    map_rows([x], y, cols, |_, [x], y| log_softmax_row(x, y));
}

pub(crate) fn softmax_backward<T: Float>(dy: &[T], y: &[T], dx: &mut [T], cols: usize) {
    map_rows([dy, y], dx, cols, |_, [dy, y], dx| {
        softmax_backward_row(dy, y, dx)
    });
}

pub(crate) fn log_softmax_backward<T: Float>(dy: &[T], y: &[T], dx: &mut [T], cols: usize) {
    map_rows([dy, y], dx, cols, |_, [dy, y], dx| {
        log_softmax_backward_row(dy, y, dx)
    });
}
