//! Single precision in the four rounding modes, exactly, without touching the host's own mode.
//!
//! The result is found in f64 together with the sign of what is missing, and then rounded once.

/// The bits of a modifier byte that hold the rounding mode.
pub const ROUNDING: u8 = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// `.rn`
    Nearest = 0,
    /// `.rz`
    Zero = 1,
    /// `.rm`
    Down = 2,
    /// `.rp`
    Up = 3,
}

impl Rounding {
    #[inline(always)]
    pub fn of(m: u8) -> Rounding {
        match m & ROUNDING {
            0 => Rounding::Nearest,
            1 => Rounding::Zero,
            2 => Rounding::Down,
            _ => Rounding::Up,
        }
    }
}

/// `value + error` to f32, where `error` is smaller than half a unit in the last place of `value` (an f64), or has
/// the sign of a remainder that is. No branches: this is on the path of every `expf`.
#[inline(always)]
pub fn narrow(value: f64, error: f64, rounding: Rounding) -> f32 {
    if rounding == Rounding::Nearest {
        return odd(value, error) as f32;
    }
    let nearest = value as f32;
    // the exact result lies above `nearest` if this is positive: the difference of neighbours is exact. It is
    // infinite where the conversion overflowed, and NaN where nothing is to be done.
    let above = (value - f64::from(nearest)) + error;
    let negative = value.is_sign_negative();
    let down =
        above < 0.0 && (rounding == Rounding::Down || rounding == Rounding::Zero && !negative);
    let up = above > 0.0 && (rounding == Rounding::Up || rounding == Rounding::Zero && negative);
    // floats of one order as integers of the same order
    let bits = nearest.to_bits() as i32;
    let flip = |bits: i32| bits ^ ((bits >> 31) as u32 >> 1) as i32;
    let stepped = flip(flip(bits) + i32::from(up) - i32::from(down));
    f32::from_bits(stepped as u32)
}

/// `value + error` with its last bit set if anything is missing: rounding that again, to at most 51 bits, is exact.
#[inline(always)]
pub fn odd(value: f64, error: f64) -> f64 {
    if error == 0.0 || value.to_bits() & 1 != 0 || !value.is_finite() {
        return value;
    }
    if (error > 0.0) == (value > 0.0) {
        f64::from_bits(value.to_bits() | 1)
    } else {
        f64::from_bits(value.to_bits() - 1)
    }
}

/// The sum and what it misses.
#[inline(always)]
pub fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let part = sum - a;
    (sum, (a - (sum - part)) + (b - part))
}

/// An exact zero sum is -0 when rounding down, unless both addends are +0.
#[inline(always)]
fn signed_sum(a: f64, b: f64, rounding: Rounding) -> f32 {
    let (sum, error) = two_sum(a, b);
    let rounded = narrow(sum, error, rounding);
    let positive = a.to_bits() | b.to_bits() == 0;
    if rounding == Rounding::Down && sum == 0.0 && !positive {
        -0.0
    } else {
        rounded
    }
}

#[inline(always)]
pub fn add(a: f32, b: f32, rounding: Rounding) -> f32 {
    signed_sum(a.into(), b.into(), rounding)
}

#[inline(always)]
pub fn mul(a: f32, b: f32, rounding: Rounding) -> f32 {
    // 48 bits: exact
    narrow(f64::from(a) * f64::from(b), 0.0, rounding)
}

#[inline(always)]
pub fn fma(a: f32, b: f32, c: f32, rounding: Rounding) -> f32 {
    signed_sum(f64::from(a) * f64::from(b), c.into(), rounding)
}

#[inline(always)]
pub fn div(a: f32, b: f32, rounding: Rounding) -> f32 {
    if rounding == Rounding::Nearest {
        return a / b;
    }
    let (x, y) = (f64::from(a), f64::from(b));
    let quotient = x / y;
    if !quotient.is_finite() || quotient == 0.0 || y.is_infinite() {
        return quotient as f32;
    }
    // the remainder is exact, and it has the sign of what is missing once divided by the divisor's
    let remainder = (-quotient).mul_add(y, x);
    narrow(
        quotient,
        if y < 0.0 { -remainder } else { remainder } * TINY,
        rounding,
    )
}

/// Makes of a remainder an error that only its sign counts of.
const TINY: f64 = 1e-200;

#[inline(always)]
pub fn sqrt(a: f32, rounding: Rounding) -> f32 {
    let x = f64::from(a);
    let root = x.sqrt();
    if !root.is_finite() || root == 0.0 || rounding == Rounding::Nearest {
        return a.sqrt();
    }
    narrow(root, (-root).mul_add(root, x) * TINY, rounding)
}

/// f64 to f32.
#[inline(always)]
pub fn from_f64(a: f64, rounding: Rounding) -> f32 {
    if rounding == Rounding::Nearest || !a.is_finite() {
        return a as f32;
    }
    narrow(a, 0.0, rounding)
}

/// To an integral value.
#[inline(always)]
pub fn integral(a: f64, rounding: Rounding) -> f64 {
    match rounding {
        Rounding::Nearest => a.round_ties_even(),
        Rounding::Zero => a.trunc(),
        Rounding::Down => a.floor(),
        Rounding::Up => a.ceil(),
    }
}
