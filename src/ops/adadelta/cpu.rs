//! Adadelta on the CPU.

use crate::cpu::{self, Parts};
use crate::element::Float;

pub(crate) fn adadelta<T: Float>(
    parts: Parts<'_, T, 2>,
    [lr, rho, take, eps, weight_decay]: [f32; 5],
) {
    cpu::step(
        parts,
        #[inline(always)]
        |p, g, [v, u]| {
            let g = weight_decay.mul_add(p, g);
            let v = rho.mul_add(v, take * g * g);
            let d = (u + eps).sqrt() / (v + eps).sqrt() * g;
            let u = rho.mul_add(u, take * d * d);
            ((-lr).mul_add(d, p), [v, u])
        },
    );
}
