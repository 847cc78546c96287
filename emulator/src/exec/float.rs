//! Single and double precision (PTX ISA, "Floating Point Instructions").

use super::handler::{Fn1, Fn2, Fn3, lanes};
use super::rounding::{self, Rounding};
use super::soft;

/// The NaN that f32 instructions give.
pub const NAN32: f32 = f32::from_bits(0x7FFF_FFFF);

/// A denormal becomes a zero of its sign.
#[inline(always)]
pub fn flush(a: f32) -> f32 {
    if a.abs() < f32::MIN_POSITIVE {
        f32::from_bits(a.to_bits() & 1 << 31)
    } else {
        a
    }
}

#[inline(always)]
fn input<const FTZ: bool>(a: f32) -> f32 {
    if FTZ { flush(a) } else { a }
}

/// Flushes, saturates, and makes every NaN the canonical one.
#[inline(always)]
pub fn output<const FTZ: bool, const SAT: bool>(d: f32) -> f32 {
    let d = if FTZ { flush(d) } else { d };
    if SAT {
        // NaN becomes +0, and so does -0
        return if d > 0.0 {
            if d < 1.0 { d } else { 1.0 }
        } else {
            0.0
        };
    }
    if d.is_nan() { NAN32 } else { d }
}

/// `add.f32` and its like, rounded to nearest.
pub struct Add<const FTZ: bool, const SAT: bool>;
pub struct Sub<const FTZ: bool, const SAT: bool>;
pub struct Mul<const FTZ: bool, const SAT: bool>;
pub struct Fma<const FTZ: bool, const SAT: bool>;
pub struct Div<const FTZ: bool>;

macro_rules! binary {
    ($($name:ident ($a:ident, $b:ident) $value:expr;)*) => {$(
        impl<const FTZ: bool, const SAT: bool> Fn2 for $name<FTZ, SAT> {
            type A = f32;
            type B = f32;
            type D = f32;
            #[inline(always)]
            fn f(_: u8, a: f32, b: f32) -> f32 {
                let ($a, $b) = (input::<FTZ>(a), input::<FTZ>(b));
                output::<FTZ, SAT>($value)
            }
        }
    )*};
}
binary! {
    Add(a, b) a + b;
    Sub(a, b) a - b;
    Mul(a, b) a * b;
}

impl<const FTZ: bool, const SAT: bool> Fn3 for Fma<FTZ, SAT> {
    type A = f32;
    type B = f32;
    type C = f32;
    type D = f32;
    #[inline(always)]
    fn f(_: u8, a: f32, b: f32, c: f32) -> f32 {
        output::<FTZ, SAT>(input::<FTZ>(a).mul_add(input::<FTZ>(b), input::<FTZ>(c)))
    }
}

impl<const FTZ: bool> Fn2 for Div<FTZ> {
    type A = f32;
    type B = f32;
    type D = f32;
    #[inline(always)]
    fn f(_: u8, a: f32, b: f32) -> f32 {
        output::<FTZ, false>(input::<FTZ>(a) / input::<FTZ>(b))
    }
}

/// Bits of `m` for the functions that take their form at run time.
pub mod mode {
    pub use super::super::rounding::ROUNDING;
    pub const FTZ: u8 = 4;
    pub const SAT: u8 = 8;
    /// `min` and `max`: NaN wins.
    pub const NAN: u8 = 16;
    /// `min` and `max`: the larger magnitude's sign is that of both signs' product.
    pub const XORSIGN: u8 = 32;
    pub const ABS: u8 = 64;
    /// The second factor or addend is negated.
    pub const NEGATE: u8 = 128;
}

#[inline(always)]
fn pre(m: u8, a: f32) -> f32 {
    if m & mode::FTZ != 0 { flush(a) } else { a }
}

#[inline(always)]
fn post(m: u8, d: f32) -> f32 {
    let d = if m & mode::FTZ != 0 { flush(d) } else { d };
    if m & mode::SAT != 0 {
        output::<false, true>(d)
    } else {
        output::<false, false>(d)
    }
}

