//! Elementary functions without branches or calls, so that loops over them become vector code.
//!
//! Subnormal results are kept, rounded as the type rounds them. A power of two that leaves the range of exponents is two
//! factors, of which the last one rounds; where the result is 0 the power itself is, since a product that rounds to 0
//! costs most CPUs a hundred times an ordinary one.

/// A polynomial by its coefficients, from that of the highest power down.
#[inline(always)]
fn horner<const N: usize>(x: f32, highest: f32, lower: [f32; N]) -> f32 {
    let mut p = highest;
    for coefficient in lower {
        p = p.mul_add(x, coefficient);
    }
    p
}

/// 1.5 * 2^23: adding it rounds to an integer and leaves that in the low bits.
const ROUND: f32 = 12_582_912.0;

/// `x = n ln 2 + r` with n the nearest integer, so |r| <= ln 2 / 2; and bits whose low end holds n.
#[inline(always)]
fn reduce(x: f32) -> (f32, u32) {
    const LN2_HIGH: f32 = 0.693_145_75; // 15 bits, so that n * LN2_HIGH is exact
    const LN2_LOW: f32 = 1.428_606_8e-6;
    let shifted = x.mul_add(std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = n.mul_add(-LN2_LOW, n.mul_add(-LN2_HIGH, x));
    (r, shifted.to_bits())
}

/// `e^r` for what [`reduce`] leaves: Taylor to r^6, with the r^7 term spread over the odd ones (its Chebyshev part), off
/// by 7e-9 at most.
#[inline(always)]
fn polynomial(r: f32) -> f32 {
    horner(
        r,
        1.0 / 720.0,
        [
            1.0 / 120.0 + 4.170_6e-5,
            1.0 / 24.0,
            1.0 / 6.0 - 2.504_7e-6,
            0.5,
            1.0,
            1.0,
        ],
    )
}

/// Below this `e^x` rounds to 0.
const LOWEST: f32 = -104.0;

/// `2^64`, by which a result below the normal numbers is too large until the end.
const SHIFT: u32 = 64;
const SHIFTED_BACK: f32 = 1.0 / (1_u128 << SHIFT) as f32;

/// `e^x` to within one unit in the last place; infinity where that is the result, NaN for NaN.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    // e^x = 2^n e^r; the bounds, n = -191 and 128, give the powers 0 and 2^127. NaN passes both
    let bounded = if x < LOWEST { -132.4 } else { x };
    let (r, n) = reduce(if bounded > 89.0 { 89.0 } else { bounded });
    // 2^128 is no number either
    let (shift, back) = match x < 0.0 {
        true => (SHIFT, SHIFTED_BACK),
        false => (u32::MAX, 2.0),
    };
    let power = n.wrapping_add(127).wrapping_add(shift) << 23;
    polynomial(r) * f32::from_bits(power) * back
}

/// [`exp`] for `x <= 0`, in fewer instructions.
#[inline(always)]
pub(crate) fn exp_not_positive(x: f32) -> f32 {
    let (r, n) = reduce(if x < LOWEST { -132.4 } else { x });
    let power = n.wrapping_add(127 + SHIFT) << 23;
    polynomial(r) * f32::from_bits(power) * SHIFTED_BACK
}

/// The even and the odd part in `e^r = (even + odd) / (even - odd)`, Padé's fraction of third degree over third, off by 6e-9
/// at most where [`reduce`] leaves r.
#[inline(always)]
fn halves(r: f32) -> (f32, f32) {
    let square = r * r;
    let even = square.mul_add(0.1, 1.0);
    (even, r * square.mul_add(1.0 / 120.0, 0.5))
}

/// `1 / (1 + e^-x)` to within two and a half units in the last place; NaN for NaN.
#[inline(always)]
pub(crate) fn sigmoid(x: f32) -> f32 {
    // e^-x = 2^n e^r, whose division is the sigmoid's own. Numerator and denominator are 2^64 too small, and the quotient too large
    // where it is to be subnormal: at the lower bound n is 192, whose power is infinite. NaN passes both bounds
    let bounded = if x < LOWEST { -133.1 } else { x };
    let (r, n) = reduce(-if bounded > 40.0 { 40.0 } else { bounded });
    let (even, odd) = halves(r);
    let power = f32::from_bits(n.wrapping_add(127 - SHIFT) << 23);
    let below = even - odd;
    below / power.mul_add(even + odd, below * SHIFTED_BACK) * SHIFTED_BACK
}

