//! Loops over elements.

use super::stream::{self, Stores};
use super::{TASK, share, tasks, vectorized};
use crate::element::Float;

/// Elements widened at a time; a block stays in the first-level cache.
const BLOCK: usize = 512;

/// A block as `f32`, in the buffer, which is as long, where it is something else.
pub(crate) fn widened<'a, T: Float>(x: &'a [T], wide: &'a mut [f32]) -> &'a [f32] {
    match T::as_f32(x) {
        Some(x) => x,
        None => {
            let wide = &mut wide[..x.len()];
            T::widen(x, wide);
            wide
        }
    }
}

/// `y[i] = f(x[i])`. Both slices have one length.
///
/// Here and below, what of a loop knows no `T` stands in a function of its own, so that it is compiled for `f` alone. That
/// takes an `f` that is not made where there is a `T`: a closure has the type parameters of what is around it.
pub(crate) fn map<T: Float>(x: &[T], y: &mut [T], f: impl Fn(f32) -> f32 + Copy + Sync) {
    let large = stream::is_large(y.len());
    tasks(y, |at, y| {
        let x = &x[at..at + y.len()];
        match (T::as_f32(x), T::as_f32_mut(y)) {
            (Some(x), Some(y)) if large => singles_past(x, y, f),
            (Some(x), Some(y)) => singles(x, y, f),
            _ => {
                let mut wide = [0.0; BLOCK];
                for (x, y) in x.chunks(BLOCK).zip(y.chunks_mut(BLOCK)) {
                    let wide = &mut wide[..x.len()];
                    T::widen(x, wide);
                    singles_in_place(wide, f);
                    T::narrow(wide, y);
                }
            }
        }
    });
}

fn singles_past(x: &[f32], y: &mut [f32], f: impl Fn(f32) -> f32 + Copy) {
    vectorized!(Stores::begin().map(x, y, f));
}

fn singles(x: &[f32], y: &mut [f32], f: impl Fn(f32) -> f32 + Copy) {
    vectorized!(y.iter_mut().zip(x).for_each(|(y, &x)| *y = f(x)));
}

/// `y[i] = f(y[i])`.
pub(crate) fn map_in_place<T: Float>(y: &mut [T], f: impl Fn(f32) -> f32 + Copy + Sync) {
    tasks(y, |_, y| match T::as_f32_mut(y) {
        Some(y) => singles_in_place(y, f),
        None => {
            let mut wide = [0.0; BLOCK];
            for y in y.chunks_mut(BLOCK) {
                let wide = &mut wide[..y.len()];
                T::widen(y, wide);
                singles_in_place(wide, f);
                T::narrow(wide, y);
            }
        }
    });
}

fn singles_in_place(y: &mut [f32], f: impl Fn(f32) -> f32 + Copy) {
    vectorized!(y.iter_mut().for_each(|y| *y = f(*y)));
}

/// `y[i] = f(a[i], b[i])`. All slices have one length.
pub(crate) fn zip<T: Float>(
    a: &[T],
    b: &[T],
    y: &mut [T],
    f: impl Fn(f32, f32) -> f32 + Copy + Sync,
) {
    let large = stream::is_large(y.len());
    tasks(y, |at, y| {
        let (a, b) = (&a[at..at + y.len()], &b[at..at + y.len()]);
        match (T::as_f32(a), T::as_f32(b), T::as_f32_mut(y)) {
            (Some(a), Some(b), Some(y)) if large => pairs_past([a, b], y, f),
            (Some(a), Some(b), Some(y)) => pairs(a, b, y, f),
            _ => {
                let (mut wide_a, mut wide_b) = ([0.0; BLOCK], [0.0; BLOCK]);
                let pairs = a.chunks(BLOCK).zip(b.chunks(BLOCK));
                for ((a, b), y) in pairs.zip(y.chunks_mut(BLOCK)) {
                    let (wide_a, wide_b) = (&mut wide_a[..y.len()], &mut wide_b[..y.len()]);
                    T::widen(a, wide_a);
                    T::widen(b, wide_b);
                    pairs_in_place(wide_a, wide_b, f);
                    T::narrow(wide_a, y);
                }
            }
        }
    });
}

fn pairs_past(x: [&[f32]; 2], y: &mut [f32], f: impl Fn(f32, f32) -> f32 + Copy) {
    vectorized!(Stores::begin().zip(x, y, f));
}

fn pairs(a: &[f32], b: &[f32], y: &mut [f32], f: impl Fn(f32, f32) -> f32 + Copy) {
    vectorized!(for ((y, &a), &b) in y.iter_mut().zip(a).zip(b) {
        *y = f(a, b);
    });
}

