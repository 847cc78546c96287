//! `atom` and `red` (PTX ISA, "Parallel Synchronization and Communication Instructions"), by the host's atomics.

use super::half;
use super::handler::Op;
use super::state::{Context, Flow, Inst, Kind, Lane, NONE, level, spaces};
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU16, AtomicU32, AtomicU64, Ordering::SeqCst};

/// Operations, in `m[0]`.
pub mod op {
    pub const ADD: u8 = 0;
    pub const EXCH: u8 = 1;
    pub const CAS: u8 = 2;
    pub const AND: u8 = 3;
    pub const OR: u8 = 4;
    pub const XOR: u8 = 5;
    pub const MIN: u8 = 6;
    pub const MAX: u8 = 7;
    pub const MIN_SIGNED: u8 = 8;
    pub const MAX_SIGNED: u8 = 9;
    pub const INC: u8 = 10;
    pub const DEC: u8 = 11;
    pub const ADD_FLOAT: u8 = 12;
    pub const ADD_F16: u8 = 13;
    pub const ADD_BF16: u8 = 14;
}

/// An integer with atomics on the host.
pub trait Cell: Lane {
    /// Replaces the value by what `f` makes of it; gives the old one.
    ///
    /// # Safety
    /// `at` is an aligned, live value that other threads access atomically or not at all.
    unsafe fn update(at: *mut Self, f: impl FnMut(Self) -> Self) -> Self;
    fn apply(op: u8, old: Self, b: Self, c: Self) -> Self;
}

macro_rules! cells {
    ($($t:ident $s:ident $atomic:ident $float:expr;)*) => {$(
        impl Cell for $t {
            #[inline(always)]
            unsafe fn update(at: *mut Self, mut f: impl FnMut(Self) -> Self) -> Self {
                // SAFETY: the caller's promise.
                let cell = unsafe { $atomic::from_ptr(at) };
                let mut old = cell.load(SeqCst);
                loop {
                    match cell.compare_exchange_weak(old, f(old), SeqCst, SeqCst) {
                        Ok(_) => return old,
                        Err(now) => old = now,
                    }
                }
            }

            #[inline(always)]
            fn apply(op: u8, old: Self, b: Self, c: Self) -> Self {
                match op {
                    op::ADD => old.wrapping_add(b),
                    op::EXCH => b,
                    op::CAS => if old == b { c } else { old },
                    op::AND => old & b,
                    op::OR => old | b,
                    op::XOR => old ^ b,
                    op::MIN => old.min(b),
                    op::MAX => old.max(b),
                    op::MIN_SIGNED => (old as $s).min(b as $s) as $t,
                    op::MAX_SIGNED => (old as $s).max(b as $s) as $t,
                    op::INC => if old >= b { 0 } else { old + 1 },
                    op::DEC => if old == 0 || old > b { b } else { old - 1 },
                    _ => $float(op, old, b),
                }
            }
        }
    )*};
}

cells! {
    u16 i16 AtomicU16 |op, a, b| if op == op::ADD_F16 { half::add::<half::F16>(a, b) } else { half::add::<half::Bf16>(a, b) };
    u32 i32 AtomicU32 add32;
    u64 i64 AtomicU64 |_, a, b| (f64::from_bits(a) + f64::from_bits(b)).to_bits();
}

fn add32(op: u8, a: u32, b: u32) -> u32 {
    let pair = |f: fn(u16, u16) -> u16| {
        u32::from(f((a >> 16) as u16, (b >> 16) as u16)) << 16 | u32::from(f(a as u16, b as u16))
    };
    match op {
        op::ADD_F16 => pair(half::add::<half::F16>),
        op::ADD_BF16 => pair(half::add::<half::Bf16>),
        _ => super::float::output::<false, false>(f32::from_bits(a) + f32::from_bits(b)).to_bits(),
    }
}

/// `r[0]` is the address, `r[1]` where the old value goes if anywhere, `r[2..]` the operands; `m[1]` elements of a
/// vector, `m[2]` the order that it makes (`sync::order`), `m[4]` whether the address has 64 bits
pub struct Atomic<T>(PhantomData<T>);

impl<T: Cell> Op for Atomic<T> {
    #[inline(always)]
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        let mut at = c.addresses(i.r[0], i.m[4] != 0, i.imm);
        c.block.polled = true;
        if let Err(flow) =
            c.resolve::<{ spaces::ANY }>(i, &mut at, size_of::<T>() as u32, Kind::Update, true)
        {
            return flow;
        }
        if c.level == level::FULL {
            c.see_flags(&at, i.m[2]);
            c.tell_flags(&at, i.m[2], true);
        }
        let b = c.row::<T>(i.r[2]);
        let third = if i.r[3] == NONE {
            b
        } else {
            c.row::<T>(i.r[3])
        };
        for lane in c.lanes() {
            let (b, third) = (b.get(lane), third.get(lane));
            // SAFETY: `resolve` found an aligned, live value here (or checks are off).
            let old =
                unsafe { T::update(at[lane] as *mut T, |old| T::apply(i.m[0], old, b, third)) };
            if i.r[1] != NONE {
                c.set_lane(i.r[1], lane, old);
            }
        }
        Flow::Next
    }
}
