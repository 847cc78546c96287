//! Sigmoid on the CPU.

use crate::cpu;
use crate::element::Float;
use crate::math::exp;

#[inline(always)]
fn forward(x: f32) -> f32 {
    // where exp(-x) is infinite the result is the 0 it should be
    1.0 / (1.0 + exp(-x))
}

pub(crate) fn sigmoid<T: Float>(x: &[T], y: &mut [T]) {
    cpu::map(x, y, forward);
}

pub(crate) fn sigmoid_in_place<T: Float>(y: &mut [T]) {
    cpu::map_in_place(y, forward);
}

pub(crate) fn sigmoid_backward<T: Float>(dy: &[T], y: &[T], dx: &mut [T]) {
    cpu::zip(dy, y, dx, |dy, y| dy * (y * (1.0 - y)));
}
