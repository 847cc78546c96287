//! The arithmetic: 8 x 8 tiles of D = A B + C.

use super::numbers::Rows;
use crate::exec::rounding::{self, Rounding};

/// How two factors and a sum make a sum.
pub trait Arithmetic {
    type Factor: Copy + Default;
    type Sum: Copy + Default;
    /// What a sum starts from.
    fn start(&self, c: Self::Sum) -> Self::Sum;
    fn step(&self, a: Self::Factor, b: Self::Factor, sum: Self::Sum) -> Self::Sum;
    /// A step that rounds otherwise, where the ISA does not say how.
    fn other_step(&self, a: Self::Factor, b: Self::Factor, sum: Self::Sum) -> Self::Sum {
        self.step(a, b, sum)
    }
    /// The result of the whole sum and the C it belongs to.
    fn finish(&self, sum: Self::Sum, c: Self::Sum) -> Self::Sum;
}

/// In which order products are summed. The ISA leaves this open ("accumulation order, rounding and handling of
/// subnormal inputs is unspecified"), so a result may depend on it: another order is another implementation.
pub trait Order {
    /// A tile: `a[k]` is a block of A as it is, `b[k]` one of B with its rows along n.
    fn tile<M: Arithmetic, const P: usize>(
        arithmetic: &M,
        a: &[&Rows<M::Factor, P>],
        b: &[[[M::Factor; 8]; P]],
        c: &Rows<M::Sum, 8>,
    ) -> Rows<M::Sum, 8>;
}

/// From C on, along k. In floating point each product is exact, and each sum rounded to nearest even, as `fma` does.
pub struct Ascending;

impl Order for Ascending {
    #[inline(always)]
    fn tile<M: Arithmetic, const P: usize>(
        arithmetic: &M,
        a: &[&Rows<M::Factor, P>],
        b: &[[[M::Factor; 8]; P]],
        c: &Rows<M::Sum, 8>,
    ) -> Rows<M::Sum, 8> {
        let mut sums = [[M::Sum::default(); 8]; 8];
        for (sums, c) in sums.iter_mut().zip(c) {
            for (sum, c) in sums.iter_mut().zip(c) {
                *sum = arithmetic.start(*c);
            }
        }
        for (a, b) in a.iter().zip(b) {
            for k in 0..P {
                for m in 0..8 {
                    for n in 0..8 {
                        sums[m][n] = arithmetic.step(a[m][k], b[k][n], sums[m][n]);
                    }
                }
            }
        }
        for (sums, c) in sums.iter_mut().zip(c) {
            for (sum, c) in sums.iter_mut().zip(c) {
                *sum = arithmetic.finish(*sum, *c);
            }
        }
        sums
    }
}

/// From C on, against k, each sum truncated: what is right in both orders does not lean on either.
pub struct Descending;

impl Order for Descending {
    #[inline(never)]
    fn tile<M: Arithmetic, const P: usize>(
        arithmetic: &M,
        a: &[&Rows<M::Factor, P>],
        b: &[[[M::Factor; 8]; P]],
        c: &Rows<M::Sum, 8>,
    ) -> Rows<M::Sum, 8> {
        std::array::from_fn(|m| {
            std::array::from_fn(|n| {
                let mut sum = arithmetic.start(c[m][n]);
                for (a, b) in a.iter().zip(b).rev() {
                    for k in (0..P).rev() {
                        sum = arithmetic.other_step(a[m][k], b[k][n], sum);
                    }
                }
                arithmetic.finish(sum, c[m][n])
            })
        })
    }
}

/// f32 sums of factors that f32 holds.
pub struct Single;

impl Arithmetic for Single {
    type Factor = f32;
    type Sum = f32;
    #[inline(always)]
    fn start(&self, c: f32) -> f32 {
        c
    }
    #[inline(always)]
    fn step(&self, a: f32, b: f32, sum: f32) -> f32 {
        a.mul_add(b, sum)
    }
    fn other_step(&self, a: f32, b: f32, sum: f32) -> f32 {
        rounding::fma(a, b, sum, Rounding::Zero)
    }
    #[inline(always)]
    fn finish(&self, sum: f32, _: f32) -> f32 {
        if sum.is_nan() {
            f32::from_bits(0x7FFF_FFFF)
        } else {
            sum
        }
    }
}

/// f64 ("identical to that of .f64 precision fused multiply-add", `.rn`).
pub struct Double;

impl Arithmetic for Double {
    type Factor = f64;
    type Sum = f64;
    #[inline(always)]
    fn start(&self, c: f64) -> f64 {
        c
    }
    #[inline(always)]
    fn step(&self, a: f64, b: f64, sum: f64) -> f64 {
        a.mul_add(b, sum)
    }
    #[inline(always)]
    fn finish(&self, sum: f64, _: f64) -> f64 {
        sum
    }
}

/// Integers of 4 and 8 bits: a sum of products fits 32 bits, adding C to it may not.
pub struct Integer {
    pub saturate: bool,
}

impl Arithmetic for Integer {
    type Factor = i32;
    type Sum = i32;
    #[inline(always)]
    fn start(&self, _: i32) -> i32 {
        0
    }
    #[inline(always)]
    fn step(&self, a: i32, b: i32, sum: i32) -> i32 {
        a.wrapping_mul(b).wrapping_add(sum)
    }
    #[inline(always)]
    fn finish(&self, sum: i32, c: i32) -> i32 {
        if self.saturate {
            c.saturating_add(sum)
        } else {
            c.wrapping_add(sum)
        }
    }
}

