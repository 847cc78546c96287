//! The largest or smallest on the CPU.

use std::cmp::Reverse;

use crate::cpu::{TASK, collect, share_out};
use crate::element::Number;

/// What an element is worth, larger for what comes first; and its place.
type Entry = (Reverse<i64>, i64);

/// Elements widened at a time.
const BLOCK: usize = 512;

/// The places of the `k` best of each row of `n`; neither is 0.
pub(super) fn topk<T: Number>(
    x: &[T],
    y: &mut [i64],
    [n, k]: [usize; 2],
    largest: bool,
    sorted: bool,
) {
    let part = |x: &[T], at: usize| {
        let mut entries = Vec::with_capacity(x.len());
        for (i, x) in x.chunks(BLOCK).enumerate() {
            push(x, at + i * BLOCK, largest, &mut entries);
        }
        best(entries, k)
    };
    let row = |x: &[T], y: &mut [i64]| {
        // of a long row the best of each part, then of these; in whatever parts, they are the same
        let mut chosen = match x.len() {
            ..=TASK => part(x, 0),
            _ => {
                let parts = x.chunks(TASK).enumerate();
                let parts = collect(parts, |(i, x)| part(x, i * TASK));
                best(parts.concat(), k)
            }
        };
        match sorted {
            true => chosen.sort_unstable(),
            false => chosen.sort_unstable_by_key(|(_, at)| *at),
        }
        y.iter_mut().zip(chosen).for_each(|(y, (_, at))| *y = at);
    };
    if n > TASK {
        let rows = y.chunks_mut(k).zip(x.chunks(n));
        return rows.for_each(|(y, x)| row(x, y));
    }
    share_out(y, (TASK / n).max(1) * k, |first, y| {
        let x = x[first / k * n..].chunks(n);
        y.chunks_mut(k).zip(x).for_each(|(y, x)| row(x, y));
    });
}

/// The first `k`, in any order.
fn best(mut entries: Vec<Entry>, k: usize) -> Vec<Entry> {
    if k < entries.len() {
        entries.select_nth_unstable(k);
        entries.truncate(k);
    }
    entries
}

fn push<T: Number>(x: &[T], at: usize, largest: bool, entries: &mut Vec<Entry>) {
    let mut worth = [0; BLOCK];
    let worth = &mut worth[..x.len()];
    match T::IS_INTEGER {
        true => T::block_to_i64(x, worth),
        false => {
            let mut wide = [0.0; BLOCK];
            let wide = &mut wide[..x.len()];
            T::block_to_f32(x, wide);
            worth.iter_mut().zip(wide).for_each(|(w, x)| *w = order(*x));
        }
    }
    // of all bits the complement turns the order round
    let worth = worth.iter().map(|w| if largest { *w } else { !*w });
    entries.extend((at as i64..).zip(worth).map(|(at, w)| (Reverse(w), at)));
}

/// An integer in the order of floats: zeros are equal, and NaN is the largest.
fn order(x: f32) -> i64 {
    if x.is_nan() {
        return i64::MAX;
    }
    let bits = i64::from(x.to_bits());
    let magnitude = bits & 0x7fff_ffff;
    if bits == magnitude { bits } else { -magnitude }
}
