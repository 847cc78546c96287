//! Arithmetic on both formats, computed in f32, or in f64 where rounding twice would show.

use super::format::{Format, NAN16, odd_f32};
use crate::exec::float::{self, mode};
use crate::exec::handler::{Fn1, Fn2, Fn3};
use crate::exec::rounding::two_sum;
use std::marker::PhantomData;

/// Operations as const parameters.
pub mod op {
    pub const ADD: u8 = 0;
    pub const SUB: u8 = 1;
    pub const MUL: u8 = 2;
    pub const MIN: u8 = 3;
    pub const MAX: u8 = 4;
    pub const NEG: u8 = 5;
    pub const ABS: u8 = 6;
    pub const EX2: u8 = 7;
    pub const TANH: u8 = 8;
}

/// `fma.relu`: below zero and NaN become zero... NaN stays the canonical NaN.
pub const RELU: u8 = 64;

#[inline(always)]
fn pre<F: Format>(m: u8, h: u16) -> u16 {
    if m & mode::FTZ != 0 { F::flush(h) } else { h }
}

#[inline(always)]
fn post<F: Format>(m: u8, f: f32) -> u16 {
    let f = if m & mode::SAT != 0 {
        float::output::<false, true>(f)
    } else {
        f
    };
    let f = if m & RELU != 0 && f <= 0.0 { 0.0 } else { f };
    let h = F::narrow(f);
    if m & mode::FTZ != 0 { F::flush(h) } else { h }
}

#[inline(always)]
fn unary<F: Format, const OP: u8>(m: u8, a: u16) -> u16 {
    let a = pre::<F>(m, a);
    match OP {
        op::NEG => a ^ 0x8000,
        op::ABS => a & 0x7FFF,
        op::EX2 => post::<F>(m, float::exp2(F::widen(a))),
        _ => post::<F>(m, f64::from(F::widen(a)).tanh() as f32),
    }
}

#[inline(always)]
fn binary<F: Format, const OP: u8>(m: u8, a: u16, b: u16) -> u16 {
    let (a, b) = (pre::<F>(m, a), pre::<F>(m, b));
    let (x, y) = (F::widen(a), F::widen(b));
    match OP {
        op::ADD => post::<F>(m, odd_sum(x, y)),
        op::SUB => post::<F>(m, odd_sum(x, -y)),
        op::MUL => post::<F>(m, odd_f32(f64::from(x) * f64::from(y), 0.0)),
        _ => extreme(m, a, b, x, y, OP == op::MIN),
    }
}

#[inline(always)]
fn odd_sum(x: f32, y: f32) -> f32 {
    let (sum, error) = two_sum(x.into(), y.into());
    if sum.is_finite() {
        odd_f32(sum, error)
    } else {
        sum as f32
    }
}

#[inline(always)]
fn extreme(m: u8, a: u16, b: u16, x: f32, y: f32, least: bool) -> u16 {
    let sign = (a ^ b) & 0x8000;
    let (a, b, x, y) = if m & mode::XORSIGN != 0 {
        (a & 0x7FFF, b & 0x7FFF, x.abs(), y.abs())
    } else {
        (a, b, x, y)
    };
    if x.is_nan() && y.is_nan() || m & mode::NAN != 0 && (x.is_nan() || y.is_nan()) {
        return NAN16;
    }
    let pick_a = if x == y {
        (a & 0x8000 != 0) == least
    } else {
        (x < y) == least
    };
    let d = if !x.is_nan() && (y.is_nan() || pick_a) {
        a
    } else {
        b
    };
    if m & mode::XORSIGN != 0 { d | sign } else { d }
}

#[inline(always)]
fn fma<F: Format>(m: u8, a: u16, b: u16, c: u16) -> u16 {
    let (x, y, z) = (
        F::widen(pre::<F>(m, a)),
        F::widen(pre::<F>(m, b)),
        F::widen(pre::<F>(m, c)),
    );
    // the product is exact
    let (sum, error) = two_sum(f64::from(x) * f64::from(y), z.into());
    post::<F>(
        m,
        if sum.is_finite() {
            odd_f32(sum, error)
        } else {
            sum as f32
        },
    )
}

#[inline(always)]
fn both(f: impl Fn(usize) -> u16) -> u32 {
    u32::from(f(1)) << 16 | u32::from(f(0))
}

#[inline(always)]
fn part(packed: u32, half: usize) -> u16 {
    (packed >> (16 * half)) as u16
}

pub struct Unary<F, const OP: u8>(PhantomData<F>);
pub struct Unary2<F, const OP: u8>(PhantomData<F>);
pub struct Binary<F, const OP: u8>(PhantomData<F>);
pub struct Binary2<F, const OP: u8>(PhantomData<F>);
pub struct Fma<F>(PhantomData<F>);
pub struct Fma2<F>(PhantomData<F>);

impl<F: Format, const OP: u8> Fn1 for Unary<F, OP> {
    type A = u16;
    type D = u16;
    #[inline(always)]
    fn f(m: u8, a: u16) -> u16 {
        unary::<F, OP>(m, a)
    }
}

impl<F: Format, const OP: u8> Fn1 for Unary2<F, OP> {
    type A = u32;
    type D = u32;
    #[inline(always)]
    fn f(m: u8, a: u32) -> u32 {
        both(|h| unary::<F, OP>(m, part(a, h)))
    }
}

impl<F: Format, const OP: u8> Fn2 for Binary<F, OP> {
    type A = u16;
    type B = u16;
    type D = u16;
    #[inline(always)]
    fn f(m: u8, a: u16, b: u16) -> u16 {
        binary::<F, OP>(m, a, b)
    }
}

impl<F: Format, const OP: u8> Fn2 for Binary2<F, OP> {
    type A = u32;
    type B = u32;
    type D = u32;
    #[inline(always)]
    fn f(m: u8, a: u32, b: u32) -> u32 {
        both(|h| binary::<F, OP>(m, part(a, h), part(b, h)))
    }
}

impl<F: Format> Fn3 for Fma<F> {
    type A = u16;
    type B = u16;
    type C = u16;
    type D = u16;
    #[inline(always)]
    fn f(m: u8, a: u16, b: u16, c: u16) -> u16 {
        fma::<F>(m, a, b, c)
    }
}

impl<F: Format> Fn3 for Fma2<F> {
    type A = u32;
    type B = u32;
    type C = u32;
    type D = u32;
    #[inline(always)]
    fn f(m: u8, a: u32, b: u32, c: u32) -> u32 {
        both(|h| fma::<F>(m, part(a, h), part(b, h), part(c, h)))
    }
}

/// A sum in a 16-bit format, for atomics.
pub fn add<F: Format>(a: u16, b: u16) -> u16 {
    binary::<F, { op::ADD }>(0, a, b)
}

#[cfg(test)]
mod tests {
    use super::super::format::{F16, narrow_f16};
    use super::*;

    #[test]
    fn fma_rounds_once() {
        // 1 + 2^-11 is a tie; the third operand breaks it only if nothing was rounded before
        let (a, b) = (narrow_f16(1.0), narrow_f16(2f32.powi(-11)));
        let tiny = 1;
        assert_eq!(fma::<F16>(0, a, a, b), 0x3C00);
        let above = fma::<F16>(0, narrow_f16(2f32.powi(-11) * 1.001), a, a);
        assert_eq!(above, 0x3C01);
        assert_eq!(binary::<F16, { op::ADD }>(0, a, tiny), 0x3C00);
    }
}
