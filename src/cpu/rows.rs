//! Loops over rows.

use super::{TASK, share_out};
use crate::element::Float;

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
    share_out(y, per_task, work);
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
    let per_task = TASK.div_ceil(cols);
    share_out(y, per_task * cols, |at, rows| work(at / cols, rows));
}