/// Single bits, 128 to a factor.
pub struct Bits {
    pub and: bool,
}

impl Arithmetic for Bits {
    type Factor = u128;
    type Sum = i32;
    #[inline(always)]
    fn start(&self, c: i32) -> i32 {
        c
    }
    #[inline(always)]
    fn step(&self, a: u128, b: u128, sum: i32) -> i32 {
        let bits = if self.and { a & b } else { a ^ b };
        sum.wrapping_add(bits.count_ones() as i32)
    }
    #[inline(always)]
    fn finish(&self, sum: i32, _: i32) -> i32 {
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::super::numbers::transpose;
    use super::*;

    /// Against k, C last: what no test of a kernel may notice beyond its tolerance.
    struct Descending;

    impl Order for Descending {
        fn tile<M: Arithmetic, const P: usize>(
            arithmetic: &M,
            a: &[&Rows<M::Factor, P>],
            b: &[[[M::Factor; 8]; P]],
            c: &Rows<M::Sum, 8>,
        ) -> Rows<M::Sum, 8> {
            let mut out = *c;
            for (m, n) in (0..64).map(|i| (i / 8, i % 8)) {
                let mut sum = M::Sum::default();
                for (a, b) in a.iter().zip(b).rev() {
                    for k in (0..P).rev() {
                        sum = arithmetic.step(a[m][k], b[k][n], sum);
                    }
                }
                out[m][n] = arithmetic.finish(sum, c[m][n]);
            }
            out
        }
    }

    fn numbers<const P: usize>(seed: u32) -> Rows<f32, P> {
        let mut state = seed;
        [[(); P]; 8].map(|row| {
            row.map(|()| {
                state = state.wrapping_mul(1664525).wrapping_add(1013904223);
                f32::from((state >> 24) as i8) / 16.0
            })
        })
    }

    #[test]
    fn a_tile_is_the_naive_product() {
        let (a, b, c) = (
            [numbers::<8>(1), numbers::<8>(2)],
            [numbers::<8>(3), numbers::<8>(4)],
            numbers::<8>(5),
        );
        let turned = b.map(|b| transpose(&b));
        let d = Ascending::tile(&Single, &[&a[0], &a[1]], &turned, &c);
        for (m, n) in (0..64).map(|i| (i / 8, i % 8)) {
            let mut sum = f64::from(c[m][n]);
            for k in 0..16 {
                sum += f64::from(a[k / 8][m][k % 8]) * f64::from(b[k / 8][n][k % 8]);
            }
            assert_eq!(f64::from(d[m][n]), sum, "these sums are exact in f32");
        }
    }

    #[test]
    fn the_order_is_along_k_and_another_can_take_its_place() {
        let mut a = [[0f32; 4]; 8];
        a[0] = [1e8, 1.0, -1e8, 1.0];
        let ones = [[1f32; 8]; 4];
        let c = [[0f32; 8]; 8];
        assert_eq!(Ascending::tile(&Single, &[&a], &[ones], &c)[0][0], 1.0);
        a[0] = [1.0, 1e8, 1.0, -1e8];
        assert_eq!(Ascending::tile(&Single, &[&a], &[ones], &c)[0][0], 0.0);
        a[0] = [-1e8, 1.0, 1e8, 1.0];
        assert_eq!(Descending::tile(&Single, &[&a], &[ones], &c)[0][0], 0.0);
    }

    #[test]
    fn products_are_exact_and_nan_is_canonical() {
        let mut a = [[0f32; 4]; 8];
        a[0][0] = 1.0 + (-10f32).exp2();
        a[0][1] = -1.0;
        a[1][0] = f32::INFINITY;
        let mut b = [[0f32; 8]; 4];
        b[0][0] = 1.0 + (-10f32).exp2();
        b[1][0] = 1.0 + (-9f32).exp2();
        let d = Ascending::tile(&Single, &[&a], &[b], &[[0.0; 8]; 8]);
        assert_eq!(d[0][0], (-20f32).exp2());
        assert_eq!(d[1][1].to_bits(), 0x7FFF_FFFF, "infinity times zero");
    }

    #[test]
    fn integers_wrap_or_saturate() {
        let (a, b) = ([[127; 16]; 8], [[127; 8]; 16]);
        let c = [[i32::MAX - 1; 8]; 8];
        let sum = 127 * 127 * 16;
        let wrap = Ascending::tile(&Integer { saturate: false }, &[&a], &[b], &c);
        assert_eq!(wrap[3][4], (i32::MAX - 1).wrapping_add(sum));
        let clamp = Ascending::tile(&Integer { saturate: true }, &[&a], &[b], &c);
        assert_eq!(clamp[3][4], i32::MAX);
    }

    #[test]
    fn bits_are_counted() {
        let (mut a, mut b) = ([[0u128; 1]; 8], [[0u128; 8]; 1]);
        a[2][0] = 0b1011;
        b[0][5] = 0b0110 | 1 << 127;
        let tile = |and| Ascending::tile(&Bits { and }, &[&a], &[b], &[[7; 8]; 8]);
        assert_eq!(tile(true)[2][5], 8);
        assert_eq!(tile(false)[2][5], 7 + 4);
    }
}
