//! Double precision.

use crate::exec::handler::{Fn1, Fn2, Fn3, lanes};
use crate::exec::rounding::Rounding;
use crate::exec::soft;

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
