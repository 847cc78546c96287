//! RMSprop on the CPU.

use crate::cpu::{self, Parts};
use crate::element::Float;

/// A step of the form that these states are of: the mean square first, the mean where it is centered, the velocity last
/// where there is a momentum.
pub(crate) fn rmsprop<T: Float, const CENTERED: bool, const MOMENTUM: bool, const STATES: usize>(
    parts: Parts<'_, T, STATES>,
    [lr, alpha, take, eps, weight_decay, momentum]: [f32; 6],
) {
    cpu::step(
        parts,
        #[inline(always)]
        |p, g, mut states: [f32; STATES]| {
            let g = weight_decay.mul_add(p, g);
            states[0] = alpha.mul_add(states[0], take * g * g);
            let mut square = states[0];
            if CENTERED {
                let mean = alpha.mul_add(states[1], take * g);
                states[1] = mean;
                let variance = (-mean).mul_add(mean, square);
                square = if variance < 0.0 { 0.0 } else { variance };
            }
            let mut scaled = g / (square.sqrt() + eps);
            if MOMENTUM {
                let velocity = &mut states[STATES - 1];
                *velocity = momentum.mul_add(*velocity, scaled);
                scaled = *velocity;
            }
            ((-lr).mul_add(scaled, p), states)
        },
    );
}
