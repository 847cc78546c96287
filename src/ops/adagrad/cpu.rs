//! Adagrad on the CPU.

use super::AdagradOptions;
use crate::cpu::{self, Part};
use crate::element::Float;

pub(crate) fn adagrad<T: Float>(parts: Vec<Part<'_, T, 1>>, options: &AdagradOptions, rate: f64) {
    let [rate, eps, weight_decay] = [rate, options.eps, options.weight_decay].map(|s| s as f32);
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
