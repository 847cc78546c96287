//! Adam on the CPU.

use super::Scalars;
use crate::cpu::{self, Part};
use crate::element::Float;

pub(crate) fn adam<T: Float>(parts: Vec<Part<'_, T, 2>>, s: Scalars) {
    cpu::step(
        parts,
        #[inline(always)]
        |p, g, [m, v]| {
            let g = s.weight_decay.mul_add(p, g);
            let m = s.beta1.mul_add(m, s.take1 * g);
            let v = s.beta2.mul_add(v, s.take2 * g * g);
            (
                s.keep * p - s.rate * m / v.sqrt().mul_add(s.root, s.eps),
                [m, v],
            )
        },
    );
}
