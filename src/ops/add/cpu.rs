//! Sum on the CPU.

use crate::cpu;
use crate::element::Float;

pub(crate) fn add<T: Float>(a: &[T], b: &[T], y: &mut [T], alpha: f32) {
    cpu::zip(a, b, y, |a, b| alpha.mul_add(b, a));
}

pub(crate) fn add_in_place<T: Float>(y: &mut [T], b: &[T], alpha: f32) {
    cpu::zip_in_place(y, b, |y, b| alpha.mul_add(b, y));
}
