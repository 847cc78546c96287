//! Products of few rows with a transposed matrix, the rows side by side in the lanes of vectors: the first operand, which
//! is small, is transposed for that, and every number of the second is spread over a vector's lanes.

use pulp::{Arch, Simd, WithSimd};

use super::blocks;
use super::gemm::Gemm;
use crate::cpu::Buffer;
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
        Arch::new().dispatch(Products { a, b })
    });
}

/// The product of a panel and some rows of `b`.
struct Products<'a> {
    a: &'a [f32],
    b: [&'a [f32]; ROWS],
}

impl WithSimd for Products<'_> {
    type Output = [[f32; PANEL]; ROWS];

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Self::Output {
        match PANEL / S::F32_LANES {
            1 => self.of_vectors::<S, 1>(simd),
            2 => self.of_vectors::<S, 2>(simd),
            4 => self.of_vectors::<S, 4>(simd),
            _ => self.of_vectors::<S, PANEL>(simd),
        }
    }
}

impl Products<'_> {
    /// For vectors of which `V` make a panel's width.
    #[inline(always)]
    fn of_vectors<S: Simd, const V: usize>(self, simd: S) -> [[f32; PANEL]; ROWS] {
        let (terms, _) = S::as_simd_f32s(self.a).0.as_chunks::<V>();
        // of one length, as the compiler must know to leave out checks
        let b = self.b.map(|row| &row[..terms.len()]);
        let mut sums = [[simd.splat_f32s(0.0); V]; ROWS];
        for (l, a) in terms.iter().enumerate() {
            for (sums, b) in sums.iter_mut().zip(b) {
                let b = simd.splat_f32s(b[l]);
                for (sum, &a) in sums.iter_mut().zip(a) {
                    *sum = simd.mul_add_e_f32s(a, b, *sum);
                }
            }
        }
        sums.map(|sums| {
            let mut row = [0.0; PANEL];
            let to = S::as_mut_simd_f32s(&mut row).0.iter_mut();
            to.zip(sums).for_each(|(to, sum)| *to = sum);
            row
        })
    }
}
