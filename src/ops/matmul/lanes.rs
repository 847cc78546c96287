//! Products of few rows with a transposed matrix, the rows side by side in the lanes of vectors: the first operand, which
//! is small, is transposed for that, and every number of the second is spread over a vector's lanes.

use super::blocks;
use super::gemm::Gemm;
use crate::cpu::{Buffer, OverVectors, Vector, dispatch_vectors};
use crate::error::Result;

/// Rows of the first operand side by side: the lanes of one vector of AVX-512, or of two of AVX2.
const PANEL: usize = 16;
/// Rows of the second operand at a time: 12 sums and what they need fill AVX2's 16 registers.
const ROWS: usize = 6;
/// Terms at a time: so many of a panel, 128 KiB, stay in a second-level cache.
const DEPTH: usize = 2048;

/// The rows of `a` in panels: for each term the numbers of its rows, zeros where there is no row.
pub(super) fn pack(a: &[f32], gemm: &Gemm) -> Result<Buffer<f32>> {
    let (m, k) = (gemm.m, gemm.k);
    let mut packed = Buffer::stale(m.div_ceil(PANEL) * PANEL * k)?;
    for (panel, first) in packed
        .chunks_exact_mut(PANEL * k)
        .zip((0..m).step_by(PANEL))
    {
        for (l, term) in panel.chunks_exact_mut(PANEL).enumerate() {
            for (i, to) in term.iter_mut().enumerate() {
                let row = first + i;
                *to = if row < m { a[row * gemm.lda + l] } else { 0.0 };
            }
        }
    }
    Ok(packed)
}

/// Adds to `sums`, which has `m` for each row of `b`.
pub(super) fn add(packed: &[f32], b: &[f32], sums: &mut [f32], gemm: &Gemm) {
    blocks::add(b, sums, gemm, DEPTH, |first, terms, b| {
        let panel = &packed[first * gemm.k..][..PANEL * gemm.k];
        let a = &panel[terms.start * PANEL..terms.end * PANEL];
        dispatch_vectors(Products { a, b })
    });
}

/// The product of a panel and some rows of `b`.
struct Products<'a> {
    a: &'a [f32],
    b: [&'a [f32]; ROWS],
}

impl OverVectors for Products<'_> {
    type Output = [[f32; PANEL]; ROWS];

    #[inline(always)]
    fn run<V: Vector>(self) -> Self::Output {
        match PANEL / V::LANES {
            1 => self.of_vectors::<V, 1>(),
            2 => self.of_vectors::<V, 2>(),
            _ => self.of_vectors::<V, 4>(),
        }
    }
}

impl Products<'_> {
    /// For vectors of which `N` make a panel's width.
    #[inline(always)]
    fn of_vectors<V: Vector, const N: usize>(self) -> [[f32; PANEL]; ROWS] {
        let (terms, _) = V::arrays(self.a).0.as_chunks::<N>();
        // of one length, as the compiler must know to leave out checks
        let b = self.b.map(
            #[inline(always)]
            |row| &row[..terms.len()],
        );
        let mut sums = [[V::splat(0.0); N]; ROWS];
        for (l, a) in terms.iter().enumerate() {
            for (sums, b) in sums.iter_mut().zip(b) {
                let b = V::splat(b[l]);
                for (sum, a) in sums.iter_mut().zip(a) {
                    *sum = V::load(a).mul_add(b, *sum);
                }
            }
        }
        sums.map(
            #[inline(always)]
            |sums| {
                let mut row = [0.0; PANEL];
                for (to, sum) in row.chunks_exact_mut(V::LANES).zip(sums) {
                    to.copy_from_slice(sum.array().as_ref());
                }
                row
            },
        )
    }
}
