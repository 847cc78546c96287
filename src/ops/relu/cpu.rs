//! ReLU on the CPU.

use crate::cpu;
use crate::element::Float;

#[inline(always)]
pub(crate) fn forward(x: f32) -> f32 {
    // not `max`, which would lose a NaN; and where x is its own place, `if x < 0` becomes a masked store, which some CPUs
    // have in microcode
    let kept = if x >= 0.0 { x } else { 0.0 };
    if x.is_nan() { f32::NAN } else { kept }
}

pub(crate) fn relu<T: Float>(x: &[T], y: &mut [T]) {
    cpu::map(x, y, forward);
}

pub(crate) fn relu_in_place<T: Float>(y: &mut [T]) {
    cpu::map_in_place(y, forward);
}

pub(crate) fn relu_backward<T: Float>(dy: &[T], y: &[T], dx: &mut [T]) {
    cpu::zip(dy, y, dx, gradient);
}

#[inline(always)]
fn gradient(dy: f32, y: f32) -> f32 {
    if y <= 0.0 { 0.0 } else { dy }
}
