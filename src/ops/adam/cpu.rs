//! Adam on the CPU.

use super::Scalars;
use crate::cpu::{self, Parts};
use crate::element::Float;

pub(crate) fn adam<T: Float>(parts: Parts<'_, T, 2>, s: Scalars) {
    cpu::step(
        parts,
        #[inline(always)]
        |p, g, [m, v]| {
            let [m, v] = moments(s, p, g, m, v);
            (next(s, p, m, v), [m, v])
        },
    );
}

pub(crate) fn adam_amsgrad<T: Float>(parts: Parts<'_, T, 3>, s: Scalars) {
    cpu::step(
        parts,
        #[inline(always)]
        |p, g, [m, v, max]| {
            let [m, v] = moments(s, p, g, m, v);
            let max = if v > max || v.is_nan() { v } else { max };
            (next(s, p, m, max), [m, v, max])
        },
    );
}

/// The moments after a gradient.
#[inline(always)]
fn moments(s: Scalars, p: f32, g: f32, m: f32, v: f32) -> [f32; 2] {
    let g = s.weight_decay.mul_add(p, g);
    [
        s.beta1.mul_add(m, s.take1 * g),
        s.beta2.mul_add(v, s.take2 * g * g),
    ]
}

/// The parameter after a step.
#[inline(always)]
fn next(s: Scalars, p: f32, m: f32, v: f32) -> f32 {
    s.keep * p - s.rate * m / v.sqrt().mul_add(s.root, s.eps)
}
