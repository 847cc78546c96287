//! Max pooling on the CPU: planes in parallel, rows of outputs as vectors.

use super::Planes;
use super::rows::{Columns, Taps};
use crate::cpu::{self, TASK, vectorized};
use crate::element::Float;
use crate::ops::window::Window;
use rayon::prelude::*;

/// A plane as `f32`, in the buffer where it is something else.
pub(crate) fn widened<'a, T: Float>(plane: &'a [T], wide: &'a mut Vec<f32>) -> &'a [f32] {
    match T::as_f32(plane) {
        Some(plane) => plane,
        None => {
            wide.resize(plane.len(), 0.0);
            T::widen(plane, wide);
            wide
        }
    }
}

/// Works on planes of `size` elements in parallel; `work` gets the plane's number, and the plane as `f32`.
pub(crate) fn planes<T: Float>(
    y: &mut [T],
    size: usize,
    work: impl Fn(usize, &mut [f32], &mut Vec<f32>) + Sync,
) {
    let per_task = TASK.div_ceil(size.max(1)) * size.max(1);
    cpu::share_out(y, per_task, |at, y| {
        let (mut wide, mut scratch) = (Vec::new(), Vec::new());
        for (i, plane) in y.chunks_exact_mut(size).enumerate() {
            let number = at / size + i;
            if let Some(plane) = T::as_f32_mut(plane) {
                work(number, plane, &mut scratch);
                continue;
            }
            wide.resize(size, 0.0);
            work(number, &mut wide, &mut scratch);
            T::narrow(&wide, plane);
        }
    });
}

pub(crate) fn max_pool2d<T: Float>(
    x: &[T],
    y: &mut [T],
    indices: Option<&mut [i32]>,
    shape: &Planes,
    window: &Window,
) {
    let [size_in, size_out] = [shape.input, shape.output].map(|[h, w]| h * w);
    let input = |number: usize| &x[number * size_in..][..size_in];
    let (width, taps) = (shape.output[1], Taps::new(shape, window));
    let Some(indices) = indices else {
        return planes(y, size_out, |number, y, wide| {
            let x = widened(input(number), wide);
            let mut columns = Columns::new(&taps, width);
            vectorized!(for (i, y) in y.chunks_exact_mut(width).enumerate() {
                y.copy_from_slice(columns.pool(x, i));
            });
        });
    };
    let per_task = TASK.div_ceil(size_out);
    let tasks = y
        .par_chunks_mut(per_task * size_out)
        .zip(indices.par_chunks_mut(per_task * size_out));
    tasks.enumerate().for_each(|(task, (y, indices))| {
        let mut wide_x = Vec::new();
        let mut columns = Columns::new(&taps, width);
        let planes = y
            .chunks_exact_mut(size_out)
            .zip(indices.chunks_exact_mut(size_out));
        for (i, (y, indices)) in planes.enumerate() {
            let x = widened(input(task * per_task + i), &mut wide_x);
            let rows = y
                .chunks_exact_mut(width)
                .zip(indices.chunks_exact_mut(width));
            vectorized!(for (i, (y, places)) in rows.enumerate() {
                T::narrow(columns.pool(x, i), y);
                let found = places.iter_mut().zip(columns.places());
                found.for_each(|(place, found)| *place = found);
            });
        }
    });
}

pub(crate) fn max_pool2d_backward<T: Float>(
    dy: &[T],
    indices: &[i32],
    dx: &mut [T],
    shape: &Planes,
) {
    let [size_in, size_out] = [shape.input, shape.output].map(|[h, w]| h * w);
    planes(dx, size_in, |number, dx, wide| {
        let of = number * size_out..(number + 1) * size_out;
        let dy = widened(&dy[of.clone()], wide);
        dx.fill(0.0);
        for (&place, &dy) in indices[of].iter().zip(dy) {
            // -1 is the index of a window that saw nothing
            if let Some(dx) = usize::try_from(place).ok().and_then(|at| dx.get_mut(at)) {
                *dx += dy;
            }
        }
    });
}
