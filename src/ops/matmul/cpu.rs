//! Matmul on the CPU: the `gemm` crate, with `f16` and `bf16` widened to `f32` before and rounded once after.

use gemm::Parallelism;
use rayon::prelude::*;

use super::gemm::{Activation, Gemm};
use crate::cpu;
use crate::element::Float;
use crate::error::Result;
use crate::math;
use crate::pool::Buffer;

/// Products below this many multiplications are too small for `gemm`'s own threads: whole ones of a batch are shared
/// out, or the rows of one.
const SMALL: usize = 128 * 128 * 128;
/// Fewer multiplications than this are not worth another thread's start.
const TASK: usize = 32 * 1024;

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
    if gemm.batch > 1 && gemm.m * gemm.n * gemm.k < SMALL {
        let matrices = y.par_chunks_exact_mut(matrix).enumerate();
        matrices.for_each(|at| one(at, Parallelism::None));
    } else if gemm.m * gemm.n * gemm.k < SMALL {
        by_rows(a, b, y, gemm);
    } else {
        let matrices = y.chunks_exact_mut(matrix).enumerate();
        matrices.for_each(|at| one(at, Parallelism::Rayon(0)));
    }
    Ok(())
}

/// One small product, its rows shared out over the threads.
fn by_rows(a: &[f32], b: &[f32], y: &mut [f32], gemm: &Gemm) {
    let least = TASK.div_ceil((gemm.n * gemm.k).max(1));
    let rows = gemm.m.div_ceil(rayon::current_num_threads()).max(least);
    let step = if gemm.transpose_a { 1 } else { gemm.lda };
    let parts = y.par_chunks_mut((rows * gemm.n).max(1)).enumerate();
    parts.for_each(|(part, y)| {
        let part_of = Gemm {
            m: y.len() / gemm.n,
            ..*gemm
        };
        // without terms there is nothing of `a` to stand on
        let a = a.get(part * rows * step..).unwrap_or_default();
        product(a, b, y, &part_of, Parallelism::None);
    });
}

/// One product; the slices are one matrix each, `y` dense.
fn product(a: &[f32], b: &[f32], y: &mut [f32], gemm: &Gemm, parallelism: Parallelism) {
    let strides = |ld: usize, transpose| match transpose {
        false => (1, ld as isize),
        true => (ld as isize, 1),
    };
    let (a_cs, a_rs) = strides(gemm.lda, gemm.transpose_a);
    let (b_cs, b_rs) = strides(gemm.ldb, gemm.transpose_b);
    assert_eq!(y.len(), gemm.m * gemm.n, "a dense output");
    // SAFETY: `a` and `b` are as long as `Gemm::spans` says that these sizes and strides touch (sliced so by
    // `products`), `y` is m * n dense elements (asserted) and borrowed exclusively; with read_dst false it is only
    // written.
    unsafe {
        gemm::gemm(
            gemm.m,
            gemm.n,
            gemm.k,
            y.as_mut_ptr(),
            1,
            gemm.n as isize,
            false,
            a.as_ptr(),
            a_cs,
            a_rs,
            b.as_ptr(),
            b_cs,
            b_rs,
            0.0,
            1.0,
            false,
            false,
            false,
            parallelism,
        );
    }
}

fn epilogue(bias: Option<&[f32]>, y: &mut [f32], gemm: &Gemm) {
    let activation = gemm.activation;
    if y.is_empty() || (bias.is_none() && activation == Activation::None) {
        return;
    }
    let per_task = cpu::TASK.div_ceil(gemm.n.max(1)) * gemm.n.max(1);
    let finish = |y: &mut [f32]| {
        cpu::vectorized(
            #[inline(always)]
            || {
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
                    Activation::Sigmoid => {
                        y.iter_mut().for_each(|y| *y = 1.0 / (1.0 + math::exp(-*y)))
                    }
                }
            },
        );
    };
    match y.len() <= per_task {
        true => finish(y),
        false => y.par_chunks_mut(per_task).for_each(finish),
    }
}