lanes! {
    /// `add` and `sub` rounded as `m` says.
    AddRounded [m] (a: f32, b: f32) -> f32 {
        let b = if m & mode::NEGATE != 0 { -b } else { b };
        post(m, rounding::add(pre(m, a), pre(m, b), Rounding::of(m)))
    }
    MulRounded [m] (a: f32, b: f32) -> f32 { post(m, rounding::mul(pre(m, a), pre(m, b), Rounding::of(m))) }
    DivRounded [m] (a: f32, b: f32) -> f32 { post(m, rounding::div(pre(m, a), pre(m, b), Rounding::of(m))) }
    RcpRounded [m] (a: f32) -> f32 { post(m, rounding::div(1.0, pre(m, a), Rounding::of(m))) }
    SqrtRounded [m] (a: f32) -> f32 { post(m, rounding::sqrt(pre(m, a), Rounding::of(m))) }
    Rcp [m] (a: f32) -> f32 { post(m, 1.0 / pre(m, a)) }
    Sqrt [m] (a: f32) -> f32 { post(m, pre(m, a).sqrt()) }
    Rsqrt [m] (a: f32) -> f32 { post(m, (1.0 / f64::from(pre(m, a)).sqrt()) as f32) }
    Sin [m] (a: f32) -> f32 { post(m, f64::from(pre(m, a)).sin() as f32) }
    Cos [m] (a: f32) -> f32 { post(m, f64::from(pre(m, a)).cos() as f32) }
    Tanh [m] (a: f32) -> f32 { post(m, f64::from(pre(m, a)).tanh() as f32) }
    Ex2 [m] (a: f32) -> f32 { post(m, exp2(pre(m, a))) }
    Lg2 [m] (a: f32) -> f32 { post(m, log2(pre(m, a))) }
    Abs [m] (a: f32) -> f32 { post(m, pre(m, a).abs()) }
    Neg [m] (a: f32) -> f32 { post(m, -pre(m, a)) }
    Min [m] (a: f32, b: f32) -> f32 { extreme(m, a, b, true) }
    Max [m] (a: f32, b: f32) -> f32 { extreme(m, a, b, false) }
    Min3 [m] (a: f32, b: f32, c: f32) -> f32 { extreme(m, extreme(m, a, b, true), c, true) }
    Max3 [m] (a: f32, b: f32, c: f32) -> f32 { extreme(m, extreme(m, a, b, false), c, false) }
    /// `copysign.f32 d, a, b`: the sign of `a`, the rest of `b`.
    Copysign (a: u32, b: u32) -> u32 { a & 1 << 31 | b & !(1 << 31) }
    CopysignF64 (a: u64, b: u64) -> u64 { a & 1 << 63 | b & !(1 << 63) }
}

/// `fma` rounded as `MODE` says: a parameter, since the compiler then vectorises it.
pub struct FmaRounded<const MODE: u8>;
impl<const MODE: u8> Fn3 for FmaRounded<MODE> {
    type A = f32;
    type B = f32;
    type C = f32;
    type D = f32;
    #[inline(always)]
    fn f(m: u8, a: f32, b: f32, c: f32) -> f32 {
        post(
            m,
            rounding::fma(pre(m, a), pre(m, b), pre(m, c), Rounding::of(MODE)),
        )
    }
}

/// PTX ISA, "min", "max": a NaN loses unless `.NaN`; +0 is larger than -0.
#[inline(always)]
fn extreme(m: u8, a: f32, b: f32, least: bool) -> f32 {
    let (mut a, mut b) = (pre(m, a), pre(m, b));
    let sign = (a.to_bits() ^ b.to_bits()) & 1 << 31;
    if m & (mode::ABS | mode::XORSIGN) != 0 {
        (a, b) = (a.abs(), b.abs());
    }
    let pick_a = if a == b {
        (a.is_sign_negative()) == least
    } else {
        (a < b) == least
    };
    let d = if a.is_nan() {
        b
    } else if b.is_nan() || pick_a {
        a
    } else {
        b
    };
    let nan = a.is_nan() && b.is_nan() || m & mode::NAN != 0 && (a.is_nan() || b.is_nan());
    let d = if m & mode::XORSIGN != 0 {
        f32::from_bits(d.to_bits() | sign)
    } else {
        d
    };
    if nan { NAN32 } else { d }
}

