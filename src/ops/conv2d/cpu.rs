//! Convolution on the CPU: windows unfolded in blocks that a core's cache holds, multiplied by the `faer` crate; or, where
//! that takes fewer multiplications, [`winograd`]. `f16` and `bf16` are widened to `f32` before and rounded once after.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use rayon::prelude::*;

use super::{Conv, winograd};
use crate::cpu::{self, parts};
use crate::element::Float;
use crate::error::Result;
use crate::pool::Buffer;

/// Elements of an unfolded block: 1 MiB, which a second-level cache holds.
const BLOCK: usize = 256 * 1024;

/// Columns of an unfolded block, or rows of one, that pay for reading the other factor once more.
const COLUMNS: usize = 64;
const ROWS: usize = 64;

/// `f` on `f32`: the tensors themselves, or widened copies and a result that is narrowed.
fn widened<T: Float>(
    a: &[T],
    b: &[T],
    y: &mut [T],
    f: impl FnOnce(&[f32], &[f32], &mut [f32]) -> Result<()>,
) -> Result<()> {
    if let (Some(a), Some(b)) = (T::as_f32(a), T::as_f32(b))
        && let Some(y) = T::as_f32_mut(y)
    {
        return f(a, b, y);
    }
    let wide = |x: &[T]| -> Result<Buffer<f32>> {
        let mut wide = Buffer::stale(x.len())?;
        cpu::tasks(&mut wide, |at, wide| {
            T::widen(&x[at..at + wide.len()], wide);
        });
        Ok(wide)
    };
    let (a, b, mut wide_y) = (wide(a)?, wide(b)?, Buffer::stale(y.len())?);
    f(&a, &b, &mut wide_y)?;
    cpu::tasks(y, |at, y| T::narrow(&wide_y[at..at + y.len()], y));
    Ok(())
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
        let mut rest = MatMut::from_row_major_slice_mut(y, m, plane);
        for start in (0..plane).step_by(columns) {
            let here = columns.min(plane - start);
            let (block, others) = rest.split_at_col_mut(here);
            tasks.push((i, start, block));
            rest = others;
        }
    }
    let direct = conv.taps() == 1 && plane == plane_in && conv.window.stride == [1, 1];
    tasks
        .into_par_iter()
        .for_each_init(Vec::new, |unfolded, (i, start, mut y)| {
            let x = &x[i * conv.inputs * plane_in..][..conv.inputs * plane_in];
            let group = i % conv.groups;
            let w = MatRef::from_row_major_slice(&w[group * m * terms..][..m * terms], m, terms);
            let width = y.ncols();
            let accum = match bias {
                Some(bias) => {
                    for (r, &bias) in bias[group * m..][..m].iter().enumerate() {
                        y.as_mut().row_mut(r).fill(bias);
                    }
                    Accum::Add
                }
                None => Accum::Replace,
            };
            let windows = if direct {
                // a window is one element: the planes are the matrix
                MatRef::from_row_major_slice_with_stride(&x[start..], terms, width, plane)
            } else {
                unfolded.resize(terms * width, 0.0);
                conv.unfold(x, 0..terms, start..start + width, unfolded);
                MatRef::from_row_major_slice(unfolded, terms, width)
            };
            matmul(y, accum, w, windows, 1.0, Par::Seq);
        });
}

pub(crate) fn backward_input<T: Float>(dy: &[T], w: &[T], dx: &mut [T], conv: &Conv) -> Result<()> {
    widened(dy, w, dx, |dy, w, dx| {
        let ([plane_in, plane], terms, m) = (conv.planes(), conv.terms(), conv.outputs);
        let (products, taps) = (conv.images * conv.groups, conv.taps());
        let channels = parts(conv.inputs, ROWS.div_ceil(taps)..=conv.inputs, products);
        let images = dx.par_chunks_exact_mut(conv.inputs * plane_in).enumerate();
        images.for_each(|(i, dx)| {
            let dy = MatRef::from_row_major_slice(&dy[i * m * plane..][..m * plane], m, plane);
            let w = &w[i % conv.groups * m * terms..][..m * terms];
            let w = MatRef::from_row_major_slice(w, m, terms);
            let tasks = dx.par_chunks_mut(channels * plane_in).enumerate();
            tasks.for_each_init(Vec::new, |unfolded, (part, dx)| {
                let rows = dx.len() / plane_in * taps;
                let first = part * channels * taps;
                let w = w.subcols(first, rows).transpose();
                let columns = parts(plane, plane..=BLOCK / rows.max(1), 1);
                dx.fill(0.0);
                for start in (0..plane).step_by(columns) {
                    let width = columns.min(plane - start);
                    unfolded.resize(rows * width, 0.0);
                    let block = MatMut::from_row_major_slice_mut(unfolded, rows, width);
                    let dy = dy.subcols(start, width);
                    matmul(block, Accum::Replace, w, dy, 1.0, Par::Seq);
                    conv.fold(unfolded, first..first + rows, start..start + width, dx);
                }
            });
        });
        Ok(())
    })
}

pub(crate) fn backward_weight<T: Float>(
    dy: &[T],
    x: &[T],
    dw: &mut [T],
    conv: &Conv,
) -> Result<()> {
    widened(dy, x, dw, |dy, x, dw| {
        let ([plane_in, plane], terms, m) = (conv.planes(), conv.terms(), conv.outputs);
        let rows = parts(terms, ROWS..=terms, conv.groups);
        let columns = parts(plane, plane..=BLOCK / rows, 1);
        let mut tasks = Vec::new();
        for (group, dw) in dw.chunks_exact_mut(m * terms).enumerate() {
            let mut rest = MatMut::from_row_major_slice_mut(dw, m, terms);
            for first in (0..terms).step_by(rows) {
                let (block, others) = rest.split_at_col_mut(rows.min(terms - first));
                tasks.push((group, first, block));
                rest = others;
            }
        }
        tasks
            .into_par_iter()
            .for_each_init(Vec::new, |unfolded, (group, first, mut dw)| {
                let here = dw.ncols();
                dw.fill(0.0);
                for image in 0..conv.images {
                    let i = image * conv.groups + group;
                    let x = &x[i * conv.inputs * plane_in..][..conv.inputs * plane_in];
                    let dy =
                        MatRef::from_row_major_slice(&dy[i * m * plane..][..m * plane], m, plane);
                    for start in (0..plane).step_by(columns) {
                        let width = columns.min(plane - start);
                        unfolded.resize(here * width, 0.0);
                        conv.unfold(x, first..first + here, start..start + width, unfolded);
                        let windows =
                            MatRef::from_row_major_slice(unfolded, here, width).transpose();
                        let dy = dy.subcols(start, width);
                        matmul(dw.as_mut(), Accum::Add, dy, windows, 1.0, Par::Seq);
                    }
                }
            });
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
    db.par_iter_mut().enumerate().for_each(|(channel, db)| {
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
