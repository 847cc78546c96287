//! Extended precision: sums and products with a carry in and out.

use crate::exec::handler::Op;
use crate::exec::state::{Context, Flow, Inst};
use std::marker::PhantomData;

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
