//! Conversion on the CPU.

use crate::cpu::{tasks, vectorized};
use crate::element::Element;

/// Elements converted at a time; as `f32` they stay in the first-level cache.
const BLOCK: usize = 512;

pub(crate) fn cast<T: Element, U: Element>(x: &[T], y: &mut [U]) {
    tasks(y, |at, y| {
        let x = &x[at..at + y.len()];
        match T::IS_INTEGER && U::IS_INTEGER {
            true => through(x, y, T::block_to_i64, U::block_from_i64),
            false => vectorized!(through(x, y, T::block_to_f32, U::block_from_f32)),
        }
    });
}

/// By way of `W`, a block at a time.
#[inline(always)]
fn through<T: Element, U: Element, W: Element>(
    x: &[T],
    y: &mut [U],
    load: impl Fn(&[T], &mut [W]),
    store: impl Fn(&[W], &mut [U]),
) {
    let mut wide = [W::default(); BLOCK];
    for (x, y) in x.chunks(BLOCK).zip(y.chunks_mut(BLOCK)) {
        let wide = &mut wide[..x.len()];
        load(x, wide);
        store(wide, y);
    }
}
