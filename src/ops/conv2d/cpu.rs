//! Convolution on the CPU: windows unfolded in blocks that a core's cache holds, multiplied by [`cpu::product`]; or, where
//! that takes fewer multiplications, [`winograd`]. `f16` and `bf16` are widened to `f32` before and rounded once after.

use super::{Conv, winograd};
use crate::cpu::{self, Buffer, Matrix, MatrixMut, parts, share, share_with, vectorized};
use crate::element::Float;
use crate::error::Result;
use crate::ops::activation::Activation;

/// Elements of an unfolded block: 1 MiB, which a second-level cache holds.
const BLOCK: usize = 256 * 1024;

/// Columns of an unfolded block, or rows of one, that pay for reading the other factor once more.
const COLUMNS: usize = 64;
const ROWS: usize = 64;

/// `f` on `f32`: the tensors themselves, or widened copies and a result that is narrowed.
fn widened<T: Float, Y: Float>(
    a: &[T],
    b: &[T],
    y: &mut [Y],
    f: impl FnOnce(&[f32], &[f32], &mut [f32]) -> Result<()>,
) -> Result<()> {
    let [wide_a, wide_b] = [wide(a)?, wide(b)?];
    let a = T::as_f32(a).unwrap_or(&wide_a);
    let b = T::as_f32(b).unwrap_or(&wide_b);
    if let Some(y) = Y::as_f32_mut(y) {
        return f(a, b, y);
    }
    let mut wide_y = Buffer::stale(y.len())?;
    f(a, b, &mut wide_y)?;
    cpu::tasks(y, |at, y| Y::narrow(&wide_y[at..at + y.len()], y));
    Ok(())
}

/// The same in f32, where it is not; else nothing.
fn wide<T: Float>(x: &[T]) -> Result<Buffer<f32>> {
    let len = T::as_f32(x).map_or(x.len(), |_| 0);
    let mut wide = Buffer::stale(len)?;
    cpu::tasks(&mut wide, |at, wide| {
        T::widen(&x[at..at + wide.len()], wide);
    });
    Ok(wide)
}

pub(crate) fn conv2d<T: Float>(
    x: &[T],
    w: &[T],
    bias: Option<&[T]>,
    y: &mut [T],
    conv: &Conv,
) -> Result<()> {
    let bias: Option<Vec<f32>> = bias.map(|b| b.iter().map(|v| v.to_f32()).collect());
    widened(x, w, y, |x, w, y| {
        if winograd::suits(conv, w) {
            return winograd::forward(x, w, bias.as_deref(), y, conv);
        }
        forward(x, w, bias.as_deref(), y, conv);
        Ok(())
    })
}

fn forward(x: &[f32], w: &[f32], bias: Option<&[f32]>, y: &mut [f32], conv: &Conv) {
    let ([plane_in, plane], terms, m) = (conv.planes(), conv.terms(), conv.outputs);
    let products = conv.images * conv.groups;
    let columns = parts(plane, COLUMNS..=BLOCK / terms.max(1), products);
    let mut tasks = Vec::new();
    for (i, y) in y.chunks_exact_mut(m * plane).enumerate() {
        let blocks = cpu::tiles(MatrixMut::new(y, [m, plane]), [m, columns]);
        tasks.extend(blocks.into_iter().map(|([_, start], y)| (i, start, y)));
    }
    let direct = conv.taps() == 1 && plane == plane_in && conv.window.stride == [1, 1];
    share_with(
        tasks.into_iter(),
        Vec::new,
        |unfolded, (i, start, mut y)| {
            let x = &x[i * conv.inputs * plane_in..][..conv.inputs * plane_in];
            let group = i % conv.groups;
            let w = Matrix::of_rows(&w[group * m * terms..][..m * terms], [m, terms], terms);
            let [_, width] = y.shape();
            let windows = if direct {
                // a window is one element: the planes are the matrix
                Matrix::of_rows(&x[start..], [terms, width], plane)
            } else {
                unfolded.resize(terms * width, 0.0);
                conv.unfold(x, 0..terms, start..start + width, unfolded);
                Matrix::of_rows(unfolded, [terms, width], width)
            };
            match bias {
                Some(bias) => {
                    let bias = &bias[group * m..];
                    y.rows().zip(bias).for_each(|(row, bias)| row.fill(*bias));
                    cpu::add_product(w, windows, &mut y);
                }
                None => cpu::product(w, windows, &mut y),
            }
            if conv.activation != Activation::None {
                for row in y.rows() {
                    vectorized!(conv.activation.apply(row));
                }
            }
        },
    );
}

