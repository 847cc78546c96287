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
pub(crate) fn map<T: Float>(x: &[T], y: &mut [T], f: impl Fn(f32) -> f32 + Copy + Sync) {
    let large = stream::is_large(y.len());
    tasks(y, |at, y| {
        let x = &x[at..at + y.len()];
        vectorized!(match (T::as_f32(x), T::as_f32_mut(y)) {
            (Some(x), Some(y)) if large => Stores::begin().write([x], y, |[x]| f(x)),
            (Some(x), Some(y)) => y.iter_mut().zip(x).for_each(|(y, &x)| *y = f(x)),
            _ => {
                let mut wide = [0.0; BLOCK];
                for (x, y) in x.chunks(BLOCK).zip(y.chunks_mut(BLOCK)) {
                    let wide = &mut wide[..x.len()];
                    T::widen(x, wide);
                    wide.iter_mut().for_each(|v| *v = f(*v));
                    T::narrow(wide, y);
                }
            }
        });
    });
}

/// `y[i] = f(y[i])`.
pub(crate) fn map_in_place<T: Float>(y: &mut [T], f: impl Fn(f32) -> f32 + Copy + Sync) {
    tasks(y, |_, y| {
        vectorized!(match T::as_f32_mut(y) {
            Some(y) => y.iter_mut().for_each(|y| *y = f(*y)),
            None => {
                let mut wide = [0.0; BLOCK];
                for y in y.chunks_mut(BLOCK) {
                    let wide = &mut wide[..y.len()];
                    T::widen(y, wide);
                    wide.iter_mut().for_each(|v| *v = f(*v));
                    T::narrow(wide, y);
                }
            }
        });
    });
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
        vectorized!(match (T::as_f32(a), T::as_f32(b), T::as_f32_mut(y)) {
            (Some(a), Some(b), Some(y)) if large => {
                Stores::begin().write([a, b], y, |[a, b]| f(a, b));
            }
            (Some(a), Some(b), Some(y)) => {
                y.iter_mut()
                    .zip(a)
                    .zip(b)
                    .for_each(|((y, &a), &b)| *y = f(a, b));
            }
            _ => {
                let (mut wide_a, mut wide_b) = ([0.0; BLOCK], [0.0; BLOCK]);
                for ((a, b), y) in a
                    .chunks(BLOCK)
                    .zip(b.chunks(BLOCK))
                    .zip(y.chunks_mut(BLOCK))
                {
                    let (wide_a, wide_b) = (&mut wide_a[..y.len()], &mut wide_b[..y.len()]);
                    T::widen(a, wide_a);
                    T::widen(b, wide_b);
                    wide_a
                        .iter_mut()
                        .zip(wide_b.iter())
                        .for_each(|(a, &b)| *a = f(*a, b));
                    T::narrow(wide_a, y);
                }
            }
        });
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
        vectorized!(match (T::as_f32(b), T::as_f32_mut(y)) {
            (Some(b), Some(y)) => y.iter_mut().zip(b).for_each(|(y, &b)| *y = f(*y, b)),
            _ => {
                let (mut wide, mut wide_b) = ([0.0; BLOCK], [0.0; BLOCK]);
                for (y, b) in y.chunks_mut(BLOCK).zip(b.chunks(BLOCK)) {
                    let (wide, wide_b) = (&mut wide[..y.len()], &mut wide_b[..y.len()]);
                    T::widen(y, wide);
                    T::widen(b, wide_b);
                    wide.iter_mut()
                        .zip(wide_b.iter())
                        .for_each(|(y, &b)| *y = f(*y, b));
                    T::narrow(wide, y);
                }
            }
        });
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
