//! What a scaled loss asks for, on the CPU.

use std::sync::atomic::{AtomicBool, Ordering};

use super::Growth;
use crate::cpu::{self, TASK};

/// Whether every gradient divided by the scale is finite.
pub(crate) fn is_finite(grads: &[&[f32]], scale: f32) -> bool {
    let (inverse, finite) = (scale.recip(), AtomicBool::new(true));
    let parts: Vec<&[f32]> = grads.iter().flat_map(|grad| grad.chunks(TASK)).collect();
    cpu::share(parts.into_iter(), |part| {
        // all are looked at, which is quicker than a branch for each
        let found = |found, g: &f32| found | !(g * inverse).is_finite();
        if cpu::vectorized!(part.iter().fold(false, found)) {
            finite.store(false, Ordering::Relaxed);
        }
    });
    finite.into_inner()
}

/// Divides a gradient by the scale.
pub(crate) fn unscale(grad: &mut [f32], scale: f32) {
    let inverse = scale.recip();
    cpu::map_in_place(grad, |g| g * inverse);
}

/// Chooses the next scale.
pub(crate) fn update(scale: &mut f32, found_inf: &mut f32, counts: &mut [i64], growth: &Growth) {
    let [tracker, skipped] = counts else { return };
    if *found_inf != 0.0 {
        *scale *= growth.backoff_factor;
        *tracker = 0;
        *skipped += 1;
        *found_inf = 0.0;
        return;
    }
    let grown = *scale * growth.growth_factor;
    *tracker += 1;
    if *tracker >= growth.growth_interval {
        *tracker = 0;
        if grown.is_finite() {
            *scale = grown;
        }
    }
}
