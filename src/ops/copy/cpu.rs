//! Strided copies on the CPU.

use crate::cpu::stream::{self, Stores, is_large};
use crate::cpu::{TASK, share, tasks};
use crate::element::Element;
use crate::ops::strides::Strides;
use crate::ops::transpose::cpu::transpose;

/// Elements from which on a run is worth storing past the caches: several whole cache lines.
const LINES: usize = 256;

/// `y[place in y] = x[place in x]` for every index of the box; both slices begin at its first element's place, and `at` is
/// where that stands in each. `y`'s places differ.
pub(crate) fn copy<T: Element>(x: &[T], y: &mut [T], at: [usize; 2], strides: &Strides<2>) {
    let y = &mut y[at[1]..];
    if let Some((rows, cols)) = super::transposed(strides) {
        return transpose(&x[at[0]..], &mut y[..strides.numel()], rows, cols);
    }
    let large = is_large(strides.numel());
    if super::is_dense(strides) {
        return tasks(&mut y[..strides.numel()], |first, y| {
            let past = large.then(Stores::begin);
            let end = first + y.len();
            let mut done = 0;
            strides.runs(first, end, |[from, _], len| {
                run(
                    x,
                    (at[0] as isize + from) as usize,
                    strides.inner()[0],
                    &mut y[done..done + len],
                    1,
                    &past,
                );
                done += len;
            });
        });
    }
    let outermost = strides.dims().last().copied();
    match outermost {
        // each index of the outermost dimension has a run of y of its own
        Some((size, [step_x, step_y])) if strides.numel() > TASK && strides.dims().len() > 1 => {
            let inside = strides.inside();
            let chunks = y.chunks_mut(step_y as usize).take(size).enumerate();
            share(chunks.collect::<Vec<_>>().into_iter(), |(i, y)| {
                let past = large.then(Stores::begin);
                one(x, at[0] as isize + i as isize * step_x, y, &inside, &past);
            });
        }
        _ => one(x, at[0] as isize, y, strides, &None),
    }
}

fn one<T: Element>(x: &[T], at: isize, y: &mut [T], strides: &Strides<2>, past: &Option<Stores>) {
    let [step_x, step_y] = strides.inner();
    strides.runs(0, strides.numel(), |[from, to], len| {
        let end = to as usize + (len - 1) * step_y as usize + 1;
        run(
            x,
            (at + from) as usize,
            step_x,
            &mut y[to as usize..end],
            step_y as usize,
            past,
        );
    });
}

/// Every `step_y`-th element of `y` from `x`'s at `from`, `from + step_x`, ...
fn run<T: Element>(
    x: &[T],
    from: usize,
    step_x: isize,
    y: &mut [T],
    step_y: usize,
    past: &Option<Stores>,
) {
    match (step_x, step_y) {
        (1, 1) => {
            let past = past.as_ref().filter(|_| y.len() >= LINES);
            stream::copy(&x[from..from + y.len()], y, past);
        }
        (0, 1) => y.fill(x[from]),
        _ => {
            for (i, y) in y.iter_mut().step_by(step_y).enumerate() {
                *y = x[(from as isize + i as isize * step_x) as usize];
            }
        }
    }
}
