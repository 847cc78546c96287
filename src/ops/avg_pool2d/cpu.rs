//! Average pooling on the CPU: planes in parallel, rows of outputs as vectors, tap by tap.

use crate::cpu::vectorized;
use crate::element::Float;
use crate::ops::max_pool2d::Planes;
use crate::ops::max_pool2d::cpu::{planes, widened};
use crate::ops::window::Window;

/// How many taps of each window along a side count.
fn counts(d: usize, shape: &Planes, window: &Window, count_include_pad: bool) -> Vec<f32> {
    let (size, outputs) = (shape.input[d], shape.output[d]);
    let mut counts = vec![0.0; outputs];
    for tap in 0..window.kernel[d] {
        let counted = match count_include_pad {
            // the padding as part of the side: nothing is outside at the start
            true => {
                let whole = Window {
                    padding: [0; 2],
                    ..*window
                };
                let padded = size + window.padding[d] + window.padding_end[d];
                whole.inside(d, tap, padded, outputs)
            }
            false => window.inside(d, tap, size, outputs),
        };
        counts[counted].iter_mut().for_each(|count| *count += 1.0);
    }
    counts
}

pub(crate) fn avg_pool2d<T: Float>(
    x: &[T],
    y: &mut [T],
    shape: &Planes,
    window: &Window,
    count_include_pad: bool,
) {
    let [size_in, size_out] = [shape.input, shape.output].map(|[h, w]| h * w);
    let [down, across] = [0, 1].map(|d| counts(d, shape, window, count_include_pad));
    planes(y, None, size_out, Vec::new, |number, y, _, wide| {
        let x = widened(&x[number * size_in..][..size_in], wide);
        pool(x, y, shape, window, [&down, &across]);
    });
}

/// One plane.
fn pool(x: &[f32], y: &mut [f32], shape: &Planes, window: &Window, [down, across]: [&[f32]; 2]) {
    for (i, y) in y.chunks_exact_mut(shape.output[1]).enumerate() {
        vectorized!({
            y.fill(0.0);
            taps(i, shape, window, |start, inside, first| {
                let x = x[start + first..].iter().step_by(window.stride[1]);
                y[inside].iter_mut().zip(x).for_each(|(y, &x)| *y += x);
            });
            let counts = y.iter_mut().zip(across);
            counts.for_each(|(y, &count)| *y /= down[i] * count);
        });
    }
}

pub(crate) fn avg_pool2d_backward<T: Float>(
    dy: &[T],
    dx: &mut [T],
    shape: &Planes,
    window: &Window,
    count_include_pad: bool,
) {
    let [size_in, size_out] = [shape.input, shape.output].map(|[h, w]| h * w);
    let [down, across] = [0, 1].map(|d| counts(d, shape, window, count_include_pad));
    planes(dx, None, size_in, Vec::new, |number, dx, _, wide| {
        let dy = widened(&dy[number * size_out..][..size_out], wide);
        spread(dy, dx, shape, window, [&down, &across]);
    });
}

/// One plane.
fn spread(
    dy: &[f32],
    dx: &mut [f32],
    shape: &Planes,
    window: &Window,
    [down, across]: [&[f32]; 2],
) {
    let mut parts = vec![0.0; shape.output[1]];
    dx.fill(0.0);
    for (i, dy) in dy.chunks_exact(shape.output[1]).enumerate() {
        vectorized!({
            for ((part, &dy), &count) in parts.iter_mut().zip(dy).zip(across) {
                *part = dy / (down[i] * count);
            }
            taps(i, shape, window, |start, inside, first| {
                let dx = dx[start + first..].iter_mut().step_by(window.stride[1]);
                dx.zip(&parts[inside]).for_each(|(dx, &part)| *dx += part);
            });
        });
    }
}

/// Calls `f` for every tap of row `i` of the outputs that is inside: where its row starts, the outputs for which it is
/// inside, and the column of the first.
#[inline(always)]
fn taps(
    i: usize,
    shape: &Planes,
    window: &Window,
    mut f: impl FnMut(usize, std::ops::Range<usize>, usize),
) {
    let [h, w] = shape.input;
    for a in 0..window.kernel[0] {
        if !window.inside(0, a, h, shape.output[0]).contains(&i) {
            continue;
        }
        let start = window.at(0, i, a) * w;
        for b in 0..window.kernel[1] {
            let inside = window.inside(1, b, w, shape.output[1]);
            if !inside.is_empty() {
                let first = window.at(1, inside.start, b);
                f(start, inside, first);
            }
        }
    }
}
