//! Bits of whole words: logic, shifts, counts.

use super::typed::typed;
use crate::exec::handler::{Fn1, Fn2, Op, lanes};
use crate::exec::state::{Context, Flow, Inst, NONE, column};
use std::marker::PhantomData;

typed! {
    And [u16, u32, u64] (a, b) { a & b }
    Or [u16, u32, u64] (a, b) { a | b }
    Xor [u16, u32, u64] (a, b) { a ^ b }
    Not [u16, u32, u64] (a) { !a }
    Cnot [u16, u32, u64] (a) { if a == 0 { 1 } else { 0 } }
    Brev [u32, u64] (a) { a.reverse_bits() }
}

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

lanes! {
    /// `shf.l`, `shf.r`; `m` is bit 0 right, bit 1 wrap.
    Shf [m] (a: u32, b: u32, n: u32) -> u32 {
        let both = u64::from(b) << 32 | u64::from(a);
        let n = if m & 2 != 0 { n & 31 } else { n.min(32) };
        if m & 1 != 0 { (both >> n) as u32 } else { (both << n >> 32) as u32 }
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
