//! Adagrad on the CPU.

use crate::cpu::{self, Parts};
use crate::element::Float;

pub(crate) fn adagrad<T: Float>(parts: Parts<'_, T, 1>, [rate, eps, weight_decay]: [f32; 3]) {
    cpu::step(
        parts,
        #[inline(always)]
        |p, g, [h]| {
            let g = weight_decay.mul_add(p, g);
            let h = g.mul_add(g, h);
            (p - rate * g / (h.sqrt() + eps), [h])
        },
    );
}
