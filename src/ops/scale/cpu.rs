//! Scaling on the CPU.

use crate::cpu;
use crate::element::Float;

pub(crate) fn scale<T: Float>(x: &[T], y: &mut [T], factor: f32) {
    cpu::map(x, y, |x| factor * x);
}

pub(crate) fn scale_in_place<T: Float>(y: &mut [T], factor: f32) {
    cpu::map_in_place(y, |y| factor * y);
}