/// `y[i] = f(y[i], b[i])`. Both slices have one length.
pub(crate) fn zip_in_place<T: Float>(
    y: &mut [T],
    b: &[T],
    f: impl Fn(f32, f32) -> f32 + Copy + Sync,
) {
    tasks(y, |at, y| {
        let b = &b[at..at + y.len()];
        match (T::as_f32(b), T::as_f32_mut(y)) {
            (Some(b), Some(y)) => pairs_in_place(y, b, f),
            _ => {
                let (mut wide, mut wide_b) = ([0.0; BLOCK], [0.0; BLOCK]);
                for (y, b) in y.chunks_mut(BLOCK).zip(b.chunks(BLOCK)) {
                    let (wide, wide_b) = (&mut wide[..y.len()], &mut wide_b[..y.len()]);
                    T::widen(y, wide);
                    T::widen(b, wide_b);
                    pairs_in_place(wide, wide_b, f);
                    T::narrow(wide, y);
                }
            }
        }
    });
}

fn pairs_in_place(y: &mut [f32], b: &[f32], f: impl Fn(f32, f32) -> f32 + Copy) {
    vectorized!(for (y, &b) in y.iter_mut().zip(b) {
        *y = f(*y, b);
    });
}

/// A parameter, its gradient and its states, all of one length.
pub(crate) type Part<'a, T, const STATES: usize> = (&'a mut [T], &'a [T], [&'a mut [f32]; STATES]);

/// All that a step changes, and what gradients are multiplied with first.
pub(crate) struct Parts<'a, T, const STATES: usize> {
    pub(crate) each: Vec<Part<'a, T, STATES>>,
    pub(crate) inverse: f32,
}

/// An optimizer's step over several parameters: `(p[i], states[..][i]) = f(p[i], g[i], states[..][i])`. Long ones are
/// cut up and short ones put together, so that every task is worth its start.
pub(crate) fn step<T: Float, const STATES: usize>(
    Parts { each, inverse }: Parts<'_, T, STATES>,
    f: impl Fn(f32, f32, [f32; STATES]) -> (f32, [f32; STATES]) + Copy + Sync,
) {
    let mut tasks: Vec<Vec<Part<'_, T, STATES>>> = Vec::new();
    let mut room = 0;
    for (p, g, states) in each {
        let mut states = states.map(|state| state.chunks_mut(TASK));
        for (p, g) in p.chunks_mut(TASK).zip(g.chunks(TASK)) {
            let (len, states) = (p.len(), states.each_mut());
            let part = (p, g, states.map(|s| s.next().unwrap_or_default()));
            match tasks.last_mut() {
                Some(task) if len <= room => task.push(part),
                _ => {
                    tasks.push(vec![part]);
                    room = TASK;
                }
            }
            room -= len;
        }
    }
    share(tasks.into_iter(), |task| {
        for (p, g, mut states) in task {
            step_part(p, g, inverse, &mut states, f);
        }
    });
}

fn step_part<T: Float, const STATES: usize>(
    p: &mut [T],
    g: &[T],
    inverse: f32,
    states: &mut [&mut [f32]; STATES],
    f: impl Fn(f32, f32, [f32; STATES]) -> (f32, [f32; STATES]) + Copy + Sync,
) {
    vectorized!({
        // arrays of fixed length, so that the loop over them needs no checks
        let (mut wide_p, mut wide_g) = ([0.0; BLOCK], [0.0; BLOCK]);
        let mut wide = [[0.0; BLOCK]; STATES];
        for at in (0..p.len()).step_by(BLOCK) {
            let end = p.len().min(at + BLOCK);
            let len = end - at;
            T::widen(&p[at..end], &mut wide_p[..len]);
            T::widen(&g[at..end], &mut wide_g[..len]);
            for (wide, state) in wide.iter_mut().zip(&*states) {
                wide[..len].copy_from_slice(&state[at..end]);
            }
            for i in 0..BLOCK {
                let g = wide_g[i] * inverse;
                let (new, kept) = f(wide_p[i], g, std::array::from_fn(|s| wide[s][i]));
                wide_p[i] = new;
                wide.iter_mut().zip(kept).for_each(|(wide, v)| wide[i] = v);
            }
            T::narrow(&wide_p[..len], &mut p[at..end]);
            for (wide, state) in wide.iter().zip(states.iter_mut()) {
                state[at..end].copy_from_slice(&wide[..len]);
            }
        }
    });
}
