//! `mov` between registers, into parts and out of parts; `cvta`; `isspacep`.

use super::handler::{Fn1, Op, lanes};
use super::state::{Context, Flow, Inst, Lane, space};
use std::marker::PhantomData;

/// `mov`
pub struct Mov<T>(PhantomData<T>);
impl<T: Lane> Fn1 for Mov<T> {
    type A = T;
    type D = T;
    #[inline(always)]
    fn f(_: u8, a: T) -> T {
        a
    }
}

/// `mov.b64 d, {a, b}` and its like: `m[0]` parts of `m[1]` bytes each, the lowest in `r[1]`, `m[2]` bytes in all.
pub struct Pack;
impl Op for Pack {
    #[inline(always)]
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        let mut whole = [0u128; 32];
        for part in 0..usize::from(i.m[0]) {
            let shift = part * usize::from(i.m[1]) * 8;
            let row = i.r[part + 1];
            match i.m[1] {
                1 => add(
                    &mut whole,
                    c.row::<u16>(row).all().map(|v| u128::from(v & 0xFF)),
                    shift,
                ),
                2 => add(&mut whole, c.row::<u16>(row).all().map(u128::from), shift),
                4 => add(&mut whole, c.row::<u32>(row).all().map(u128::from), shift),
                _ => add(&mut whole, c.row::<u64>(row).all().map(u128::from), shift),
            }
        }
        match i.m[2] {
            2 => c.set(i.r[0], &whole.map(|v| v as u16)),
            4 => c.set(i.r[0], &whole.map(|v| v as u32)),
            8 => c.set(i.r[0], &whole.map(|v| v as u64)),
            _ => c.set(i.r[0], &whole),
        }
        Flow::Next
    }
}

#[inline(always)]
fn add(whole: &mut [u128; 32], part: [u128; 32], shift: usize) {
    for (w, p) in whole.iter_mut().zip(part) {
        *w |= p << shift;
    }
}

/// `mov.b64 {a, b}, s`: the source in `r[0]`, parts from `r[1]` on, as in `Pack`.
pub struct Unpack;
impl Op for Unpack {
    #[inline(always)]
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        let whole: [u128; 32] = match i.m[2] {
            2 => c.row::<u16>(i.r[0]).all().map(u128::from),
            4 => c.row::<u32>(i.r[0]).all().map(u128::from),
            8 => c.row::<u64>(i.r[0]).all().map(u128::from),
            _ => c.row::<u128>(i.r[0]).all(),
        };
        for part in 0..usize::from(i.m[0]) {
            let shift = part * usize::from(i.m[1]) * 8;
            let row = i.r[part + 1];
            match i.m[1] {
                1 => c.set(row, &whole.map(|v| (v >> shift) as u16 & 0xFF)),
                2 => c.set(row, &whole.map(|v| (v >> shift) as u16)),
                4 => c.set(row, &whole.map(|v| (v >> shift) as u32)),
                _ => c.set(row, &whole.map(|v| (v >> shift) as u64)),
            }
        }
        Flow::Next
    }
}

lanes! {
    /// `mov.b32 d, {a, b}` of halves.
    Pack16 (a: u16, b: u16) -> u32 { u32::from(b) << 16 | u32::from(a) }
    /// `mov.b64 d, {a, b}` of words.
    Pack32 (a: u32, b: u32) -> u64 { u64::from(b) << 32 | u64::from(a) }
    /// `cvta.shared`
    SharedToGeneric (a: u64) -> u64 { a & !space::WINDOW | space::SHARED }
    /// `cvta.local`
    LocalToGeneric (a: u64) -> u64 { a & !space::WINDOW | space::LOCAL }
    /// `cvta.to` of the spaces with a window.
    FromGeneric (a: u64) -> u64 { a & !space::WINDOW }
    /// `isspacep`: `m` is the window's number; 0 is global memory.
    IsSpace [m] (a: u64) -> u32 { u32::from((a >> 56) as u8 == m) }
}
