//! Products of few rows with a transposed matrix: a fully connected layer and a small batch. A general product first
//! packs its second operand, which costs more here than multiplying: every number of it is used but `m` times. So each
//! row is read once, as it lies, and multiplied with all rows of the first operand by dot products.

use pulp::{Arch, Simd, WithSimd};

use super::gemm::Gemm;
use crate::cpu;
use crate::error::Result;
use crate::pool::Buffer;

/// Rows from which on packing pays.
const MOST: usize = 32;
/// Numbers of the second operand below which nothing is worth a thread's start.
const LEAST: usize = 64 * 1024;
/// Terms at a time: so many of all rows of the first operand stay in a core's cache.
const DEPTH: usize = 1024;
/// Rows of the second operand that a task takes.
const TASK: usize = 64;
/// Rows of either operand whose products are summed together, in as many registers as every x86-64 has.
const ROWS: usize = 4;
const COLS: usize = 2;

/// Whether a product is of this kind.
pub(super) fn suits(gemm: &Gemm) -> bool {
    gemm.m <= MOST && !gemm.transpose_a && gemm.transpose_b && gemm.n * gemm.k >= LEAST
}

/// `y = a b^T`; `y` is dense.
pub(super) fn product(a: &[f32], b: &[f32], y: &mut [f32], gemm: &Gemm) -> Result<()> {
    let (m, n, k) = (gemm.m, gemm.n, gemm.k);
    // the sums of a row of b lie together, so that tasks write apart
    let mut sums = Buffer::stale(m * n)?;
    cpu::share_out(&mut sums, TASK * m, |at, sums| {
        sums.fill(0.0);
        for start in (0..k).step_by(DEPTH) {
            let depth = DEPTH.min(k - start);
            let row_a = |i: usize| &a[i * gemm.lda + start..][..depth];
            for (group, sums) in sums.chunks_mut(ROWS * m).enumerate() {
                let first = at / m + group * ROWS;
                let rows = sums.len() / m;
                // a group cut short repeats its last row, whose sums are dropped
                let row_b = |r: usize| &b[(first + r.min(rows - 1)) * gemm.ldb + start..][..depth];
                let b: [&[f32]; ROWS] = std::array::from_fn(row_b);
                for i in (0..m).step_by(COLS) {
                    let dots = if i + 1 < m {
                        Arch::new().dispatch(Dots {
                            a: [row_a(i), row_a(i + 1)],
                            b,
                        })
                    } else {
                        let one = Arch::new().dispatch(Dots { a: [row_a(i)], b });
                        one.map(|[dot]| [dot, 0.0])
                    };
                    for (sums, dots) in sums.chunks_exact_mut(m).zip(dots) {
                        let sums = sums[i..].iter_mut().zip(dots);
                        sums.for_each(|(sum, dot)| *sum += dot);
                    }
                }
            }
        }
    });
    for (i, y) in y.chunks_exact_mut(n).enumerate() {
        let of_row = sums[i..].iter().step_by(m);
        y.iter_mut().zip(of_row).for_each(|(y, sum)| *y = *sum);
    }
    Ok(())
}

/// The dot product of each row with each; all have one length.
struct Dots<'a, const C: usize> {
    a: [&'a [f32]; C],
    b: [&'a [f32]; ROWS],
}

impl<const C: usize> WithSimd for Dots<'_, C> {
    type Output = [[f32; C]; ROWS];

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Self::Output {
        let whole = S::as_simd_f32s(self.b[0]).0.len();
        // of one length, as the compiler must know to leave out checks
        let split = |row| {
            let (vectors, rest) = S::as_simd_f32s(row);
            (&vectors[..whole], rest)
        };
        let (a, b) = (self.a.map(split), self.b.map(split));
        let mut sums = [[simd.splat_f32s(0.0); C]; ROWS];
        for at in 0..whole {
            for (sums, b) in sums.iter_mut().zip(&b) {
                for (sum, a) in sums.iter_mut().zip(&a) {
                    *sum = simd.mul_add_e_f32s(a.0[at], b.0[at], *sum);
                }
            }
        }
        std::array::from_fn(|r| {
            std::array::from_fn(|c| {
                let rest = a[c].1.iter().zip(b[r].1);
                let rest: f32 = rest.map(|(a, b)| a * b).sum();
                simd.reduce_sum_f32s(sums[r][c]) + rest
            })
        })
    }
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
        ] {
            let gemm = Gemm {
                lda: k + 3,
                ldb: k + 1,
                ..Gemm::new(m, n, k, false, true)
            };
            // whole numbers: sums are exact in any order
            let number = |i: usize| (i * 7 % 11) as f32 - 5.0;
            let a: Vec<f32> = (0..m * gemm.lda).map(number).collect();
            let b: Vec<f32> = (0..n * gemm.ldb).map(|i| number(i + 3)).collect();
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
