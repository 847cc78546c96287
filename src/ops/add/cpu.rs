//! Sum on the CPU.

use crate::cpu;
use crate::element::Float;

pub(crate) fn add<T: Float>(a: &[T], b: &[T], y: &mut [T], alpha: f32) {
    cpu::zip(a, b, y, plus(alpha));
}

pub(crate) fn add_in_place<T: Float>(y: &mut [T], b: &[T], alpha: f32) {
    cpu::zip_in_place(y, b, plus(alpha));
}

/// `a + alpha b`.
fn plus(alpha: f32) -> impl Fn(f32, f32) -> f32 + Copy {
    #[inline(always)]
    move |a, b| alpha.mul_add(b, a)
}
