//! The conversions that kernels are full of, a function each.

use super::any::narrow;
use super::modifier;
use crate::exec::half;
use crate::exec::handler::{Fn1, lanes};
use crate::exec::rounding::Rounding;
use std::marker::PhantomData;

/// Between integers as wide as their registers.
pub struct Resize<S, D>(PhantomData<(S, D)>);
/// From an integer to the nearest float.
pub struct Float<S, D>(PhantomData<(S, D)>);
/// From a float to an integer, rounded as the modifier says.
pub struct Whole<S, D>(PhantomData<(S, D)>);

macro_rules! resizes {
    ($($s:ident),*) => {$( resizes!(@ $s u16 u32 u64); )*};
    (@ $s:ident $($d:ident)*) => {$(
        impl Fn1 for Resize<$s, $d> {
            type A = $s; type D = $d;
            #[inline(always)]
            fn f(_: u8, a: $s) -> $d { a as $d }
        }
    )*};
}
resizes!(u16, i16, u32, i32, u64, i64);

macro_rules! floats {
    ($($s:ident),*) => {$( floats!(@ $s f32 f64); floats!(# f32 $s); floats!(# f64 $s); )*};
    (@ $s:ident $($d:ident)*) => {$(
        impl Fn1 for Float<$s, $d> {
            type A = $s; type D = $d;
            #[inline(always)]
            fn f(_: u8, a: $s) -> $d { a as $d }
        }
    )*};
    (# $s:ident $d:ident) => {
        impl Fn1 for Whole<$s, $d> {
            type A = $s; type D = $d;
            #[inline(always)]
            fn f(m: u8, a: $s) -> $d {
                if a.is_nan() {
                    let zero = size_of::<$s>() == 4 && size_of::<$d>() < 8;
                    return if zero { 0 } else { (1 as $d) << ($d::BITS - 1) };
                }
                // a single's denormals round as its flushed zeros do, except upward and downward
                let a = if m & modifier::FTZ != 0 && size_of::<$s>() == 4 { crate::exec::float::flush(a as f32) as $s } else { a };
                let whole = match Rounding::of(m) {
                    Rounding::Nearest => a.round_ties_even(),
                    Rounding::Zero => a,
                    Rounding::Down => a.floor(),
                    Rounding::Up => a.ceil(),
                };
                whole as $d
            }
        }
    };
}
floats!(u16, i16, u32, i32, u64, i64);

lanes! {
    F16ToF32 (a: u16) -> f32 { crate::exec::float::output::<false, false>(half::widen_f16(a)) }
    Bf16ToF32 (a: u16) -> f32 { crate::exec::float::output::<false, false>(half::widen_bf16(a)) }
    F32ToF16 (a: f32) -> u16 { half::narrow_f16(a) }
    F32ToBf16 (a: f32) -> u16 { half::narrow_bf16(a) }
    F32ToF64 [m] (a: f32) -> f64 { f64::from(if m & modifier::FTZ != 0 { crate::exec::float::flush(a) } else { a }) }
    F64ToF32 [m] (a: f64) -> f32 {
        let d = a as f32;
        crate::exec::float::output::<false, false>(if m & modifier::FTZ != 0 { crate::exec::float::flush(d) } else { d })
    }
    /// `cvt.sat.f32.f32`, `cvt.rni.f32.f32` and their like.
    F32ToF32 [m] (a: f32) -> f32 {
        let a = if m & modifier::FTZ != 0 { crate::exec::float::flush(a) } else { a };
        let a = if m & modifier::INTEGRAL == 0 { a } else {
            match Rounding::of(m) {
                Rounding::Nearest => a.round_ties_even(),
                Rounding::Zero => a.trunc(),
                Rounding::Down => a.floor(),
                Rounding::Up => a.ceil(),
            }
        };
        if m & modifier::SAT != 0 { crate::exec::float::output::<false, true>(a) } else { crate::exec::float::output::<false, false>(a) }
    }
    /// `cvt.rn.f16x2.f32 d, a, b`: the first operand in the high half.
    F32ToF16x2 [m] (a: f32, b: f32) -> u32 {
        u32::from(narrow::<half::F16>(a.into(), 0.0, m)) << 16 | u32::from(narrow::<half::F16>(b.into(), 0.0, m))
    }
    F32ToBf16x2 [m] (a: f32, b: f32) -> u32 {
        u32::from(narrow::<half::Bf16>(a.into(), 0.0, m)) << 16 | u32::from(narrow::<half::Bf16>(b.into(), 0.0, m))
    }
    /// `cvt.rna.tf32.f32` (`m` 0), `cvt.rn.tf32.f32` (1), `cvt.rz.tf32.f32` (2): 10 mantissa bits.
    F32ToTf32 [m] (a: f32) -> u32 {
        let bits = a.to_bits();
        if a.is_nan() { return 0x7FFF_FFFF; }
        if a.is_infinite() { return bits; }
        let rounded = match m {
            0 => bits + 0x1000,
            1 => bits + 0xFFF + (bits >> 13 & 1),
            _ => bits,
        };
        rounded & !0x1FFF
    }
}
