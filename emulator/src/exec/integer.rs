//! Integer arithmetic (PTX ISA, "Integer Arithmetic Instructions", "Extended-Precision ...", "Logic and Shift ...").

use super::context::{Context, column};
use super::handler::{Fn1, Fn2, Fn3, Op, lanes};
use super::inst::{Flow, Inst, NONE};
use std::marker::PhantomData;

/// One function for several types: `Name [types] (m, a, b) -> result { body }`; `T` is the type.
macro_rules! typed {
    () => {};
    ($(#[$doc:meta])* $name:ident $list:tt ($a:ident) $body:block $($rest:tt)*) => {
        $(#[$doc])* pub struct $name<T>(PhantomData<T>);
        typed!(@one $name $list ($a) $body);
        typed!($($rest)*);
    };
    ($(#[$doc:meta])* $name:ident $list:tt ($a:ident, $b:ident) $body:block $($rest:tt)*) => {
        $(#[$doc])* pub struct $name<T>(PhantomData<T>);
        typed!(@two $name $list ($a, $b) $body);
        typed!($($rest)*);
    };
    ($(#[$doc:meta])* $name:ident $list:tt ($a:ident, $b:ident, $c:ident) $body:block $($rest:tt)*) => {
        $(#[$doc])* pub struct $name<T>(PhantomData<T>);
        typed!(@three $name $list ($a, $b, $c) $body);
        typed!($($rest)*);
    };
    (@one $name:ident [$($t:ident),*] ($a:ident) $body:block) => {$(
        impl Fn1 for $name<$t> {
            type A = $t; type D = $t;
            #[inline(always)]
            fn f(_m: u8, $a: $t) -> $t { #[allow(dead_code)] type T = $t; $body }
        }
    )*};
    (@two $name:ident [$($t:ident),*] ($a:ident, $b:ident) $body:block) => {$(
        impl Fn2 for $name<$t> {
            type A = $t; type B = $t; type D = $t;
            #[inline(always)]
            fn f(_m: u8, $a: $t, $b: $t) -> $t { #[allow(dead_code)] type T = $t; $body }
        }
    )*};
    (@three $name:ident [$($t:ident),*] ($a:ident, $b:ident, $c:ident) $body:block) => {$(
        impl Fn3 for $name<$t> {
            type A = $t; type B = $t; type C = $t; type D = $t;
            #[inline(always)]
            fn f(_m: u8, $a: $t, $b: $t, $c: $t) -> $t { #[allow(dead_code)] type T = $t; $body }
        }
    )*};
}

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
    And [u16, u32, u64] (a, b) { a & b }
    Or [u16, u32, u64] (a, b) { a | b }
    Xor [u16, u32, u64] (a, b) { a ^ b }
    Not [u16, u32, u64] (a) { !a }
    Cnot [u16, u32, u64] (a) { if a == 0 { 1 } else { 0 } }
    /// `add.sat.s32`
    AddSat [i32] (a, b) { a.saturating_add(b) }
    SubSat [i32] (a, b) { a.saturating_sub(b) }
    /// `mad.hi.sat.s32`
    MadHiSat [i32] (a, b, c) { ((i64::from(a) * i64::from(b)) >> 32).saturating_add(i64::from(c)).clamp(i32::MIN.into(), i32::MAX.into()) as i32 }
    Sad [u16, u32, u64, i16, i32, i64] (a, b, c) { c.wrapping_add(if a > b { a.wrapping_sub(b) } else { b.wrapping_sub(a) }) }
    Brev [u32, u64] (a) { a.reverse_bits() }
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

impl super::context::Lane for i128 {}

/// `shl`, `shr`: the amount is 32 bits, and amounts beyond the width shift everything out.
macro_rules! shifts {
    ($($t:ident),*) => {$(
        impl Fn2 for Shl<$t> {
            type A = $t; type B = u32; type D = $t;
            #[inline(always)]
            fn f(_: u8, a: $t, b: u32) -> $t { if b >= <$t>::BITS { 0 } else { a << (b & (<$t>::BITS - 1)) } }
        }
        impl Fn2 for Shr<$t> {
            type A = $t; type B = u32; type D = $t;
            #[inline(always)]
            fn f(_: u8, a: $t, b: u32) -> $t {
                let whole = a >> (<$t>::BITS - 1) >> 1;
                if b >= <$t>::BITS { whole } else { a >> (b & (<$t>::BITS - 1)) }
            }
        }
        impl Fn1 for Popc<$t> {
            type A = $t; type D = u32;
            #[inline(always)]
            fn f(_: u8, a: $t) -> u32 { a.count_ones() }
        }
        impl Fn1 for Clz<$t> {
            type A = $t; type D = u32;
            #[inline(always)]
            fn f(_: u8, a: $t) -> u32 { a.leading_zeros() }
        }
    )*};
}
pub struct Shl<T>(PhantomData<T>);
pub struct Shr<T>(PhantomData<T>);
pub struct Popc<T>(PhantomData<T>);
pub struct Clz<T>(PhantomData<T>);
shifts!(u16, u32, u64, i16, i32, i64);

/// `bfind`; with `m` the distance from the top (`.shiftamt`).
macro_rules! bit_fields {
    ($($t:ident $bits:expr, $signed:expr);*) => {$(
        impl Fn1 for Bfind<$t> {
            type A = $t; type D = u32;
            #[inline(always)]
            fn f(m: u8, a: $t) -> u32 {
                #[allow(unused_comparisons)]
                let a = if a < 0 { !a } else { a };
                if a == 0 { return u32::MAX; }
                if m != 0 { a.leading_zeros() } else { $bits - 1 - a.leading_zeros() }
            }
        }
        impl Fn3 for Bfe<$t> {
            type A = $t; type B = u32; type C = u32; type D = $t;
            #[inline(always)]
            fn f(_: u8, a: $t, position: u32, length: u32) -> $t {
                let (position, length) = (position & 0xFF, length & 0xFF);
                let top = $bits - 1;
                // PTX ISA, "bfe": the sign bit is bit min(pos + len - 1, msb); an empty field is zero
                let sign = if $signed && length != 0 { a >> (position + length - 1).min(top) & 1 } else { 0 };
                let field = if position > top { 0 } else { a >> position };
                let ones: $t = if length >= $bits { 0 } else { !(0 as $t) << length };
                let inside = top as u32 + 1;
                let field = if $signed && position < inside && position + length > inside {
                    field
                } else {
                    field & !ones
                };
                if $signed && sign != 0 { if position > top { !0 } else { field | ones } } else { field }
            }
        }
    )*};
}
pub struct Bfind<T>(PhantomData<T>);
pub struct Bfe<T>(PhantomData<T>);
bit_fields!(u32 32, false; i32 32, true; u64 64, false; i64 64, true);

/// `bfi d, a, b, pos, len`: the low bits of `a` into `b`.
pub struct Bfi<T>(PhantomData<T>);
macro_rules! insertions {
    ($($t:ident),*) => {$(
        impl Op for Bfi<$t> {
            #[inline(always)]
            fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
                let (a, b) = (c.row::<$t>(i.r[1]), c.row::<$t>(i.r[2]));
                let (position, length) = (c.row::<u32>(i.r[3]), c.row::<u32>(i.r[4]));
                let mut d = [0; 32];
                for (l, d) in d.iter_mut().enumerate() {
                    let (position, length) = (position.get(l) & 0xFF, length.get(l) & 0xFF);
                    let ones: $t = if length >= <$t>::BITS { !0 } else { !(!0 << length) };
                    let mask = if position >= <$t>::BITS { 0 } else { ones << position };
                    let value = if position >= <$t>::BITS { 0 } else { a.get(l) << position };
                    *d = b.get(l) & !mask | value & mask;
                }
                c.set(i.r[0], &d);
                Flow::Next
            }
        }
    )*};
}
insertions!(u32, u64);

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
    /// `shf.l`, `shf.r`; `m` is bit 0 right, bit 1 wrap.
    Shf [m] (a: u32, b: u32, n: u32) -> u32 {
        let both = u64::from(b) << 32 | u64::from(a);
        let n = if m & 2 != 0 { n & 31 } else { n.min(32) };
        if m & 1 != 0 { (both >> n) as u32 } else { (both << n >> 32) as u32 }
    }
    /// `prmt` with the selector's modes in `m` (PTX ISA, "prmt").
    Prmt [m] (a: u32, b: u32, s: u32) -> u32 {
        let bytes = (u64::from(b) << 32 | u64::from(a)).to_le_bytes();
        let pick = |selector: u32| {
            let byte = bytes[(selector & 7) as usize];
            if selector & 8 != 0 { (byte as i8 >> 7) as u8 } else { byte }
        };
        let x = s & 3;
        let index = |i: u32| match m {
            0 => s >> (4 * i) & 0xF,
            1 => x + i,
            2 => (x + 8 - i) & 7,
            3 => x,
            4 => i.max(x),
            5 => i.min(x),
            _ => (x & 1) << 1 | i & 1,
        };
        u32::from_le_bytes([pick(index(0)), pick(index(1)), pick(index(2)), pick(index(3))])
    }
    /// `dp4a`; `m` is bit 0 first signed, bit 1 second signed.
    Dp4a [m] (a: u32, b: u32, c: u32) -> u32 {
        let (a, b) = (a.to_le_bytes(), b.to_le_bytes());
        let mut sum = c;
        for i in 0..4 {
            let x = if m & 1 != 0 { i32::from(a[i] as i8) } else { i32::from(a[i]) };
            let y = if m & 2 != 0 { i32::from(b[i] as i8) } else { i32::from(b[i]) };
            sum = sum.wrapping_add((x * y) as u32);
        }
        sum
    }
    /// `dp2a`; as `Dp4a`, bit 2 for the high half of the second.
    Dp2a [m] (a: u32, b: u32, c: u32) -> u32 {
        let b = if m & 4 != 0 { b >> 16 } else { b };
        let mut sum = c;
        for i in 0..2 {
            let (a, b) = ((a >> (16 * i)) as u16, (b >> (8 * i)) as u8);
            let x = if m & 1 != 0 { i32::from(a as i16) } else { i32::from(a) };
            let y = if m & 2 != 0 { i32::from(b as i8) } else { i32::from(b) };
            sum = sum.wrapping_add(x.wrapping_mul(y) as u32);
        }
        sum
    }
    /// `fns`: the n-th set bit from a base (PTX ISA, "fns").
    Fns (mask: u32, base: u32, offset: u32) -> u32 {
        let (base, mut n) = (base & 31, offset as i32);
        let mut at = base as i32;
        if n == 0 {
            return if mask >> base & 1 != 0 { base } else { u32::MAX };
        }
        let step = if n > 0 { 1 } else { -1 };
        while (0..32).contains(&at) {
            if mask >> at & 1 != 0 {
                n -= step;
                if n == 0 { return at as u32; }
            }
            at += step;
        }
        u32::MAX
    }
    /// `bmsk`; `m` is bit 0 wrap.
    Bmsk [m] (a: u32, b: u32) -> u32 {
        let (a, b) = if m != 0 { (a & 31, b & 31) } else { (a.min(32), b.min(32)) };
        let ones = if b >= 32 { u32::MAX } else { !(u32::MAX << b) };
        if a >= 32 { 0 } else { ones << a }
    }
    /// `szext`; `m` is bit 0 wrap, bit 1 signed.
    Szext [m] (a: u32, b: u32) -> u32 {
        let n = if m & 1 != 0 { b & 31 } else { b.min(32) };
        if n == 0 { return 0; }
        let shift = 32 - n;
        if m & 2 != 0 { ((a << shift) as i32 >> shift) as u32 } else { a << shift >> shift }
    }
}

/// `lop3.b32`: `m[0]` is the table; `r[4]`, `r[5]` are a predicate out and one to combine, `m[1]` says how.
pub struct Lop3;
impl Op for Lop3 {
    #[inline(always)]
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        let table = i.m[0];
        let (x, y, z) = (
            c.row::<u32>(i.r[1]),
            c.row::<u32>(i.r[2]),
            c.row::<u32>(i.r[3]),
        );
        let full = |bit: u8| if table >> bit & 1 != 0 { u32::MAX } else { 0 };
        let minterms = [0, 1, 2, 3, 4, 5, 6, 7].map(full);
        let d = column!(c.width, l => {
            let (x, y, z) = (x.get(l), y.get(l), z.get(l));
            let pick = |s: u32, on: u32, off: u32| s & on | !s & off;
            let low = pick(y, pick(z, minterms[3], minterms[2]), pick(z, minterms[1], minterms[0]));
            let high = pick(y, pick(z, minterms[7], minterms[6]), pick(z, minterms[5], minterms[4]));
            pick(x, high, low)
        });
        c.set(i.r[0], &d);
        if i.r[4] != NONE {
            let nonzero = d
                .iter()
                .enumerate()
                .fold(0, |m, (l, v)| m | u32::from(*v != 0) << l);
            let other = c.predicate(i.r[5]);
            c.set_predicate(
                i.r[4],
                if i.m[1] == 1 {
                    nonzero | other
                } else {
                    nonzero & other
                },
            );
        }
        Flow::Next
    }
}

/// What extended-precision instructions do with the carry: `r[5]` is the carry, a predicate.
pub mod carry {
    pub const READS: u8 = 1;
    pub const WRITES: u8 = 2;
    pub const SUBTRACTS: u8 = 4;
    /// `mad.hi` and `madc.hi`.
    pub const HIGH: u8 = 8;
    pub const SIGNED: u8 = 16;
    /// The first two operands are multiplied.
    pub const PRODUCT: u8 = 32;
}

/// `add.cc`, `addc`, `sub.cc`, `subc`, `mad.cc`, `madc`.
pub struct Carry<T>(PhantomData<T>);
macro_rules! carries {
    ($($t:ident $s:ident $w:ident $sw:ident),*) => {$(
        impl Op for Carry<$t> {
            #[inline(always)]
            fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
                let m = i.m[0];
                let (a, b) = (c.row::<$t>(i.r[1]), c.row::<$t>(i.r[2]));
                let third = if m & carry::PRODUCT != 0 { i.r[3] } else { i.r[2] };
                let third = c.row::<$t>(third);
                let carry_in = if m & carry::READS != 0 { c.predicate(i.r[5]) } else { 0 };
                let (mut d, mut carry_out) = ([0; 32], 0);
                for (l, d) in d.iter_mut().enumerate() {
                    let (x, y) = if m & carry::PRODUCT == 0 {
                        (a.get(l), b.get(l))
                    } else if m & carry::HIGH == 0 {
                        (a.get(l).wrapping_mul(b.get(l)), third.get(l))
                    } else if m & carry::SIGNED != 0 {
                        (((a.get(l) as $s as $sw * b.get(l) as $s as $sw) >> <$t>::BITS) as $t, third.get(l))
                    } else {
                        (((a.get(l) as $w * b.get(l) as $w) >> <$t>::BITS) as $t, third.get(l))
                    };
                    let carried = (carry_in >> l & 1) as $t;
                    let (value, first, second) = if m & carry::SUBTRACTS != 0 {
                        let (v, first) = x.overflowing_sub(y);
                        let (v, second) = v.overflowing_sub(carried);
                        (v, first, second)
                    } else {
                        let (v, first) = x.overflowing_add(y);
                        let (v, second) = v.overflowing_add(carried);
                        (v, first, second)
                    };
                    *d = value;
                    carry_out |= u32::from(first | second) << l;
                }
                c.set(i.r[0], &d);
                if m & carry::WRITES != 0 {
                    c.set_predicate(i.r[5], carry_out);
                }
                Flow::Next
            }
        }
    )*};
}
carries!(u32 i32 u64 i64, u64 i64 u128 i128);

macro_rules! pairs {
    ($($name:ident ($a:ident, $b:ident) $t:ident $value:expr;)*) => {$(
        pub struct $name;
        impl Fn2 for $name {
            type A = u32; type B = u32; type D = u32;
            #[inline(always)]
            fn f(_: u8, a: u32, b: u32) -> u32 {
                let half = |s: u32| { let ($a, $b) = ((a >> s) as $t, (b >> s) as $t); u32::from($value as u16) << s };
                half(0) | half(16)
            }
        }
    )*};
}

pairs! {
    Add16x2(a, b) u16 a.wrapping_add(b);
    MinU16x2(a, b) u16 a.min(b);
    MaxU16x2(a, b) u16 a.max(b);
    MinS16x2(a, b) i16 a.min(b);
    MaxS16x2(a, b) i16 a.max(b);
}
