//! The loops that both ways of multiplying few rows have in common: terms in blocks that a cache holds, rows of the second
//! operand in groups that are summed together, and the rows of the first some at a time.

use std::ops::Range;

use super::gemm::Gemm;

/// Adds to `sums`, which has `m` for each row of `b`, in blocks of `depth` terms: `products` answers, for these terms, those
/// of `R` rows of `b` with `C` rows of the first operand, of which it gets the first. What it has for rows that are not
/// there is dropped.
#[inline(always)]
pub(super) fn add<const R: usize, const C: usize>(
    b: &[f32],
    sums: &mut [f32],
    gemm: &Gemm,
    depth: usize,
    products: impl Fn(usize, Range<usize>, [&[f32]; R]) -> [[f32; C]; R],
) {
    let (m, k) = (gemm.m, gemm.k);
    for start in (0..k).step_by(depth) {
        let terms = start..k.min(start + depth);
        for (group, sums) in sums.chunks_mut(R * m).enumerate() {
            // a group cut short repeats its last row
            let last = sums.len() / m - 1;
            let row = |r: usize| &b[(group * R + r.min(last)) * gemm.ldb..][terms.clone()];
            let b = std::array::from_fn(row);
            for first in (0..m).step_by(C) {
                let products = products(first, terms.clone(), b);
                for (sums, products) in sums.chunks_exact_mut(m).zip(products) {
                    let sums = sums[first..].iter_mut().zip(products);
                    sums.for_each(|(sum, product)| *sum += product);
                }
            }
        }
    }
}
