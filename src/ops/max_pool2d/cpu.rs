//! Max pooling on the CPU: planes in parallel, rows of outputs as vectors.

use super::Planes;
use super::rows::Rows;
use crate::cpu::{self, TASK, vectorized};
use crate::element::Float;
use crate::ops::window::Window;

/// A plane as `f32`, in the buffer where it is something else.
pub(crate) fn widened<'a, T: Float>(plane: &'a [T], wide: &'a mut Vec<f32>) -> &'a [f32] {
    if T::as_f32(plane).is_none() {
        wide.resize(plane.len(), 0.0);
    }
    cpu::widened(plane, wide)
}

/// Works on planes of `size` elements in parallel; `work` gets the plane's number, the plane as `f32`, that of `also` where
/// it is wanted, and what a task has to work in.
pub(crate) fn planes<T: Float, S>(
    y: &mut [T],
    also: Option<&mut [i32]>,
    size: usize,
    scratch: impl Fn() -> S + Sync,
    work: impl Fn(usize, &mut [f32], Option<&mut [i32]>, &mut S) + Sync,
) {
    let per_task = TASK.div_ceil(size);
    let mut also = also.map(|also| also.chunks_mut(per_task * size));
    let tasks = y.chunks_mut(per_task * size).enumerate();
    let tasks = tasks.map(|(task, y)| (task, y, also.as_mut().and_then(Iterator::next)));
    cpu::share(tasks, |(task, y, also)| {
        let (mut wide, mut scratch) = (Vec::new(), scratch());
        let mut also = also.map(|also| also.chunks_exact_mut(size));
        for (i, plane) in y.chunks_exact_mut(size).enumerate() {
            let number = task * per_task + i;
            let also = also.as_mut().and_then(Iterator::next);
            if let Some(plane) = T::as_f32_mut(plane) {
                work(number, plane, also, &mut scratch);
                continue;
            }
            wide.resize(size, 0.0);
            work(number, &mut wide, also, &mut scratch);
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
    let (width, scratch) = (shape.output[1], || (Vec::new(), Rows::new(shape, window)));
    planes(
        y,
        indices,
        size_out,
        scratch,
        |number, y, places, (wide, rows)| {
            let x = widened(&x[number * size_in..][..size_in], wide);
            pool(x, y, places, width, rows);
        },
    );
}

/// One plane.
fn pool(x: &[f32], y: &mut [f32], places: Option<&mut [i32]>, width: usize, rows: &mut Rows) {
    let outputs = y.chunks_exact_mut(width);
    let Some(places) = places else {
        return vectorized!(for (i, y) in outputs.enumerate() {
            y.copy_from_slice(rows.pool::<false>(x, i));
        });
    };
    let outputs = outputs.zip(places.chunks_exact_mut(width));
    vectorized!(for (i, (y, places)) in outputs.enumerate() {
        y.copy_from_slice(rows.pool::<true>(x, i));
        let found = places.iter_mut().zip(rows.places());
        found.for_each(|(place, found)| *place = found);
    });
}

pub(crate) fn max_pool2d_backward<T: Float>(
    dy: &[T],
    indices: &[i32],
    dx: &mut [T],
    shape: &Planes,
) {
    let [size_in, size_out] = [shape.input, shape.output].map(|[h, w]| h * w);
    planes(dx, None, size_in, Vec::new, |number, dx, _, wide| {
        let of = number * size_out..(number + 1) * size_out;
        let dy = widened(&dy[of.clone()], wide);
        spread(dy, &indices[of], dx);
    });
}

/// One plane.
fn spread(dy: &[f32], indices: &[i32], dx: &mut [f32]) {
    dx.fill(0.0);
    for (&place, &dy) in indices.iter().zip(dy) {
        // -1 is the index of a window that saw nothing
        if let Some(dx) = usize::try_from(place).ok().and_then(|at| dx.get_mut(at)) {
            *dx += dy;
        }
    }
}
