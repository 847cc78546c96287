//! Single precision.

use super::series::{exp2, log2};
use super::{NAN32, flush, input, mode, output};
use crate::exec::handler::{Fn2, Fn3, lanes};
use crate::exec::rounding::{self, Rounding};

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

/// `div.approx`. PTX ISA, "div": "For 2^126 < |b| < 2^128, if a is infinity, div.approx.f32 returns NaN, otherwise it returns a
/// sign-preserving zero", for it multiplies by a reciprocal that is flushed.
pub struct DivApprox<const FTZ: bool>;

impl<const FTZ: bool> Fn2 for DivApprox<FTZ> {
    type A = f32;
    type B = f32;
    type D = f32;
    #[inline(always)]
    fn f(m: u8, a: f32, b: f32) -> f32 {
        const MOST: f32 = f32::from_bits((126 + 127) << 23);
        if b.abs() > MOST && b.is_finite() {
            return output::<FTZ, false>(a * 0f32.copysign(b));
        }
        Div::<FTZ>::f(m, a, b)
    }
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
