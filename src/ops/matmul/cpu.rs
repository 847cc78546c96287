//! Matmul on the CPU: the `matrixmultiply` crate, with `f16` and `bf16` widened to `f32` before and rounded once after. Few
//! rows go another way ([`few_rows`]).

use super::few_rows;
use super::gemm::Gemm;
use crate::cpu::{self, Buffer, Matrix, MatrixMut, vectorized};
use crate::element::Float;
use crate::error::Result;
use crate::ops::activation::Activation;

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
    if gemm.batch == 1 && few_rows::suits(gemm) {
        return few_rows::product(a, b, y, gemm);
    }
    let [stored_a, stored_b] = gemm.stored();
    let factors = (0..gemm.batch).map(|i| {
        let a = &a[i * gemm.stride_a..][..span_a];
        let b = &b[i * gemm.stride_b..][..span_b];
        [
            view(a, stored_a, gemm.lda, gemm.transpose_a),
            view(b, stored_b, gemm.ldb, gemm.transpose_b),
        ]
    });
    let matrices = y.chunks_exact_mut(matrix.max(1));
    let matrices = matrices.map(|y| MatrixMut::new(y, [gemm.m, gemm.n]));
    cpu::products(factors, matrices);
    Ok(())
}

/// One factor, as it is multiplied.
fn view(x: &[f32], stored: (usize, usize), ld: usize, transpose: bool) -> Matrix<'_> {
    let x = Matrix::of_rows(x, [stored.0, stored.1], ld);
    if transpose { x.transposed() } else { x }
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
            activation.apply(y);
        });
    });
}
