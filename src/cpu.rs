//! What the CPU sides of the ops share: parallel loops over blocks, and arithmetic compiled for the CPU at hand.
//!
//! Every op computes in `f32` (reductions in `f64`); `f16` and `bf16` are widened and narrowed block by block.

use rayon::prelude::*;

use crate::element::Float;

/// Elements of one parallel task: large enough to outweigh its start, small enough to share out evenly.
const TASK: usize = 32 * 1024;
/// Elements widened at a time; a block stays in the first-level cache.
const BLOCK: usize = 512;

/// Runs `work` in a copy compiled for the widest vectors that this CPU has (AVX-512, AVX2 or the baseline).
#[inline(always)]
pub(crate) fn vectorized<R>(work: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(work)
}

/// A function that runs in a copy compiled for the widest vectors that this CPU has, whatever its length. (What
/// [`vectorized`] is given is compiled that way only where the compiler inlines it, which it does for a few lines.)
macro_rules! vector_fn {
    ($(#[$meta:meta])* $vis:vis fn $name:ident<$life:lifetime>($($arg:ident: $type:ty),*) -> $out:ty $body:block) => {
        $(#[$meta])*
        $vis fn $name<$life>($($arg: $type),*) -> $out {
            struct Call<$life> {
                $($arg: $type,)*
            }
            impl<$life> pulp::NullaryFnOnce for Call<$life> {
                type Output = $out;
                #[inline(always)]
                fn call(self) -> $out {
                    let Self { $($arg),* } = self;
                    $body
                }
            }
            pulp::Arch::new().dispatch(Call { $($arg),* })
        }
    };
}
pub(crate) use vector_fn;

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

/// `f` over the rows of N inputs and of the output, all of one length and as `f32`: itself where `T` is that, else
/// widened into buffers of one row.
pub(crate) fn map_rows<T: Float, const N: usize>(
    inputs: [&[T]; N],
    y: &mut [T],
    cols: usize,
    f: impl Fn(usize, [&[f32]; N], &mut [f32]) + Copy + Sync,
) {
    tasks_of_rows(y, cols, |first, y| {
        let mut wide: [Vec<f32>; N] = std::array::from_fn(|_| Vec::new());
        let mut wide_y = Vec::new();
        for (i, y) in y.chunks_mut(cols).enumerate() {
            let row = first + i;
            let x = inputs.map(|x| &x[row * cols..][..cols]);
            if let Some(y) = T::as_f32_mut(y) {
                // an input has the output's type
                f(row, x.map(|x| T::as_f32(x).unwrap_or_default()), y);
                continue;
            }
            wide_y.resize(cols, 0.0);
            for (x, wide) in x.iter().zip(&mut wide) {
                wide.resize(cols, 0.0);
                T::widen(x, wide);
            }
            let x = std::array::from_fn(|n| wide[n].as_slice());
            f(row, x, &mut wide_y);
            T::narrow(&wide_y, y);
        }
    });
}

/// `y[row] = f(row, x[row])`, the row as `f32`.
pub(crate) fn reduce_rows<T: Float, Y: Send>(
    x: &[T],
    cols: usize,
    y: &mut [Y],
    f: impl Fn(usize, &[f32]) -> Y + Copy + Sync,
) {
    let per_task = (TASK / cols.max(1)).max(1);
    let work = |first: usize, y: &mut [Y]| {
        let mut wide = Vec::new();
        for (i, y) in y.iter_mut().enumerate() {
            let row = first + i;
            let x = &x[row * cols..][..cols];
            *y = match T::as_f32(x) {
                Some(x) => f(row, x),
                None => {
                    wide.resize(cols, 0.0);
                    T::widen(x, &mut wide);
                    f(row, &wide)
                }
            };
        }
    };
    if y.len() <= per_task {
        return work(0, y);
    }
    y.par_chunks_mut(per_task)
        .enumerate()
        .for_each(|(task, y)| work(task * per_task, y));
}

/// The sum in `f64`. The order is the length's alone, so the sum is the same on every run.
#[inline(always)]
pub(crate) fn sum_f64(x: &[f32]) -> f64 {
    const LANES: usize = 16;
    let mut sums = [0.0; LANES];
    let (blocks, rest) = x.as_chunks::<LANES>();
    for block in blocks {
        for (sum, &x) in sums.iter_mut().zip(block) {
            *sum += f64::from(x);
        }
    }
    sums.iter().sum::<f64>() + rest.iter().map(|&x| f64::from(x)).sum::<f64>()
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
    tasks_of_rows(y, cols, |first, rows| {
        rows.chunks_mut(cols)
            .enumerate()
            .for_each(|(i, row)| work(first + i, row));
    });
}

/// Splits `y` over the threads in whole rows of `cols` elements: `work` gets the index of its first row and its rows.
fn tasks_of_rows<T: Send>(y: &mut [T], cols: usize, work: impl Fn(usize, &mut [T]) + Sync) {
    if y.is_empty() {
        return;
    }
    if y.len() <= TASK {
        return work(0, y);
    }
    let per_task = TASK.div_ceil(cols);
    y.par_chunks_mut(per_task * cols)
        .enumerate()
        .for_each(|(task, rows)| work(task * per_task, rows));
}
