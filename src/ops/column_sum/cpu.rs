//! The sum over the rows on the CPU, in f64.

use crate::cpu::{collect, vectorized};
use crate::element::Float;

/// Elements that one task adds up, about.
const TASK: usize = 64 * 1024;
/// Rows of one task at least: its f64 sums stay small beside what it reads.
const ROWS: usize = 64;

/// `y` is as long as a row of `x`, and not empty.
pub(crate) fn column_sum<T: Float>(x: &[T], y: &mut [T]) {
    let cols = y.len();
    let band = (TASK / cols).max(ROWS) * cols;
    // collected, then added in order: the same sums whichever thread is done first
    let parts: Vec<Vec<f64>> = collect(x.chunks(band), |x| band_sums(x, cols));
    for (c, y) in y.iter_mut().enumerate() {
        *y = T::from_f32(parts.iter().map(|sums| sums[c]).sum::<f64>() as f32);
    }
}

fn band_sums<T: Float>(x: &[T], cols: usize) -> Vec<f64> {
    let mut sums = vec![0.0; cols];
    let mut wide = Vec::new();
    for row in x.chunks_exact(cols) {
        match T::as_f32(row) {
            Some(row) => add(&mut sums, row),
            None => {
                wide.resize(cols, 0.0);
                T::widen(row, &mut wide);
                add(&mut sums, &wide);
            }
        }
    }
    sums
}

fn add(sums: &mut [f64], row: &[f32]) {
    vectorized!(for (sum, &x) in sums.iter_mut().zip(row) {
        *sum += f64::from(x);
    });
}
