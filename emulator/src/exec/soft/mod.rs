//! Floats by integer arithmetic: exact in every rounding mode, for the forms that are too rare to be fast.

use crate::exec::rounding::Rounding;

/// `(-1)^negative * mantissa * 2^exponent`, plus a bit more if `more`, rounded to a format of `bits` mantissa bits.
fn round(
    negative: bool,
    mantissa: u128,
    exponent: i32,
    more: bool,
    bits: i32,
    least: i32,
    rounding: Rounding,
) -> (u64, i32) {
    // the unit in the last place: limited by precision, and by the smallest exponent
    let top = 128 - mantissa.leading_zeros() as i32 + exponent;
    let unit = (top - bits).max(least);
    let shift = unit - exponent;
    let (kept, half, rest) = if shift <= 0 {
        (mantissa << -shift, false, more)
    } else if shift > 128 {
        (0, false, mantissa != 0 || more)
    } else {
        let kept = if shift == 128 { 0 } else { mantissa >> shift };
        let below = mantissa & ((1 << (shift - 1)) - 1);
        (kept, mantissa >> (shift - 1) & 1 != 0, below != 0 || more)
    };
    let up = match rounding {
        Rounding::Nearest => half && (rest || kept & 1 != 0),
        Rounding::Zero => false,
        Rounding::Down => negative && (half || rest),
        Rounding::Up => !negative && (half || rest),
    };
    (kept as u64 + u64::from(up), unit)
}

fn overflow_is_infinite(negative: bool, rounding: Rounding) -> bool {
    match rounding {
        Rounding::Nearest => true,
        Rounding::Zero => false,
        Rounding::Down => negative,
        Rounding::Up => !negative,
    }
}

/// To f64.
pub fn round64(
    negative: bool,
    mantissa: u128,
    exponent: i32,
    more: bool,
    rounding: Rounding,
) -> f64 {
    let (kept, unit) = round(negative, mantissa, exponent, more, 53, -1074, rounding);
    // `kept` has at most 54 bits, the topmost only as a power of two: exact
    let magnitude = scale(kept as f64, unit);
    let magnitude = match magnitude.is_infinite() {
        true if !overflow_is_infinite(negative, rounding) => f64::MAX,
        _ => magnitude,
    };
    if negative { -magnitude } else { magnitude }
}

/// To f32.
pub fn round32(
    negative: bool,
    mantissa: u128,
    exponent: i32,
    more: bool,
    rounding: Rounding,
) -> f32 {
    let (kept, unit) = round(negative, mantissa, exponent, more, 24, -149, rounding);
    let magnitude = scale(kept as f64, unit) as f32;
    let magnitude = match magnitude.is_infinite() {
        true if !overflow_is_infinite(negative, rounding) => f32::MAX,
        _ => magnitude,
    };
    if negative { -magnitude } else { magnitude }
}

/// An integer to f32.
#[inline(always)]
pub fn from_integer(a: i128, rounding: Rounding) -> f32 {
    round32(a < 0, a.unsigned_abs(), 0, false, rounding)
}

/// `value * 2^exponent` without rounding on the way.
fn scale(mut value: f64, mut exponent: i32) -> f64 {
    while exponent > 1000 {
        value *= f64::from_bits((1000 + 1023) << 52);
        exponent -= 1000;
        if value.is_infinite() || value == 0.0 {
            return value;
        }
    }
    if exponent < -1074 {
        return 0.0;
    }
    if exponent < -1022 {
        // a small mantissa and a small unit: the product is exact since the unit is representable
        return value * f64::from_bits(1 << (exponent + 1074));
    }
    value * f64::from_bits(((exponent + 1023) as u64) << 52)
}

/// Mantissa and exponent of a finite value.
fn split(a: f64) -> (u64, i32) {
    let bits = a.to_bits() & !(1 << 63);
    let (exponent, mantissa) = ((bits >> 52) as i32, bits & ((1 << 52) - 1));
    if exponent == 0 {
        (mantissa, -1074)
    } else {
        (mantissa | 1 << 52, exponent - 1075)
    }
}

pub fn add(a: f64, b: f64, rounding: Rounding) -> f64 {
    fma(a, 1.0, b, rounding)
}

/// `a * b + c`, rounded once.
pub fn fma(a: f64, b: f64, c: f64, rounding: Rounding) -> f64 {
    if !a.is_finite() || !b.is_finite() || !c.is_finite() {
        return a.mul_add(b, c);
    }
    let negative = a.is_sign_negative() != b.is_sign_negative();
    let ((ma, ea), (mb, eb), (mc, ec)) = (split(a), split(b), split(c));
    let (product, exponent) = (u128::from(ma) * u128::from(mb), ea + eb);
    if product == 0 && mc == 0 {
        let both = negative == c.is_sign_negative();
        return if both {
            c
        } else if rounding == Rounding::Down {
            -0.0
        } else {
            0.0
        };
    }
    // both with their top bit at 126, so that a sum has room; what falls off below is remembered in the last bit
    let raise = |m: u128, e: i32| {
        if m == 0 {
            return (0, i32::MIN / 2);
        }
        let shift = m.leading_zeros() as i32 - 1;
        (m << shift, e - shift)
    };
    let ((mut x, mut ex, mut nx), (mut y, mut ey, mut ny)) = {
        let (p, pe) = raise(product, exponent);
        let (q, qe) = raise(u128::from(mc), ec);
        ((p, pe, negative), (q, qe, c.is_sign_negative()))
    };
    if (ey, y) > (ex, x) {
        std::mem::swap(&mut x, &mut y);
        std::mem::swap(&mut ex, &mut ey);
        std::mem::swap(&mut nx, &mut ny);
    }
    let distance = ex - ey;
    let y = if y == 0 {
        0
    } else if distance > 126 {
        1
    } else {
        y >> distance | u128::from(y & ((1u128 << distance) - 1) != 0)
    };
    let sum = if nx == ny { x + y } else { x - y };
    if sum == 0 {
        return if rounding == Rounding::Down {
            -0.0
        } else {
            0.0
        };
    }
    round64(nx, sum, ex, false, rounding)
}

pub fn div(a: f64, b: f64, rounding: Rounding) -> f64 {
    if !a.is_finite() || !b.is_finite() || a == 0.0 || b == 0.0 {
        return a / b;
    }
    let ((ma, ea), (mb, eb)) = (split(a), split(b));
    let shift = u128::from(ma).leading_zeros();
    let (x, y) = (u128::from(ma) << shift, u128::from(mb));
    let negative = a.is_sign_negative() != b.is_sign_negative();
    round64(
        negative,
        x / y,
        ea - shift as i32 - eb,
        x % y != 0,
        rounding,
    )
}

pub fn sqrt(a: f64, rounding: Rounding) -> f64 {
    if !a.is_finite() || a <= 0.0 {
        return a.sqrt();
    }
    let (mantissa, exponent) = split(a);
    let mut shift = u128::from(mantissa).leading_zeros() as i32;
    if (exponent - shift) % 2 != 0 {
        shift -= 1;
    }
    let x = u128::from(mantissa) << shift;
    let root = x.isqrt();
    round64(
        false,
        root,
        (exponent - shift) / 2,
        root * root != x,
        rounding,
    )
}

#[cfg(test)]
mod tests;
