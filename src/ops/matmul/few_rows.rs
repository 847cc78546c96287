//! Products of few rows with a transposed matrix: a fully connected layer and a small batch. A general product first
//! packs its second operand, which costs more here than multiplying: every number of it is used but `m` times. So each
//! of its rows is read once, as it lies: by [`dots`] where the first operand has a handful of rows, else by [`lanes`].

use super::gemm::Gemm;
use super::{dots, lanes};
use crate::cpu;
use crate::cpu::Buffer;
use crate::error::Result;

/// Rows from which on packing pays.
const MOST: usize = 32;
/// Rows that dot products serve best.
const HANDFUL: usize = 4;
/// Numbers of the second operand below which nothing is worth a thread's start.
const LEAST: usize = 64 * 1024;
/// Rows of the second operand that a task takes, a multiple of what either way takes at a time.
const TASK: usize = 48;

/// Whether a product is of this kind.
pub(super) fn suits(gemm: &Gemm) -> bool {
    gemm.m <= MOST && !gemm.transpose_a && gemm.transpose_b && gemm.n * gemm.k >= LEAST
}

/// `y = a b^T`; `y` is dense.
pub(super) fn product(a: &[f32], b: &[f32], y: &mut [f32], gemm: &Gemm) -> Result<()> {
    let (m, n) = (gemm.m, gemm.n);
    let packed = match m {
        ..=HANDFUL => None,
        _ => Some(lanes::pack(a, gemm)?),
    };
    // the sums of a row of b lie together, so that tasks write apart
    let mut sums = Buffer::stale(m * n)?;
    cpu::share_out(&mut sums, TASK * m, |at, sums| {
        sums.fill(0.0);
        let b = &b[at / m * gemm.ldb..];
        match &packed {
            None => dots::add(a, b, sums, gemm),
            Some(packed) => lanes::add(packed, b, sums, gemm),
        }
    });
    for (i, y) in y.chunks_exact_mut(n).enumerate() {
        let of_row = sums[i..].iter().step_by(m);
        y.iter_mut().zip(of_row).for_each(|(y, sum)| *y = *sum);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_and_column_has_its_own_sum() {
        for (m, n, k) in [
            (1, 1, 1),
            (1, 67, 1025),
            (2, 64, 7),
            (3, 130, 2050),
            (5, 9, 33),
            (16, 49, 2049),
            (17, 6, 5),
            (32, 103, 4100),
        ] {
            let gemm = Gemm {
                lda: k + 3,
                ldb: k + 1,
                ..Gemm::new(m, n, k, false, true)
            };
            // whole numbers: sums are exact in any order
            let number = |i: usize| (i * 7 % 11) as f32 - 5.0;
            // as short as the matrices' spans
            let a: Vec<f32> = (0..(m - 1) * gemm.lda + k).map(number).collect();
            let b: Vec<f32> = (0..(n - 1) * gemm.ldb + k).map(|i| number(i + 3)).collect();
            let mut y = vec![f32::NAN; m * n];
            product(&a, &b, &mut y, &gemm).unwrap();
            let want = (0..m * n).map(|at| {
                let (i, j) = (at / n * gemm.lda, at % n * gemm.ldb);
                (0..k).map(|l| a[i + l] * b[j + l]).sum::<f32>()
            });
            assert!(y.iter().copied().eq(want), "{m} x {n} x {k}");
        }
    }
}
