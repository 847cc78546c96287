//! Fields of bits and bytes inside a word: taken out, put in, looked for, permuted.

use crate::exec::handler::{Fn1, Fn3, Op, lanes};
use crate::exec::state::{Context, Flow, Inst};
use std::marker::PhantomData;

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
