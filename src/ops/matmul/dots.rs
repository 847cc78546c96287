//! Products of a handful of rows with a transposed matrix by dot products, which read both operands as they lie.

use super::blocks;
use super::gemm::Gemm;
use crate::cpu::{OverVectors, Vector, dispatch_vectors};

/// Terms at a time: so many of all rows of the first operand stay in a core's cache.
const DEPTH: usize = 1024;
/// Rows of the second operand whose products with two of the first are summed together, in as many registers as every
/// x86-64 has.
const ROWS: usize = 4;

/// Adds to `sums`, which has `m` for each row of `b`.
pub(super) fn add(a: &[f32], b: &[f32], sums: &mut [f32], gemm: &Gemm) {
    blocks::add(b, sums, gemm, DEPTH, |i, terms, b: [_; ROWS]| {
        let row = |i: usize| &a[i * gemm.lda..][terms.clone()];
        if i + 1 < gemm.m {
            let a = [row(i), row(i + 1)];
            dispatch_vectors(Dots { a, b })
        } else {
            let one = dispatch_vectors(Dots { a: [row(i)], b });
            one.map(|[dot]| [dot, 0.0])
        }
    });
}

/// The dot product of each row with each; all have one length.
struct Dots<'a, const C: usize> {
    a: [&'a [f32]; C],
    b: [&'a [f32]; ROWS],
}

impl<const C: usize> OverVectors for Dots<'_, C> {
    type Output = [[f32; C]; ROWS];

    #[inline(always)]
    fn run<V: Vector>(self) -> Self::Output {
        let whole = V::arrays(self.b[0]).0.len();
        // of one length, as the compiler must know to leave out checks
        let split = |row| {
            let (vectors, rest) = V::arrays(row);
            (&vectors[..whole], rest)
        };
        let (a, b) = (self.a.map(split), self.b.map(split));
        let mut sums = [[V::splat(0.0); C]; ROWS];
        for at in 0..whole {
            for (sums, b) in sums.iter_mut().zip(&b) {
                for (sum, a) in sums.iter_mut().zip(&a) {
                    *sum = V::load(&a.0[at]).mul_add(V::load(&b.0[at]), *sum);
                }
            }
        }
        std::array::from_fn(
            #[inline(always)]
            |r| {
                std::array::from_fn(
                    #[inline(always)]
                    |c| {
                        let rest = a[c].1.iter().zip(b[r].1);
                        let rest: f32 = rest.map(|(a, b)| a * b).sum();
                        sums[r][c].sum() + rest
                    },
                )
            },
        )
    }
}