/// The hyperbolic tangent to within two units in the last place; NaN for NaN.
#[inline(always)]
pub(crate) fn tanh(x: f32) -> f32 {
    // 1 - 2 / (e^2|x| + 1), e^2|x| = 2^n e^r with Padé's fraction for e^r as in `sigmoid`; beyond 9.1 it is 1. NaN passes
    // the bound
    let size = x.abs();
    let (r, n) = reduce(2.0 * if size > 9.1 { 9.1 } else { size });
    let (even, odd) = halves(r);
    let power = f32::from_bits(n.wrapping_add(127) << 23);
    let below = even - odd;
    let far = 1.0 - (below + below) / power.mul_add(even + odd, below);
    // where that cancels an odd polynomial of degree 11 (Cephes' tanhf)
    let square = x * x;
    let p = horner(
        square,
        -5.704_988_7e-3,
        [2.063_909e-2, -5.373_971_6e-2, 1.333_144_2e-1, -3.333_328e-1],
    );
    let near = (p * square).mul_add(size, size);
    // the sign of -0 too
    let y = if size < 0.625 { near } else { far };
    y.copysign(x)
}

/// `erf(x) / x - 1` by a polynomial in x², for |x| < 0.93, off by 3e-9 at most (a fit through Chebyshev's points).
#[inline(always)]
fn erf_near(square: f32) -> f32 {
    horner(
        square,
        8.339_972e-5,
        [
            -8.136_075e-4,
            5.200_501_5e-3,
            -2.685_921e-2,
            1.128_369_3e-1,
            -3.761_263_5e-1,
            1.283_791_7e-1,
        ],
    )
}

/// `ln(erfc(t))` by a polynomial, for t from 0.93 to 4 (a fit likewise).
#[inline(always)]
fn ln_erfc(t: f32) -> f32 {
    let p = horner(
        t,
        9.194_299e-7,
        [
            -3.216_49e-5,
            4.826_005_6e-4,
            -4.240_229e-3,
            2.499_565e-2,
            -1.076_68e-1,
            -6.342_783e-1,
            -1.128_865_8,
        ],
    );
    p * t
}

/// The error function to within two units in the last place; NaN for NaN.
#[inline(always)]
pub(crate) fn erf(x: f32) -> f32 {
    let t = if x.abs() > 4.0 { 4.0 } else { x.abs() };
    let far = 1.0 - exp_not_positive(ln_erfc(t));
    let near = erf_near(x * x).mul_add(x, x);
    let y = if x.abs() < 0.93 { near } else { far };
    y.copysign(x)
}

/// The logarithm to the base 2 of the normal distribution's share beyond t, by a polynomial for t from 0 to [`TAIL`], off by
/// 4e-6 at most where the share is least and by 1e-8 of the share of 0 (a fit of the least greatest error).
#[inline(always)]
fn log2_tail(t: f32) -> f32 {
    let p = horner(
        t,
        -3.284_359_5e-8,
        [
            9.484_364e-7,
            -1.177_794_4e-5,
            8.025_575e-5,
            -2.894_413_5e-4,
            1.343_699_9e-5,
            6.938_361e-3,
            -5.244_022_2e-2,
            -4.592_199e-1,
            -1.151_104_5,
        ],
    );
    p.mul_add(t, -1.0)
}

/// Where the normal distribution ends: 4 √2, beyond which there is 8e-9 of it.
const TAIL: f32 = 5.656_854;

/// `2^x` for x from -100 to 0, to within one unit in the last place.
#[inline(always)]
fn exp2_not_positive(x: f32) -> f32 {
    let shifted = x + ROUND;
    let r = x - (shifted - ROUND);
    let p = horner(
        r,
        1.535_335_8e-4,
        [
            1.339_887_6e-3,
            9.618_438e-3,
            5.550_332_4e-2,
            2.402_264_8e-1,
            std::f32::consts::LN_2,
            1.0,
        ],
    );
    p * f32::from_bits(shifted.to_bits().wrapping_add(127) << 23)
}

