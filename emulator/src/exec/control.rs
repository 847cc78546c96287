//! Branches, ends, guards, clocks.

use super::handler::Op;
use super::state::{Context, Flow, Inst, Lanes, Wait};
use crate::check::FaultKind;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

impl Context<'_> {
    /// Goes to `target`; a backward jump may cost the group its turn.
    #[inline(always)]
    pub fn jump(&mut self, inst: &Inst, target: u32) -> Flow {
        self.pc = target;
        if target < inst.b {
            if self.budget == 0 {
                return self.give_way(target);
            }
            self.budget -= 1;
        }
        Flow::Jump
    }

    /// Puts the group away in favour of the others.
    #[cold]
    pub fn give_way(&mut self, pc: u32) -> Flow {
        self.warp.park(pc, self.active, Wait::Ready);
        self.warp.rotate = true;
        Flow::Switch
    }

    /// Lanes in `mask` go to one place, the other active lanes to another.
    fn split(&mut self, inst: &Inst, mask: u32, there: u32, here: u32) -> Flow {
        let rest = self.active & !mask;
        let (low, low_mask, high, high_mask) = if there < here {
            (there, mask, here, rest)
        } else {
            (here, rest, there, mask)
        };
        self.warp.park(high, high_mask, Wait::Ready);
        self.limit = self.limit.min(high);
        self.budget = self.budget.min(super::run::GROUP_BUDGET);
        self.activate(low_mask);
        self.jump(inst, low)
    }
}

/// `bra`
pub struct Jump;
impl Op for Jump {
    #[inline(always)]
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        c.jump(i, i.a)
    }
}

/// `@p bra`
pub struct Branch;
impl Op for Branch {
    #[inline(always)]
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        let flip = if i.m[0] != 0 { u32::MAX } else { 0 };
        let taken = (c.predicate(i.r[0]) ^ flip) & c.active;
        if taken == 0 {
            Flow::Next
        } else if taken == c.active {
            c.jump(i, i.a)
        } else {
            c.split(i, taken, i.a, i.b)
        }
    }
}

/// `brx.idx`
pub struct BranchTable;
impl Op for BranchTable {
    #[inline(always)]
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        let index = c.row::<u32>(i.r[0]);
        let mut left = c.active;
        let mut first: Option<u32> = None;
        while left != 0 {
            let lane = left.trailing_zeros() as usize;
            let value = index.get(lane);
            if i64::from(value) >= i.imm {
                let what = format!("brx.idx with index {value} into a table of {}", i.imm);
                return c.fail(i, lane, FaultKind::InvalidPc, &what, &[]);
            }
            let same = Lanes(left)
                .filter(|l| index.get(*l) == value)
                .fold(0, |m, l| m | 1 << l);
            left &= !same;
            let target = c.launch.program.pool[(i.a + value) as usize];
            c.warp.park(target, same, Wait::Ready);
            first.get_or_insert(target);
        }
        Flow::Switch
    }
}

/// `exit`, and `ret` of a kernel.
pub struct Exit;
impl Op for Exit {
    #[inline(always)]
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        super::async_copy::finish_all(c);
        if let Err(flow) = super::hopper::outbound::at_exit(c, i) {
            return flow;
        }
        c.block.events += 1;
        c.block.last_line = i.line;
        c.warp.live &= !c.active;
        c.block.live -= c.active.count_ones();
        c.launch.progress();
        for id in crate::check::bits(c.block.barriers_used) {
            if c.block.barriers[id].warps >> c.warp.index & 1 != 0 {
                c.block.barriers[id].extra += c.active.count_ones();
            }
        }
        Flow::Switch
    }
}

/// `trap`
pub struct Trap;
impl Op for Trap {
    #[inline(always)]
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        let lane = c.first_lane();
        c.fail(i, lane, FaultKind::LaunchFailed, "trap instruction", &[])
    }
}

/// `@p` before any other instruction.
pub struct GuardBegin;
impl Op for GuardBegin {
    #[inline(always)]
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        let flip = if i.m[0] != 0 { u32::MAX } else { 0 };
        let on = (c.predicate(i.r[0]) ^ flip) & c.active;
        if on == 0 {
            c.pc = i.b;
            return Flow::Jump;
        }
        c.unguarded = c.active;
        c.activate(on);
        Flow::Next
    }
}

/// Behind a guarded instruction.
pub struct GuardEnd;
impl Op for GuardEnd {
    #[inline(always)]
    fn run(c: &mut Context<'_>, _: &Inst) -> Flow {
        c.activate(c.unguarded);
        Flow::Next
    }
}

/// `nanosleep`: a turn for the others.
pub struct Nanosleep;
impl Op for Nanosleep {
    #[inline(always)]
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        c.budget = c.budget.saturating_sub(64);
        if c.budget == 0 {
            c.give_way(i.b)
        } else {
            Flow::Next
        }
    }
}

fn set_clock(c: &mut Context<'_>, i: &Inst, value: u64) -> Flow {
    match i.m[0] {
        64 => c.set(i.r[0], &[value; 32]),
        _ => c.set(i.r[0], &[value as u32; 32]),
    }
    Flow::Next
}

/// Nanoseconds that never go back; a device counts cycles.
fn ticks() -> u64 {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_nanos() as u64
}

fn unix_nanoseconds() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_nanos() as u64)
}

macro_rules! clocks {
    ($($(#[$doc:meta])* $name:ident = $value:expr;)*) => {$(
        $(#[$doc])*
        pub struct $name;
        impl Op for $name {
            #[inline(always)]
            fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
                set_clock(c, i, $value)
            }
        }
    )*};
}

clocks! {
    /// `%clock`, `%clock64`
    Clock = ticks();
    /// `%clock_hi`
    ClockHigh = ticks() >> 32;
    /// `%globaltimer`
    Globaltimer = unix_nanoseconds();
    /// `%globaltimer_hi`
    GlobaltimerHigh = unix_nanoseconds() >> 32;
}
