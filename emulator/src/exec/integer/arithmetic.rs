//! Sums, products, quotients and comparisons of one type, and products twice as wide.

use super::typed::typed;
use crate::exec::handler::{Fn1, Fn2, Fn3, lanes};
use crate::exec::state::Lane;
use std::marker::PhantomData;

typed! {
    Add [u16, u32, u64] (a, b) { a.wrapping_add(b) }
    Sub [u16, u32, u64] (a, b) { a.wrapping_sub(b) }
    Mul [u16, u32, u64] (a, b) { a.wrapping_mul(b) }
    Mad [u16, u32, u64] (a, b, c) { a.wrapping_mul(b).wrapping_add(c) }
    /// Division by zero gives all ones; the ISA leaves it open.
    Div [u16, u32, u64, i16, i32, i64] (a, b) { if b == 0 { !0 } else { a.wrapping_div(b) } }
    Rem [u16, u32, u64, i16, i32, i64] (a, b) { if b == 0 { a } else { a.wrapping_rem(b) } }
    Min [u16, u32, u64, i16, i32, i64] (a, b) { if b < a { b } else { a } }
    Max [u16, u32, u64, i16, i32, i64] (a, b) { if b > a { b } else { a } }
    Abs [i16, i32, i64] (a) { a.wrapping_abs() }
    Neg [u16, u32, u64] (a) { a.wrapping_neg() }
    /// `add.sat.s32`
    AddSat [i32] (a, b) { a.saturating_add(b) }
    SubSat [i32] (a, b) { a.saturating_sub(b) }
    /// `mad.hi.sat.s32`
    MadHiSat [i32] (a, b, c) { ((i64::from(a) * i64::from(b)) >> 32).saturating_add(i64::from(c)).clamp(i32::MIN.into(), i32::MAX.into()) as i32 }
    Sad [u16, u32, u64, i16, i32, i64] (a, b, c) { c.wrapping_add(if a > b { a.wrapping_sub(b) } else { b.wrapping_sub(a) }) }
}

/// `mul.hi`, `mul.wide` and their `mad`, by the type twice as wide.
macro_rules! wide_products {
    ($($t:ident $w:ident),*) => {$(
        impl Fn2 for MulHi<$t> {
            type A = $t; type B = $t; type D = $t;
            #[inline(always)]
            fn f(_: u8, a: $t, b: $t) -> $t { ((a as $w).wrapping_mul(b as $w) >> <$t>::BITS) as $t }
        }
        impl Fn3 for MadHi<$t> {
            type A = $t; type B = $t; type C = $t; type D = $t;
            #[inline(always)]
            fn f(_: u8, a: $t, b: $t, c: $t) -> $t { MulHi::<$t>::f(0, a, b).wrapping_add(c) }
        }
        impl Fn2 for MulWide<$t> {
            type A = $t; type B = $t; type D = $w;
            #[inline(always)]
            fn f(_: u8, a: $t, b: $t) -> $w { (a as $w).wrapping_mul(b as $w) }
        }
        impl Fn3 for MadWide<$t> {
            type A = $t; type B = $t; type C = $w; type D = $w;
            #[inline(always)]
            fn f(_: u8, a: $t, b: $t, c: $w) -> $w { (a as $w).wrapping_mul(b as $w).wrapping_add(c) }
        }
    )*};
}
pub struct MulHi<T>(PhantomData<T>);
pub struct MadHi<T>(PhantomData<T>);
pub struct MulWide<T>(PhantomData<T>);
pub struct MadWide<T>(PhantomData<T>);
wide_products!(u16 u32, u32 u64, i16 i32, i32 i64, u64 u128, i64 i128);

impl Lane for i128 {}

lanes! {
    /// `mul24.lo`, `mul24.hi` of u32 and s32; `m` is bit 0 high, bit 1 signed.
    Mul24 [m] (a: u32, b: u32) -> u32 {
        let product = if m & 2 != 0 {
            i64::from((a << 8) as i32 >> 8) * i64::from((b << 8) as i32 >> 8)
        } else {
            (u64::from(a & 0xFF_FFFF) * u64::from(b & 0xFF_FFFF)) as i64
        };
        if m & 1 != 0 { (product >> 16) as u32 } else { product as u32 }
    }
    /// `mad24`; as `Mul24`, bit 2 for `.hi.sat.s32`.
    Mad24 [m] (a: u32, b: u32, c: u32) -> u32 {
        let product = Mul24::f(m, a, b);
        if m & 4 != 0 {
            (product as i32).saturating_add(c as i32) as u32
        } else {
            product.wrapping_add(c)
        }
    }
}
