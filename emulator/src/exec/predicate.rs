//! Comparisons, predicates, selection (PTX ISA, "Comparison and Selection Instructions").

use super::context::{Context, Lane, column};
use super::handler::{Fn3, Op, Test, lanes};
use super::inst::{Flow, Inst, NONE};
use std::marker::PhantomData;

/// Comparison operators; the unordered ones of floats are true when an operand is NaN.
pub mod compare {
    pub const EQ: u8 = 0;
    pub const NE: u8 = 1;
    pub const LT: u8 = 2;
    pub const LE: u8 = 3;
    pub const GT: u8 = 4;
    pub const GE: u8 = 5;
    /// Added for `equ` and its like.
    pub const UNORDERED: u8 = 6;
    pub const NUM: u8 = 12;
    pub const NAN: u8 = 13;
}

/// Combination with another predicate.
pub mod combine {
    pub const NONE: u8 = 0;
    pub const AND: u8 = 1;
    pub const OR: u8 = 2;
    pub const XOR: u8 = 3;
}

/// An integer comparison with the operator as a parameter.
pub struct Int<T, const OP: u8>(PhantomData<T>);
impl<T: Lane + PartialOrd, const OP: u8> Test for Int<T, OP> {
    type A = T;
    #[inline(always)]
    fn f(_: u8, a: T, b: T) -> bool {
        match OP {
            compare::EQ => a == b,
            compare::NE => a != b,
            compare::LT => a < b,
            compare::LE => a <= b,
            compare::GT => a > b,
            _ => a >= b,
        }
    }
}

/// A comparison of floats given as values; `m` is the operator, bit 7 flushes denormals first.
#[inline(always)]
fn float<F: PartialOrd + Copy>(m: u8, a: F, b: F) -> bool {
    #[allow(clippy::eq_op)]
    let nan = a != a || b != b;
    match m & 0x7F {
        compare::EQ => a == b,
        compare::NE => !nan && a != b,
        compare::LT => a < b,
        compare::LE => a <= b,
        compare::GT => a > b,
        compare::GE => a >= b,
        compare::NUM => !nan,
        compare::NAN => nan,
        // the unordered operators
        6 => nan || a == b,
        7 => nan || a != b,
        8 => nan || a < b,
        9 => nan || a <= b,
        10 => nan || a > b,
        _ => nan || a >= b,
    }
}

pub struct F32;
impl Test for F32 {
    type A = f32;
    #[inline(always)]
    fn f(m: u8, a: f32, b: f32) -> bool {
        if m & 0x80 != 0 {
            return float(m, super::float::flush(a), super::float::flush(b));
        }
        float(m, a, b)
    }
}

pub struct F64;
impl Test for F64 {
    type A = f64;
    #[inline(always)]
    fn f(m: u8, a: f64, b: f64) -> bool {
        float(m, a, b)
    }
}

pub struct F16;
impl Test for F16 {
    type A = u16;
    #[inline(always)]
    fn f(m: u8, a: u16, b: u16) -> bool {
        let ftz = m & 0x80 != 0;
        float(
            m,
            super::half::widen_flushed(a, ftz),
            super::half::widen_flushed(b, ftz),
        )
    }
}

pub struct Bf16;
impl Test for Bf16 {
    type A = u16;
    #[inline(always)]
    fn f(m: u8, a: u16, b: u16) -> bool {
        float(m, super::half::widen_bf16(a), super::half::widen_bf16(b))
    }
}

#[inline(always)]
fn combined(m: u8, a: u32, b: u32) -> u32 {
    match m {
        combine::AND => a & b,
        combine::OR => a | b,
        combine::XOR => a ^ b,
        _ => a,
    }
}

#[inline(always)]
fn mask<T: Test>(c: &Context<'_>, i: &Inst) -> u32 {
    let m = i.m[0];
    let (a, b) = (c.row::<T::A>(i.r[2]), c.row::<T::A>(i.r[3]));
    let mut all = 0u32;
    for l in 0..c.width & 32 {
        all |= if T::f(m, a.get(l), b.get(l)) {
            1 << (l & 31)
        } else {
            0
        };
    }
    all
}

/// `setp`: `r[0]`, `r[1]` are the predicate and its complement, `r[4]` the one to combine with by `m[1]`.
pub struct Setp<T>(PhantomData<T>);
impl<T: Test> Op for Setp<T> {
    #[inline(always)]
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        let holds = mask::<T>(c, i);
        if i.m[1] == combine::NONE && i.r[1] == NONE {
            c.set_predicate(i.r[0], holds);
            return Flow::Next;
        }
        let other = if i.m[1] == combine::NONE {
            0
        } else {
            c.predicate(i.r[4])
        };
        c.set_predicate(i.r[0], combined(i.m[1], holds, other));
        if i.r[1] != NONE {
            c.set_predicate(i.r[1], combined(i.m[1], !holds, other));
        }
        Flow::Next
    }
}

/// `set`: `imm` is the row's value where it holds, `m[2]` the destination's bits.
pub struct Set<T>(PhantomData<T>);
impl<T: Test> Op for Set<T> {
    #[inline(always)]
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        let other = if i.m[1] == combine::NONE {
            0
        } else {
            c.predicate(i.r[4])
        };
        let holds = combined(i.m[1], mask::<T>(c, i), other);
        let value = |l: usize| if holds >> l & 1 != 0 { i.imm } else { 0 };
        if i.m[2] == 16 {
            c.set(
                i.r[0],
                &std::array::from_fn::<u16, 32, _>(|l| value(l) as u16),
            );
        } else {
            c.set(
                i.r[0],
                &std::array::from_fn::<u32, 32, _>(|l| value(l) as u32),
            );
        }
        Flow::Next
    }
}

