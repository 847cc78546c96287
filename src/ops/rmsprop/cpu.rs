//! RMSprop on the CPU.

use crate::cpu::{self, Part};
use crate::element::Float;

pub(crate) fn rmsprop<T: Float>(parts: Vec<Part<'_, T, 1>>, scalars: [f32; 5]) {
    let lr = scalars[0];
    cpu::step(
        parts,
        #[inline(always)]
        |p, g, [v]| {
            let (scaled, v) = scaled(p, g, v, scalars);
            ((-lr).mul_add(scaled, p), [v])
        },
    );
}

pub(crate) fn rmsprop_momentum<T: Float>(
    parts: Vec<Part<'_, T, 2>>,
    scalars: [f32; 5],
    momentum: f32,
) {
    let lr = scalars[0];
    cpu::step(
        parts,
        #[inline(always)]
        |p, g, [v, b]| {
            let (scaled, v) = scaled(p, g, v, scalars);
            let b = momentum.mul_add(b, scaled);
            ((-lr).mul_add(b, p), [v, b])
        },
    );
}

/// The gradient over the root of its mean square, and the new mean square.
#[inline(always)]
fn scaled(p: f32, g: f32, v: f32, scalars: [f32; 5]) -> (f32, f32) {
    let [_, alpha, take, eps, weight_decay] = scalars;
    let g = weight_decay.mul_add(p, g);
    let v = alpha.mul_add(v, take * g * g);
    (g / (v.sqrt() + eps), v)
}
