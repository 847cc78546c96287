//! Matmul on the CPU: the `faer` crate, with `f16` and `bf16` widened to `f32` before and rounded once after. Few rows
//! go another way ([`few_rows`]).

use faer::{Accum, MatMut, MatRef, Par};
use rayon::prelude::*;

use super::few_rows;
use super::gemm::{Activation, Gemm};
use crate::cpu::{self, vectorized};
use crate::element::Float;
use crate::error::Result;
use crate::math;
use crate::pool::Buffer;

/// Products below this many multiplications are too small for `faer`'s own threads: whole ones of a batch are shared
/// out, or the rows of one.
const SMALL: usize = 128 * 128 * 128;
/// Fewer multiplications than this are not worth another thread's start, nor fewer rows reading the second operand anew.
const TASK: usize = 32 * 1024;
const ROWS: usize = 16;

/// `y = activation(op(a) op(b) + bias)`. The caller has checked the layouts; matrices of `y` are dense.
pub(crate) fn matmul<T: Float>(
    a: &[T],
    b: &[T],
    bias: Option<&[T]>,
    y: &mut [T],
    gemm: &Gemm,
) -> Result<()> {
    let bias = bias.map(widen).transpose()?;
    let bias = bias.as_deref();
    if let (Some(a), Some(b)) = (T::as_f32(a), T::as_f32(b))
        && let Some(y) = T::as_f32_mut(y)
    {
        products(a, b, y, gemm)?;
        epilogue(bias, y, gemm);
        return Ok(());
    }
    let (a, b) = (widen(a)?, widen(b)?);
    let mut wide = Buffer::stale(y.len())?;
    products(&a, &b, &mut wide, gemm)?;
    epilogue(bias, &mut wide, gemm);
    cpu::tasks(y, |at, y| T::narrow(&wide[at..at + y.len()], y));
    Ok(())
}

fn widen<T: Float>(x: &[T]) -> Result<Buffer<f32>> {
    let mut wide = Buffer::stale(x.len())?;
    cpu::tasks(&mut wide, |at, wide| {
        T::widen(&x[at..at + wide.len()], wide);
    });
    Ok(wide)
}

fn products(a: &[f32], b: &[f32], y: &mut [f32], gemm: &Gemm) -> Result<()> {
    let [span_a, span_b, matrix] = Gemm { batch: 1, ..*gemm }.spans(super::OP)?;
    let one = |(i, y): (usize, &mut [f32]), parallelism| {
        let a = &a[i * gemm.stride_a..][..span_a];
        let b = &b[i * gemm.stride_b..][..span_b];
        product(a, b, y, gemm, parallelism);
    };
    let matrix = matrix.max(1);
    if gemm.batch == 1 && few_rows::suits(gemm) {
        return few_rows::product(a, b, y, gemm);
    }
    if gemm.batch > 1 && gemm.m * gemm.n * gemm.k < SMALL {
        let matrices = y.par_chunks_exact_mut(matrix).enumerate();
        matrices.for_each(|at| one(at, Par::Seq));
    } else if gemm.m * gemm.n * gemm.k < SMALL {
        by_rows(a, b, y, gemm);
    } else {
        let matrices = y.chunks_exact_mut(matrix).enumerate();
        matrices.for_each(|at| one(at, Par::rayon(0)));
    }
    Ok(())
}

/// One small product, its rows shared out over the threads.
fn by_rows(a: &[f32], b: &[f32], y: &mut [f32], gemm: &Gemm) {
    let least = TASK.div_ceil((gemm.n * gemm.k).max(1));
    let rows = cpu::parts(gemm.m, least.max(ROWS)..=gemm.m, 1);
    let step = if gemm.transpose_a { 1 } else { gemm.lda };
    cpu::share_out(y, rows * gemm.n, |at, y| {
        let part_of = Gemm {
            m: y.len() / gemm.n,
            ..*gemm
        };
        // without terms there is nothing of `a` to stand on
        let a = a.get(at / gemm.n * step..).unwrap_or_default();
        product(a, b, y, &part_of, Par::Seq);
    });
}

/// One product; the slices are one matrix each, `y` dense.
fn product(a: &[f32], b: &[f32], y: &mut [f32], gemm: &Gemm, parallelism: Par) {
    let [stored_a, stored_b] = gemm.stored();
    let a = matrix(a, stored_a, gemm.lda, gemm.transpose_a);
    let b = matrix(b, stored_b, gemm.ldb, gemm.transpose_b);
    let y = MatMut::from_row_major_slice_mut(y, gemm.m, gemm.n);
    faer::linalg::matmul::matmul(y, Accum::Replace, a, b, 1.0, parallelism);
}

fn matrix(x: &[f32], stored: (usize, usize), ld: usize, transpose: bool) -> MatRef<'_, f32> {
    let x = MatRef::from_row_major_slice_with_stride(x, stored.0, stored.1, ld);
    if transpose { x.transpose() } else { x }
}

fn epilogue(bias: Option<&[f32]>, y: &mut [f32], gemm: &Gemm) {
    let activation = gemm.activation;
    if y.is_empty() || (bias.is_none() && activation == Activation::None) {
        return;
    }
    let per_task = cpu::TASK.div_ceil(gemm.n.max(1)) * gemm.n.max(1);
    cpu::share_out(y, per_task, |_, y| {
        vectorized!({
            if let Some(bias) = bias {
                for row in y.chunks_exact_mut(gemm.n) {
                    row.iter_mut().zip(bias).for_each(|(y, &bias)| *y += bias);
                }
            }
            match activation {
                Activation::None => {}
                // not `max`, which would lose a NaN
                Activation::Relu => y
                    .iter_mut()
                    .for_each(|y| *y = if *y < 0.0 { 0.0 } else { *y }),
                Activation::Sigmoid => y.iter_mut().for_each(|y| *y = math::sigmoid(*y)),
            }
        });
    });
}