pub(crate) fn backward_input<T: Float>(dy: &[T], w: &[T], dx: &mut [T], conv: &Conv) -> Result<()> {
    widened(dy, w, dx, |dy, w, dx| {
        let ([plane_in, plane], terms, m) = (conv.planes(), conv.terms(), conv.outputs);
        let (products, taps) = (conv.images * conv.groups, conv.taps());
        let channels = parts(conv.inputs, ROWS.div_ceil(taps)..=conv.inputs, products);
        let images = dx.chunks_exact_mut(conv.inputs * plane_in).enumerate();
        let tasks = images.flat_map(|(i, dx)| {
            let parts = dx.chunks_mut(channels * plane_in).enumerate();
            parts.map(move |(part, dx)| (i, part, dx))
        });
        let tasks: Vec<_> = tasks.collect();
        share_with(tasks.into_iter(), Vec::new, |unfolded, (i, part, dx)| {
            let dy = Matrix::of_rows(&dy[i * m * plane..][..m * plane], [m, plane], plane);
            let w = &w[i % conv.groups * m * terms..][..m * terms];
            let w = Matrix::of_rows(w, [m, terms], terms);
            let rows = dx.len() / plane_in * taps;
            let first = part * channels * taps;
            let w = w.cols(first..first + rows).transposed();
            let columns = parts(plane, plane..=BLOCK / rows.max(1), 1);
            dx.fill(0.0);
            for start in (0..plane).step_by(columns) {
                let width = columns.min(plane - start);
                unfolded.resize(rows * width, 0.0);
                let mut block = MatrixMut::new(unfolded, [rows, width]);
                cpu::product(w, dy.cols(start..start + width), &mut block);
                conv.fold(unfolded, first..first + rows, start..start + width, dx);
            }
        });
        Ok(())
    })
}

/// In `T`, or the sums as they are, in f32.
pub(crate) fn backward_weight<T: Float, Y: Float>(
    dy: &[T],
    x: &[T],
    dw: &mut [Y],
    conv: &Conv,
) -> Result<()> {
    widened(dy, x, dw, |dy, x, dw| {
        let ([plane_in, plane], terms, m) = (conv.planes(), conv.terms(), conv.outputs);
        let rows = parts(terms, ROWS..=terms, conv.groups);
        let columns = parts(plane, plane..=BLOCK / rows, 1);
        let mut tasks = Vec::new();
        for (group, dw) in dw.chunks_exact_mut(m * terms).enumerate() {
            let blocks = cpu::tiles(MatrixMut::new(dw, [m, terms]), [m, rows]);
            tasks.extend(
                blocks
                    .into_iter()
                    .map(|([_, first], dw)| (group, first, dw)),
            );
        }
        share_with(
            tasks.into_iter(),
            Vec::new,
            |unfolded, (group, first, mut dw)| {
                let [_, here] = dw.shape();
                dw.rows().for_each(|row| row.fill(0.0));
                for image in 0..conv.images {
                    let i = image * conv.groups + group;
                    let x = &x[i * conv.inputs * plane_in..][..conv.inputs * plane_in];
                    let dy = Matrix::of_rows(&dy[i * m * plane..][..m * plane], [m, plane], plane);
                    for start in (0..plane).step_by(columns) {
                        let width = columns.min(plane - start);
                        unfolded.resize(here * width, 0.0);
                        conv.unfold(x, first..first + here, start..start + width, unfolded);
                        let windows = Matrix::of_rows(unfolded, [here, width], width).transposed();
                        let dy = dy.cols(start..start + width);
                        cpu::add_product(dy, windows, &mut dw);
                    }
                }
            },
        );
        Ok(())
    })
}

/// The sum over images and places of each channel, in `f64`.
pub(crate) fn backward_bias<T: Float>(
    dy: &[T],
    db: &mut [T],
    [images, channels, h, w]: [usize; 4],
) {
    let plane = h * w;
    share(db.iter_mut().enumerate(), |(channel, db)| {
        let (mut sum, mut wide) = (0.0, vec![0.0; plane]);
        for image in 0..images {
            T::widen(
                &dy[(image * channels + channel) * plane..][..plane],
                &mut wide,
            );
            sum += cpu::sum_f64(&wide);
        }
        *db = T::from_f32(sum as f32);
    });
}
