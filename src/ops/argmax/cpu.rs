//! Argmax on the CPU: the maximum in vector code, then its first place.

use crate::cpu::{reduce_rows, vectorized};
use crate::element::Float;
use crate::ops::softmax::cpu::max;

/// `cols` is at least 1 and fits an i32.
pub(crate) fn argmax<T: Float>(x: &[T], y: &mut [i32], cols: usize) {
    reduce_rows(x, cols, y, |_, x| {
        let (max, nan) = max_and_nan(x);
        let place = match nan {
            true => x.iter().position(|x| x.is_nan()),
            false => x.iter().position(|&x| x == max),
        };
        place.unwrap_or_default() as i32
    });
}

/// The maximum of what is not NaN, and whether there is a NaN.
fn max_and_nan(x: &[f32]) -> (f32, bool) {
    vectorized!({
        let mut nan = false;
        for x in x {
            nan |= x.is_nan();
        }
        (max(x), nan)
    })
}
