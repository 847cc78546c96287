//! Functions by their series in double precision, rounded to single.

/// 2^x to within half a unit in the last place of f32: a Taylor series in f64 of 2^f for |f| <= 1/2.
#[inline(always)]
pub fn exp2(x: f32) -> f32 {
    let x = f64::from(x);
    // beside a number this large a double has no fraction, and its lowest bits are the whole number in two's complement
    const LARGE: f64 = 1.5 * (1u64 << 52) as f64;
    let shifted = x.clamp(-200.0, 200.0) + LARGE;
    let whole = shifted - LARGE;
    let t = (x - whole) * std::f64::consts::LN_2;
    // the terms t^n / n! up to n = 11, in pairs: a single chain of additions would wait for each
    let (t2, pair) = (t * t, |low: f64, high: f64| 1.0 / low + t * (1.0 / high));
    let t4 = t2 * t2;
    let low = pair(1.0, 1.0) + t2 * pair(2.0, 6.0);
    let middle = pair(24.0, 120.0) + t2 * pair(720.0, 5_040.0);
    let high = pair(40_320.0, 362_880.0) + t2 * pair(3_628_800.0, 39_916_800.0);
    let sum = low + t4 * (middle + t4 * high);
    let scale = f64::from_bits((shifted.to_bits() + 1023) << 52);
    // beyond the clamp the factor's own size gives infinity, zero or NaN in f32
    let huge = if x > 200.0 {
        f64::INFINITY
    } else {
        sum * scale
    };
    let value = if x < -200.0 { 0.0 } else { huge };
    if x.is_nan() { f32::NAN } else { value as f32 }
}

/// log2 x to within half a unit in the last place of f32, except next to 1: the series of atanh in f64.
#[inline(always)]
pub fn log2(x: f32) -> f32 {
    let wide = f64::from(x);
    let bits = wide.to_bits();
    let (mut exponent, mut mantissa) = (
        (bits >> 52) as i64 - 1023,
        f64::from_bits(bits & ((1 << 52) - 1) | 1023 << 52),
    );
    if mantissa > std::f64::consts::SQRT_2 {
        mantissa *= 0.5;
        exponent += 1;
    }
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let square = s * s;
    let mut sum = 1.0 / 21.0;
    for odd in [19.0, 17.0, 15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0, 1.0] {
        sum = sum * square + 1.0 / odd;
    }
    let value = (2.0 * std::f64::consts::LOG2_E * s * sum + exponent as f64) as f32;
    if x == 0.0 {
        f32::NEG_INFINITY
    } else if x < 0.0 || x.is_nan() {
        f32::NAN
    } else if x == f32::INFINITY {
        x
    } else {
        value
    }
}
