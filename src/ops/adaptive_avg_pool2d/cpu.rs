//! Adaptive average pooling on the CPU: planes in parallel, windows summed in f64 row by row.

use super::window;
use crate::cpu::{sum_f64, vectorized};
use crate::element::Float;
use crate::ops::max_pool2d::Planes;
use crate::ops::max_pool2d::cpu::{planes, widened};

pub(crate) fn adaptive_avg_pool2d<T: Float>(x: &[T], y: &mut [T], shape: &Planes) {
    let [size_in, size_out] = [shape.input, shape.output].map(|[h, w]| h * w);
    planes(y, None, size_out, Vec::new, |number, y, _, wide| {
        pool(widened(&x[number * size_in..][..size_in], wide), y, shape);
    });
}

/// One plane.
fn pool(x: &[f32], y: &mut [f32], shape: &Planes) {
    let ([h, w], [oh, ow]) = (shape.input, shape.output);
    vectorized!(for (i, y) in y.chunks_exact_mut(ow).enumerate() {
        let rows = window(i, h, oh);
        for (j, y) in y.iter_mut().enumerate() {
            let cols = window(j, w, ow);
            // rows that are whole stand one behind the other
            let sum: f64 = match cols.len() == w {
                true => sum_f64(&x[rows.start * w..rows.end * w]),
                false => {
                    let rows = rows.clone();
                    rows.map(|r| sum_f64(&x[r * w..][cols.clone()])).sum()
                }
            };
            *y = (sum / (rows.len() * cols.len()) as f64) as f32;
        }
    });
}

pub(crate) fn adaptive_avg_pool2d_backward<T: Float>(dy: &[T], dx: &mut [T], shape: &Planes) {
    let [size_in, size_out] = [shape.input, shape.output].map(|[h, w]| h * w);
    planes(dx, None, size_in, Vec::new, |number, dx, _, wide| {
        spread(
            widened(&dy[number * size_out..][..size_out], wide),
            dx,
            shape,
        );
    });
}

/// One plane.
fn spread(dy: &[f32], dx: &mut [f32], shape: &Planes) {
    let ([h, w], [oh, ow]) = (shape.input, shape.output);
    dx.fill(0.0);
    vectorized!(for (i, dy) in dy.chunks_exact(ow).enumerate() {
        let rows = window(i, h, oh);
        for (j, &dy) in dy.iter().enumerate() {
            let cols = window(j, w, ow);
            let part = dy / (rows.len() * cols.len()) as f32;
            for r in rows.clone() {
                let dx = &mut dx[r * w..][cols.clone()];
                dx.iter_mut().for_each(|dx| *dx += part);
            }
        }
    });
}
