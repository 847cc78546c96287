//! The sum of all elements on the CPU, in f64.

use crate::cpu::{collect, sum_f64, vectorized};
use crate::element::Float;

/// Elements that one task adds up.
const TASK: usize = 32 * 1024;
/// Elements widened at a time.
const BLOCK: usize = 512;

pub(crate) fn sum<T: Float>(x: &[T]) -> f64 {
    if x.len() <= TASK {
        return part(x);
    }
    // collected, then added in order: the same sum whichever thread is done first
    let parts: Vec<f64> = collect(x.chunks(TASK), part);
    parts.iter().sum()
}

fn part<T: Float>(x: &[T]) -> f64 {
    if let Some(x) = T::as_f32(x) {
        return whole(x);
    }
    let mut wide = [0.0; BLOCK];
    let mut sum = 0.0;
    for x in x.chunks(BLOCK) {
        let wide = &mut wide[..x.len()];
        T::widen(x, wide);
        sum += whole(wide);
    }
    sum
}

fn whole(x: &[f32]) -> f64 {
    vectorized!(sum_f64(x))
}
