//! Bias on the CPU.

use std::borrow::Cow;

use crate::cpu;
use crate::element::Float;

/// Shorter rows are taken several at a time.
const SHORT: usize = 256;

/// The bias, repeated until it is worth a loop.
fn repeated<T: Float>(bias: &[T]) -> Cow<'_, [T]> {
    match bias.len() {
        0..SHORT => Cow::Owned(bias.repeat(SHORT.div_ceil(bias.len().max(1)))),
        _ => Cow::Borrowed(bias),
    }
}

pub(crate) fn bias_add<T: Float>(x: &[T], bias: &[T], y: &mut [T]) {
    let bias = repeated(bias);
    cpu::rows(y, bias.len(), |i, y| {
        let x = &x[i * bias.len()..][..y.len()];
        cpu::zip(x, &bias[..y.len()], y, plus);
    });
}

pub(crate) fn bias_add_in_place<T: Float>(y: &mut [T], bias: &[T]) {
    let bias = repeated(bias);
    cpu::rows(y, bias.len(), |_, y| {
        cpu::zip_in_place(y, &bias[..y.len()], plus);
    });
}

#[inline(always)]
fn plus(x: f32, b: f32) -> f32 {
    x + b
}
