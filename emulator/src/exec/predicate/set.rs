//! `setp` and `set`: the answer of all lanes, combined with another predicate.

use super::combine;
use super::test::{Bf16, F16};
use crate::exec::handler::{Op, Test};
use crate::exec::state::{Context, Flow, Inst, NONE};
use std::marker::PhantomData;

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
