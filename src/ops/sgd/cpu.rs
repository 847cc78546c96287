//! SGD on the CPU.

use super::SgdOptions;
use crate::cpu::{self, Parts};
use crate::element::Float;

pub(crate) fn sgd<T: Float>(parts: Parts<'_, T, 0>, options: &SgdOptions) {
    let (lr, weight_decay) = (options.lr as f32, options.weight_decay as f32);
    cpu::step(
        parts,
        #[inline(always)]
        |p, g, []| {
            let g = weight_decay.mul_add(p, g);
            ((-lr).mul_add(g, p), [])
        },
    );
}

pub(crate) fn sgd_momentum<T: Float>(parts: Parts<'_, T, 1>, options: &SgdOptions, first: bool) {
    let (lr, weight_decay) = (options.lr as f32, options.weight_decay as f32);
    let (momentum, keep) = (options.momentum as f32, (1.0 - options.dampening) as f32);
    let nesterov = options.nesterov;
    cpu::step(
        parts,
        #[inline(always)]
        |p, g, [v]| {
            let g = weight_decay.mul_add(p, g);
            let v = if first {
                g
            } else {
                momentum.mul_add(v, keep * g)
            };
            let g = if nesterov { momentum.mul_add(v, g) } else { v };
            ((-lr).mul_add(g, p), [v])
        },
    );
}
