//! Argmax on the CPU: the maximum in vector code, then its first place.

use crate::cpu::reduce_rows;
use crate::element::Float;
use crate::ops::softmax::cpu::max;

/// `cols` is at least 1 and fits an i32.
pub(crate) fn argmax<T: Float>(x: &[T], y: &mut [i32], cols: usize) {
    reduce_rows(x, cols, y, |_, x| {
        let nan = x.iter().fold(false, |nan, x| nan | x.is_nan());
        let place = if nan {
            x.iter().position(|x| x.is_nan())
        } else {
            let max = max(x);
            x.iter().position(|&x| x == max)
        };
        place.unwrap_or_default() as i32
    });
}
