//! Selection by predicates, their logic, and `testp`.

use crate::exec::handler::{Fn3, Op, lanes};
use crate::exec::state::{Context, Flow, Inst, Lane, column};
use std::marker::PhantomData;

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
impl<F: crate::exec::handler::Fn1<D = u32>> Op for ToPredicate<F> {
    #[inline(always)]
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        let a = c.row::<F::A>(i.r[1]);
        let holds = (0..32).fold(0, |m, l| m | u32::from(F::f(i.m[0], a.get(l)) != 0) << l);
        c.set_predicate(i.r[0], holds);
        Flow::Next
    }
}
