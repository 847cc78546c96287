//! What the CPU sides of the ops share: parallel loops over blocks, and arithmetic compiled for the CPU at hand.
//!
//! Every op computes in `f32` (reductions in `f64`); `f16` and `bf16` are widened and narrowed block by block.

use rayon::prelude::*;

use crate::element::Float;

/// Elements of one parallel task: large enough to outweigh its start, small enough to share out evenly.
pub(crate) const TASK: usize = 32 * 1024;
/// Elements widened at a time; a block stays in the first-level cache.
const BLOCK: usize = 512;

/// Runs `work` in a copy compiled for the widest vectors that this CPU has (AVX-512, AVX2 or the baseline).
#[inline(always)]
pub(crate) fn vectorized<R>(work: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(work)
}

/// `y[i] = f(x[i])`. Both slices have one length.
pub(crate) fn map<T: Float>(x: &[T], y: &mut [T], f: impl Fn(f32) -> f32 + Copy + Sync) {
    tasks(y, |at, y| {
        let x = &x[at..at + y.len()];
        vectorized(|| match (T::as_f32(x), T::as_f32_mut(y)) {
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
        vectorized(|| match T::as_f32_mut(y) {
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
    tasks(y, |at, y| {
        let (a, b) = (&a[at..at + y.len()], &b[at..at + y.len()]);
        vectorized(|| match (T::as_f32(a), T::as_f32(b), T::as_f32_mut(y)) {
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

/// Copies; both slices have one length.
pub(crate) fn copy<T: Copy + Send + Sync>(x: &[T], y: &mut [T]) {
    tasks(y, |at, y| y.copy_from_slice(&x[at..at + y.len()]));
}

/// `y[i] = f(y[i], b[i])`. Both slices have one length.
pub(crate) fn zip_in_place<T: Float>(
    y: &mut [T],
    b: &[T],
    f: impl Fn(f32, f32) -> f32 + Copy + Sync,
) {
    tasks(y, |at, y| {
        let b = &b[at..at + y.len()];
        vectorized(|| match (T::as_f32(b), T::as_f32_mut(y)) {
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

/// An optimizer's step: `(p[i], states[..][i]) = f(p[i], g[i], states[..][i])`. All slices have one length.
pub(crate) fn step<T: Float, const STATES: usize>(
    p: &mut [T],
    g: &[T],
    states: [&mut [f32]; STATES],
    f: impl Fn(f32, f32, [f32; STATES]) -> (f32, [f32; STATES]) + Copy + Sync,
) {
    let mut states = states.map(|state| state.chunks_mut(TASK));
    let tasks: Vec<_> = p
        .chunks_mut(TASK)
        .zip(g.chunks(TASK))
        .map(|(p, g)| {
            (
                p,
                g,
                states.each_mut().map(|s| s.next().unwrap_or_default()),
            )
        })
        .collect();
    tasks.into_par_iter().for_each(|(p, g, mut states)| {
        vectorized(|| {
            // arrays of fixed length, so that the loop over them needs no checks
            let (mut wide_p, mut wide_g) = ([0.0; BLOCK], [0.0; BLOCK]);
            let mut wide = [[0.0; BLOCK]; STATES];
            for at in (0..p.len()).step_by(BLOCK) {
                let end = p.len().min(at + BLOCK);
                let len = end - at;
                T::widen(&p[at..end], &mut wide_p[..len]);
                T::widen(&g[at..end], &mut wide_g[..len]);
                for (wide, state) in wide.iter_mut().zip(&states) {
                    wide[..len].copy_from_slice(&state[at..end]);
                }
                for i in 0..BLOCK {
                    let (new, kept) = f(wide_p[i], wide_g[i], std::array::from_fn(|s| wide[s][i]));
                    wide_p[i] = new;
                    wide.iter_mut().zip(kept).for_each(|(wide, v)| wide[i] = v);
                }
                T::narrow(&wide_p[..len], &mut p[at..end]);
                for (wide, state) in wide.iter().zip(&mut states) {
                    state[at..end].copy_from_slice(&wide[..len]);
                }
            }
        });
    });
}

/// Splits `y` over the threads: `work` gets the place of its part and the part. A short slice stays on this thread.
pub(crate) fn tasks<T: Send>(y: &mut [T], work: impl Fn(usize, &mut [T]) + Sync) {
    if y.len() <= TASK {
        return work(0, y);
    }
    y.par_chunks_mut(TASK)
        .enumerate()
        .for_each(|(i, y)| work(i * TASK, y));
}

/// Calls `work` with the index of each row and the row, rows of `cols` elements shared out over the threads.
pub(crate) fn rows<T: Send>(y: &mut [T], cols: usize, work: impl Fn(usize, &mut [T]) + Sync) {
    if y.len() <= TASK || cols == 0 {
        return y
            .chunks_mut(cols.max(1))
            .enumerate()
            .for_each(|(i, row)| work(i, row));
    }
    let per_task = TASK.div_ceil(cols);
    y.par_chunks_mut(per_task * cols)
        .enumerate()
        .for_each(|(task, rows)| {
            rows.chunks_mut(cols)
                .enumerate()
                .for_each(|(i, row)| work(task * per_task + i, row));
        });
}