/// The normal distribution's share below x, `(1 + erf(x / √2)) / 2`, to within 1e-7; NaN for NaN. Its tail below 0 is not a
/// difference of what is near 1.
#[inline(always)]
pub(crate) fn normal_cdf(x: f32) -> f32 {
    let t = x.abs();
    let tail = exp2_not_positive(log2_tail(if t > TAIL { TAIL } else { t }));
    let tail = if t > TAIL { 0.0 } else { tail };
    if x < 0.0 { tail } else { 1.0 - tail }
}

/// The natural logarithm to within one and a half units in the last place (of the result, or of 2^-24 where that is
/// more); minus infinity for 0, NaN for less and for NaN.
#[inline(always)]
pub(crate) fn ln(x: f32) -> f32 {
    // x = 2^n m with m in [sqrt(1/2), sqrt(2)), and ln m by a polynomial in m - 1 (Cephes' logf)
    const SQRT_HALF: u32 = 0x3f35_04f3;
    const LN2_HIGH: f32 = 0.693_359_4; // 10 bits, so that n * LN2_HIGH is exact
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let subnormal = x < f32::MIN_POSITIVE;
    let scaled = if subnormal { x * 8_388_608.0 } else { x };
    let shift = if subnormal { 23.0 } else { 0.0 };
    let bits = scaled.to_bits();
    let n = (bits.wrapping_sub(SQRT_HALF) as i32) >> 23;
    let f = f32::from_bits(bits.wrapping_sub((n << 23) as u32)) - 1.0;
    let n = n as f32 - shift;
    let p = horner(
        f,
        7.037_683_6e-2,
        [
            -1.151_461e-1,
            1.167_699_9e-1,
            -1.242_014_1e-1,
            1.424_932_3e-1,
            -1.666_805_8e-1,
            2.000_071_5e-1,
            -2.499_999_4e-1,
            3.333_333e-1,
        ],
    );
    let square = f * f;
    let rest = n.mul_add(LN2_LOW, p * f * square) - 0.5 * square;
    let ln = n.mul_add(LN2_HIGH, f + rest);
    let ln = if x == f32::INFINITY { x } else { ln };
    let ln = if x == 0.0 { f32::NEG_INFINITY } else { ln };
    // written so that NaN fails
    if x >= 0.0 { ln } else { f32::NAN }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Distance in units in the last place of the f32 nearest to `want`, subnormal ones too.
    fn ulps(got: f32, want: f64) -> f64 {
        let nearest = want as f32;
        let unit = f64::from(f32::from_bits(nearest.to_bits() + 1)) - f64::from(nearest);
        (f64::from(got) - want).abs() / unit
    }

    #[test]
    fn exp_is_within_one_unit_over_its_range() {
        let mut worst = (0.0, 0.0);
        for i in 0..2_000_000 {
            let x = -103.9 + 192.6 * (i as f32 / 2_000_000.0);
            let mut off = ulps(exp(x), f64::from(x).exp());
            if x <= 0.0 {
                off = off.max(ulps(exp_not_positive(x), f64::from(x).exp()));
            }
            if off > worst.0 {
                worst = (off, x);
            }
        }
        assert!(worst.0 <= 1.0, "{} units at {}", worst.0, worst.1);
    }

    #[test]
    fn sigmoid_is_within_two_and_a_half_units_over_its_range() {
        let mut worst = (0.0, 0.0);
        for i in 0..2_000_000 {
            let x = -103.9 + 140.0 * (i as f32 / 2_000_000.0);
            let off = ulps(sigmoid(x), 1.0 / (1.0 + (-f64::from(x)).exp()));
            if off > worst.0 {
                worst = (off, x);
            }
        }
        assert!(worst.0 <= 2.5, "{} units at {}", worst.0, worst.1);
    }

    #[test]
    fn sigmoid_at_the_ends() {
        assert_eq!(sigmoid(0.0), 0.5);
        assert_eq!(sigmoid(f32::NEG_INFINITY), 0.0);
        for x in [-104.0, -105.0, -200.0, f32::MIN] {
            assert_eq!(sigmoid(x), 0.0);
        }
        assert_eq!(sigmoid(-100.0), (-100.0_f64).exp() as f32);
        assert_eq!(sigmoid(-103.9), f32::from_bits(1));
        assert_eq!(sigmoid(200.0), 1.0);
        assert_eq!(sigmoid(f32::INFINITY), 1.0);
        assert!(sigmoid(f32::NAN).is_nan());
    }

    #[test]
    fn tanh_is_within_two_units_over_its_range() {
        let mut worst = (0.0, 0.0);
        for i in 0..2_000_000 {
            let x = -10.0 + 20.0 * (i as f32 / 2_000_000.0);
            for x in [x, 1e-3 * x] {
                let off = ulps(tanh(x).abs(), f64::from(x).tanh().abs());
                if x != 0.0 && off > worst.0 {
                    worst = (off, x);
                }
            }
        }
        assert!(worst.0 <= 2.0, "{} units at {}", worst.0, worst.1);
    }

    #[test]
    fn tanh_at_the_ends() {
        assert_eq!(tanh(0.0), 0.0);
        assert!(tanh(-0.0).is_sign_negative());
        assert_eq!(tanh(1e-30), 1e-30);
        assert_eq!(tanh(f32::INFINITY), 1.0);
        assert_eq!(tanh(f32::NEG_INFINITY), -1.0);
        assert_eq!(tanh(-200.0), -1.0);
        assert!(tanh(f32::NAN).is_nan());
    }

    #[test]
    fn the_normal_distribution_is_its_density_added_up() {
        let density = |x: f64| (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt();
        const STEP: f64 = 1.0 / 4096.0;
        let (mut share, mut off) = (0.0, 0.0_f64);
        for i in -12 * 4096..6 * 4096 {
            let x = f64::from(i) * STEP;
            // Simpson's rule
            let middle = 4.0 * density(x + STEP / 2.0);
            share += STEP / 6.0 * (density(x) + middle + density(x + STEP));
            off = off.max((f64::from(normal_cdf((x + STEP) as f32)) - share).abs());
        }
        assert!(off <= 1e-7, "{off:e}");
        assert_eq!(normal_cdf(0.0), 0.5);
        assert_eq!(normal_cdf(f32::INFINITY), 1.0);
        assert_eq!(normal_cdf(f32::NEG_INFINITY), 0.0);
        assert!(normal_cdf(f32::NAN).is_nan());
    }

    #[test]
    fn ln_is_within_one_and_a_half_units_over_its_range() {
        let mut worst = (0.0, 0.0);
        // every 1021st positive number, subnormals too
        for bits in (1..f32::INFINITY.to_bits()).step_by(1021) {
            let x = f32::from_bits(bits);
            let want = f64::from(x).ln();
            let unit = (want.abs().log2().floor() - 23.0)
                .exp2()
                .max(2.0_f64.powi(-24));
            let off = (f64::from(ln(x)) - want).abs() / unit;
            if off > worst.0 {
                worst = (off, x);
            }
        }
        assert!(worst.0 <= 1.5, "{} units at {:e}", worst.0, worst.1);
    }

    #[test]
    fn ln_at_the_ends() {
        assert_eq!(ln(1.0), 0.0);
        assert_eq!(ln(0.0), f32::NEG_INFINITY);
        assert_eq!(ln(-0.0), f32::NEG_INFINITY);
        assert_eq!(ln(f32::INFINITY), f32::INFINITY);
        assert!(ln(-1e-40).is_nan());
        assert!(ln(f32::NEG_INFINITY).is_nan());
        assert!(ln(f32::NAN).is_nan());
    }

    #[test]
    fn exp_at_the_ends() {
        assert_eq!(exp(-0.0), 1.0);
        for exp in [exp, exp_not_positive] {
            assert_eq!(exp(0.0), 1.0);
            assert_eq!(exp(f32::NEG_INFINITY), 0.0);
            for x in [-104.0, -105.0, -200.0, f32::MIN] {
                assert_eq!(exp(x), 0.0);
            }
            assert_eq!(exp(-100.0), (-100.0_f64).exp() as f32);
            assert_eq!(exp(-103.9), f32::from_bits(1));
            assert!(exp(f32::NAN).is_nan());
        }
        assert_eq!(exp(f32::INFINITY), f32::INFINITY);
        assert_eq!(exp(88.8), f32::INFINITY);
        assert!(exp(88.7).is_finite());
    }
}
