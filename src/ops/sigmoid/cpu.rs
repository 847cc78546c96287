//! Sigmoid on the CPU.

use crate::cpu;
use crate::cpu::math;
use crate::element::Float;

pub(crate) fn sigmoid<T: Float>(x: &[T], y: &mut [T]) {
    cpu::map(x, y, math::sigmoid);
}

pub(crate) fn sigmoid_in_place<T: Float>(y: &mut [T]) {
    cpu::map_in_place(y, math::sigmoid);
}

pub(crate) fn sigmoid_backward<T: Float>(dy: &[T], y: &[T], dx: &mut [T]) {
    cpu::zip(dy, y, dx, gradient);
}

#[inline(always)]
fn gradient(dy: f32, y: f32) -> f32 {
    dy * (y * (1.0 - y))
}