/// `setp`, `set` of two packed halves: `m[3]` is 0 for f16x2, 1 for bf16x2.
fn packed(c: &Context<'_>, i: &Inst) -> [u32; 2] {
    let (a, b) = (c.row::<u32>(i.r[2]), c.row::<u32>(i.r[3]));
    let mut out = [0; 2];
    for (half, out) in out.iter_mut().enumerate() {
        for l in 0..32 {
            let (x, y) = (
                (a.get(l) >> (16 * half)) as u16,
                (b.get(l) >> (16 * half)) as u16,
            );
            let holds = if i.m[3] == 0 {
                F16::f(i.m[0], x, y)
            } else {
                Bf16::f(i.m[0], x, y)
            };
            *out |= u32::from(holds) << l;
        }
        let other = if i.m[1] == combine::NONE {
            0
        } else {
            c.predicate(i.r[4])
        };
        *out = combined(i.m[1], *out, other);
    }
    out
}

/// `setp.f16x2 p|q`: a predicate for each half.
pub struct SetpPacked;
impl Op for SetpPacked {
    #[inline(always)]
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        let [low, high] = packed(c, i);
        c.set_predicate(i.r[0], low);
        if i.r[1] != NONE {
            c.set_predicate(i.r[1], high);
        }
        Flow::Next
    }
}

/// `set.f16x2`: `imm` is a half's value where it holds.
pub struct SetPacked;
impl Op for SetPacked {
    #[inline(always)]
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        let [low, high] = packed(c, i);
        let value = |mask: u32, l: usize| if mask >> l & 1 != 0 { i.imm as u16 } else { 0 };
        c.set(
            i.r[0],
            &std::array::from_fn::<u32, 32, _>(|l| {
                u32::from(value(high, l)) << 16 | u32::from(value(low, l))
            }),
        );
        Flow::Next
    }
}

/// `selp`: `r[3]` is the predicate.
pub struct Selp<T>(PhantomData<T>);
impl<T: Lane> Op for Selp<T> {
    #[inline(always)]
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        let (a, b) = (c.row::<T>(i.r[1]), c.row::<T>(i.r[2]));
        let p = c.predicate(i.r[3]);
        let d = column!(c.width, l => if p >> (l & 31) & 1 != 0 { a.get(l) } else { b.get(l) });
        c.set(i.r[0], &d);
        Flow::Next
    }
}

/// `slct`: `a` where the third operand is at least zero.
pub struct Slct<T, C>(PhantomData<(T, C)>);
impl<T: Lane, C: Lane + PartialOrd> Fn3 for Slct<T, C> {
    type A = T;
    type B = T;
    type C = C;
    type D = T;
    #[inline(always)]
    fn f(_: u8, a: T, b: T, c: C) -> T {
        if c >= C::default() { a } else { b }
    }
}

macro_rules! logic {
    ($($(#[$doc:meta])* $name:ident ($a:ident, $b:ident) $value:expr;)*) => {$(
        $(#[$doc])*
        pub struct $name;
        impl Op for $name {
            #[inline(always)]
            fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
                let ($a, $b) = (c.predicate(i.r[1]), c.predicate(i.r[2]));
                c.set_predicate(i.r[0], $value);
                Flow::Next
            }
        }
    )*};
}

logic! {
    /// `and.pred`
    And(a, b) a & b;
    /// `or.pred`
    Or(a, b) a | b;
    /// `xor.pred`
    Xor(a, b) a ^ b;
}

/// `not.pred`
pub struct Not;
impl Op for Not {
    #[inline(always)]
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        c.set_predicate(i.r[0], !c.predicate(i.r[1]));
        Flow::Next
    }
}

/// `mov.pred`
pub struct Mov;
impl Op for Mov {
    #[inline(always)]
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        c.set_predicate(i.r[0], c.predicate(i.r[1]));
        Flow::Next
    }
}

lanes! {
    /// `testp` of f32: `m` counts finite, infinite, number, notanumber, normal, subnormal.
    TestF32 [m] (a: f32) -> u32 {
        use std::num::FpCategory::*;
        let class = a.classify();
        u32::from(match m {
            0 => a.is_finite(),
            1 => class == Infinite,
            2 => !a.is_nan(),
            3 => a.is_nan(),
            4 => class == Normal,
            _ => class == Subnormal,
        })
    }
    /// `testp` of f64.
    TestF64 [m] (a: f64) -> u32 {
        use std::num::FpCategory::*;
        let class = a.classify();
        u32::from(match m {
            0 => a.is_finite(),
            1 => class == Infinite,
            2 => !a.is_nan(),
            3 => a.is_nan(),
            4 => class == Normal,
            _ => class == Subnormal,
        })
    }
}

/// A function of one operand whose nonzero lanes make a predicate.
pub struct ToPredicate<F>(PhantomData<F>);
impl<F: super::handler::Fn1<D = u32>> Op for ToPredicate<F> {
    #[inline(always)]
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        let a = c.row::<F::A>(i.r[1]);
        let holds = (0..32).fold(0, |m, l| m | u32::from(F::f(i.m[0], a.get(l)) != 0) << l);
        c.set_predicate(i.r[0], holds);
        Flow::Next
    }
}