/// 2^x to within half a unit in the last place of f32: a Taylor series in f64 of 2^f for |f| <= 1/2.
#[inline(always)]
pub fn exp2(x: f32) -> f32 {
    let x = f64::from(x);
    let whole = x.clamp(-200.0, 200.0).round_ties_even();
    let t = (x - whole) * std::f64::consts::LN_2;
    // the terms t^n / n! up to n = 11, in pairs: a single chain of additions would wait for each
    let (t2, pair) = (t * t, |low: f64, high: f64| 1.0 / low + t * (1.0 / high));
    let t4 = t2 * t2;
    let low = pair(1.0, 1.0) + t2 * pair(2.0, 6.0);
    let middle = pair(24.0, 120.0) + t2 * pair(720.0, 5_040.0);
    let high = pair(40_320.0, 362_880.0) + t2 * pair(3_628_800.0, 39_916_800.0);
    let sum = low + t4 * (middle + t4 * high);
    let scale = f64::from_bits(((whole as i32 + 1023) as u64) << 52);
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

/// Double precision keeps NaN payloads as the host does.
macro_rules! doubles {
    ($($name:ident ($($a:ident),+) $trait:ident $nearest:expr, $soft:expr;)*) => {$(
        pub struct $name;
        doubles!(@$trait $name ($($a),+) $nearest, $soft);
    )*};
    (@Fn1 $name:ident ($a:ident) $nearest:expr, $soft:expr) => {
        impl Fn1 for $name {
            type A = f64; type D = f64;
            #[inline(always)]
            fn f(m: u8, $a: f64) -> f64 {
                let rounding = Rounding::of(m);
                if rounding == Rounding::Nearest { $nearest } else { $soft(rounding) }
            }
        }
    };
    (@Fn2 $name:ident ($a:ident, $b:ident) $nearest:expr, $soft:expr) => {
        impl Fn2 for $name {
            type A = f64; type B = f64; type D = f64;
            #[inline(always)]
            fn f(m: u8, $a: f64, $b: f64) -> f64 {
                let rounding = Rounding::of(m);
                if rounding == Rounding::Nearest { $nearest } else { $soft(rounding) }
            }
        }
    };
    (@Fn3 $name:ident ($a:ident, $b:ident, $c:ident) $nearest:expr, $soft:expr) => {
        impl Fn3 for $name {
            type A = f64; type B = f64; type C = f64; type D = f64;
            #[inline(always)]
            fn f(m: u8, $a: f64, $b: f64, $c: f64) -> f64 {
                let rounding = Rounding::of(m);
                if rounding == Rounding::Nearest { $nearest } else { $soft(rounding) }
            }
        }
    };
}

doubles! {
    AddF64(a, b) Fn2 a + b, |r| soft::add(a, b, r);
    SubF64(a, b) Fn2 a - b, |r| soft::add(a, -b, r);
    MulF64(a, b) Fn2 a * b, |r| soft::fma(a, b, if a.is_sign_negative() != b.is_sign_negative() { -0.0 } else { 0.0 }, r);
    FmaF64(a, b, c) Fn3 a.mul_add(b, c), |r| soft::fma(a, b, c, r);
    DivF64(a, b) Fn2 a / b, |r| soft::div(a, b, r);
    RcpF64(a) Fn1 1.0 / a, |r| soft::div(1.0, a, r);
    SqrtF64(a) Fn1 a.sqrt(), |r| soft::sqrt(a, r);
}

lanes! {
    AbsF64 (a: f64) -> f64 { a.abs() }
    NegF64 (a: f64) -> f64 { -a }
    RsqrtF64 (a: f64) -> f64 { 1.0 / a.sqrt() }
    MinF64 (a: f64, b: f64) -> f64 { extreme64(a, b, true) }
    MaxF64 (a: f64, b: f64) -> f64 { extreme64(a, b, false) }
    /// `rcp.approx.ftz.f64`: the top 20 bits of the mantissa (PTX ISA, "rcp.approx.ftz.f64").
    RcpApproxF64 (a: f64) -> f64 {
        let a = if a.abs() < f64::MIN_POSITIVE { 0f64.copysign(a) } else { a };
        let d = 1.0 / a;
        let d = if d.abs() < f64::MIN_POSITIVE { 0f64.copysign(d) } else { d };
        f64::from_bits(d.to_bits() & !0xFFFF_FFFF)
    }
    RsqrtApproxF64 (a: f64) -> f64 {
        let a = if a.abs() < f64::MIN_POSITIVE { 0f64.copysign(a) } else { a };
        f64::from_bits((1.0 / a.sqrt()).to_bits() & !0xFFFF_FFFF)
    }
}

#[inline(always)]
fn extreme64(a: f64, b: f64, least: bool) -> f64 {
    let pick_a = if a == b {
        a.is_sign_negative() == least
    } else {
        (a < b) == least
    };
    if a.is_nan() {
        b
    } else if b.is_nan() || pick_a {
        a
    } else {
        b
    }
}
