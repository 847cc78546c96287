//! f16 and bf16, alone and packed in pairs (PTX ISA, "Half Precision Floating Point Instructions").
//!
//! Computed in f32, or in f64 where rounding twice would show.

use super::float::mode;
use super::handler::{Fn1, Fn2, Fn3};
use super::rounding::{odd, two_sum};
use std::marker::PhantomData;

/// The NaN that f16 and bf16 instructions give.
pub const NAN16: u16 = 0x7FFF;

/// f16 to f32, exactly.
#[inline(always)]
pub fn widen_f16(h: u16) -> f32 {
    let bits = u32::from(h & 0x7FFF) << 13;
    // moves the exponent's bias, and makes denormals normal, by one exact multiplication
    let value = f32::from_bits(bits) * f32::from_bits((254 - 15) << 23);
    let special = u32::from(h & 0x7C00 == 0x7C00) * 0x7F80_0000;
    f32::from_bits(value.to_bits() | special | u32::from(h & 0x8000) << 16)
}

/// f16 to f32, a denormal as zero if `ftz`.
#[inline(always)]
pub fn widen_flushed(h: u16, ftz: bool) -> f32 {
    widen_f16(if ftz && h & 0x7C00 == 0 {
        h & 0x8000
    } else {
        h
    })
}

/// f32 to f16, to nearest.
#[inline(always)]
pub fn narrow_f16(f: f32) -> u16 {
    let bits = f.to_bits();
    let (sign, magnitude) = ((bits >> 16 & 0x8000) as u16, bits & 0x7FFF_FFFF);
    // a denormal result: the addition of 1/2 in f32 rounds at the right place
    let small = (f32::from_bits(magnitude) + 0.5)
        .to_bits()
        .wrapping_sub(0.5f32.to_bits()) as u16;
    let rebiased = magnitude.wrapping_sub((127 - 15) << 23);
    let normal = (rebiased
        .wrapping_add(0xFFF)
        .wrapping_add(rebiased >> 13 & 1)
        >> 13) as u16;
    let value = if magnitude < 113 << 23 { small } else { normal };
    // from 65520 on it rounds to infinity
    let value = if magnitude >= 0x477F_F000 {
        0x7C00
    } else {
        value
    };
    if magnitude > 0x7F80_0000 {
        NAN16
    } else {
        sign | value
    }
}

/// bf16 to f32, exactly.
#[inline(always)]
pub fn widen_bf16(h: u16) -> f32 {
    f32::from_bits(u32::from(h) << 16)
}

/// f32 to bf16, to nearest.
#[inline(always)]
pub fn narrow_bf16(f: f32) -> u16 {
    let bits = f.to_bits();
    let rounded = (bits.wrapping_add(0x7FFF).wrapping_add(bits >> 16 & 1) >> 16) as u16;
    if f.is_nan() { NAN16 } else { rounded }
}

/// f64 and what it misses to f32 with the last bit set if anything is missing.
#[inline(always)]
pub fn odd_f32(value: f64, error: f64) -> f32 {
    let value = odd(value, error);
    let near = value as f32;
    let back = f64::from(near);
    if back == value || value.is_nan() {
        return near;
    }
    let down = if back.abs() > value.abs() {
        near.to_bits() - 1
    } else {
        near.to_bits()
    };
    f32::from_bits(down | 1)
}

/// A 16-bit format.
pub trait Format: 'static {
    fn widen(h: u16) -> f32;
    fn narrow(f: f32) -> u16;
    /// Flushes a denormal; bf16 has no such form.
    fn flush(h: u16) -> u16;
}

pub struct F16;
impl Format for F16 {
    #[inline(always)]
    fn widen(h: u16) -> f32 {
        widen_f16(h)
    }
    #[inline(always)]
    fn narrow(f: f32) -> u16 {
        narrow_f16(f)
    }
    #[inline(always)]
    fn flush(h: u16) -> u16 {
        if h & 0x7C00 == 0 { h & 0x8000 } else { h }
    }
}

pub struct Bf16;
impl Format for Bf16 {
    #[inline(always)]
    fn widen(h: u16) -> f32 {
        widen_bf16(h)
    }
    #[inline(always)]
    fn narrow(f: f32) -> u16 {
        narrow_bf16(f)
    }
    #[inline(always)]
    fn flush(h: u16) -> u16 {
        if h & 0x7F80 == 0 { h & 0x8000 } else { h }
    }
}

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
        super::float::output::<false, true>(f)
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
        op::EX2 => post::<F>(m, super::float::exp2(F::widen(a))),
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
    use super::*;

    #[test]
    fn every_f16_goes_there_and_back() {
        for h in 0..=u16::MAX {
            let f = widen_f16(h);
            if h & 0x7FFF > 0x7C00 {
                assert!(f.is_nan());
                assert_eq!(narrow_f16(f), NAN16);
            } else {
                assert_eq!(narrow_f16(f), h);
                assert_eq!(
                    narrow_bf16(widen_bf16(h)),
                    if widen_bf16(h).is_nan() { NAN16 } else { h }
                );
            }
        }
    }

    #[test]
    fn ties_go_to_even_and_overflow_to_infinity() {
        assert_eq!(narrow_f16(1.0 + 1.0 / 2048.0), 0x3C00);
        assert_eq!(narrow_f16(1.0 + 3.0 / 2048.0), 0x3C02);
        assert_eq!(narrow_f16(65519.99), 0x7BFF);
        assert_eq!(narrow_f16(65520.0), 0x7C00);
        assert_eq!(narrow_f16(2f32.powi(-25)), 0);
        assert_eq!(narrow_f16(2f32.powi(-25) * 1.0001), 1);
        assert_eq!(narrow_f16(-(2f32.powi(-24))), 0x8001);
    }

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
