//! Conversion on the CPU.

use crate::cpu::{tasks, vectorized};
use crate::element::Element;

/// Elements converted at a time; as `f32` they stay in the first-level cache.
const BLOCK: usize = 512;

pub(crate) fn cast<T: Element, U: Element>(x: &[T], y: &mut [U]) {
    tasks(y, |at, y| {
        let x = &x[at..at + y.len()];
        vectorized!({
            let mut wide = [0.0; BLOCK];
            for (x, y) in x.chunks(BLOCK).zip(y.chunks_mut(BLOCK)) {
                let wide = &mut wide[..x.len()];
                T::block_to_f32(x, wide);
                U::block_from_f32(wide, y);
            }
        });
    });
}
