//! `shfl`, `vote`, `match`, `redux`, `activemask`, `elect` (PTX ISA, "shfl.sync" to "activemask").

use super::handler::Op;
use super::state::{Context, Flow, Inst, Lane, Lanes, NONE, Wait};
use crate::check::FaultKind;
use std::marker::PhantomData;

impl Context<'_> {
    /// Waits until the lanes of the member mask are here, which lies in a row or, where there is none, is everyone
    /// active. `Err` stores the group away.
    #[inline(always)]
    fn gather(&mut self, i: &Inst, row: u32) -> Result<u32, Flow> {
        if row == NONE {
            return Ok(self.active);
        }
        let masks = self.row::<u32>(row);
        let mask = masks.get(self.first_lane());
        if mask & self.active == self.active && mask & self.warp.live & !self.active == 0 {
            return Ok(mask);
        }
        self.gather_slowly(i, row, mask)
    }

    #[cold]
    fn gather_slowly(&mut self, i: &Inst, row: u32, mask: u32) -> Result<u32, Flow> {
        let masks = self.row::<u32>(row);
        // lanes with other masks form groups of their own
        let same = self
            .lanes()
            .filter(|l| masks.get(*l) == mask)
            .fold(0, |m, l| m | 1 << l);
        if same != self.active {
            let rest = self.active & !same;
            self.warp.park(i.b - 1, rest, Wait::Ready);
            if mask & self.warp.live & !same == 0 {
                // they need nobody else; all meet again behind the instruction
                self.activate(same);
                self.limit = self.warp.next_meeting();
                return Ok(mask);
            }
            self.warp
                .park(i.b - 1, same, Wait::Collective { mask, line: i.line });
            return Err(Flow::Switch);
        }
        if mask & self.active != self.active {
            let lane = (self.active & !mask).trailing_zeros() as usize;
            let what = format!(
                "Lane {lane} executes a warp instruction whose member mask 0x{mask:08x} lacks it"
            );
            return Err(self.fail(i, lane, FaultKind::LaunchFailed, &what, &[]));
        }
        if mask & self.warp.live & !self.active != 0 {
            self.warp.park(
                i.b - 1,
                self.active,
                Wait::Collective { mask, line: i.line },
            );
            return Err(Flow::Switch);
        }
        Ok(mask)
    }
}

/// Shuffle modes, in `m[0]`.
pub mod mode {
    pub const UP: u8 = 0;
    pub const DOWN: u8 = 1;
    pub const BFLY: u8 = 2;
    pub const IDX: u8 = 3;
}

/// `r`: destination, predicate or none, source, amount, clamp, member mask or none.
pub struct Shuffle;
impl Op for Shuffle {
    #[inline(always)]
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        if let Err(flow) = c.gather(i, i.r[5]) {
            return flow;
        }
        let source = c.row::<u32>(i.r[2]).all();
        let (b, clamps) = (c.row::<u32>(i.r[3]), c.row::<u32>(i.r[4]));
        let (mut d, mut within) = (source, 0u32);
        for (lane, d) in d.iter_mut().enumerate() {
            let (b, clamp) = (b.get(lane) & 31, clamps.get(lane));
            let (clamp, segment) = (clamp & 31, clamp >> 8 & 31);
            let lane = lane as u32;
            let most = lane & segment | clamp & !segment;
            let least = lane & segment;
            // PTX ISA, "shfl.sync": the pseudocode's maxLane and minLane
            let (from, ok) = match i.m[0] {
                mode::UP => (lane.wrapping_sub(b), lane as i32 - b as i32 >= most as i32),
                mode::DOWN => (lane + b, lane + b <= most),
                mode::BFLY => (lane ^ b, (lane ^ b) <= most),
                _ => (least | (b & !segment), (least | (b & !segment)) <= most),
            };
            *d = source[(if ok { from } else { lane } & 31) as usize];
            within |= u32::from(ok) << lane;
        }
        c.set(i.r[0], &d);
        if i.r[1] != NONE {
            c.set_predicate(i.r[1], within);
        }
        Flow::Next
    }
}

/// Vote modes, in `m[0]`.
pub mod vote {
    pub const ALL: u8 = 0;
    pub const ANY: u8 = 1;
    pub const UNI: u8 = 2;
    pub const BALLOT: u8 = 3;
}

/// `r`: destination, predicate, member mask or none.
pub struct Vote;
impl Op for Vote {
    #[inline(always)]
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        if let Err(flow) = c.gather(i, i.r[2]) {
            return flow;
        }
        let votes = c.predicate(i.r[1]) & c.active;
        let holds = match i.m[0] {
            vote::ALL => votes == c.active,
            vote::ANY => votes != 0,
            vote::UNI => votes == 0 || votes == c.active,
            _ => {
                c.set(i.r[0], &[votes; 32]);
                return Flow::Next;
            }
        };
        c.set_predicate(i.r[0], if holds { u32::MAX } else { 0 });
        Flow::Next
    }
}

/// `match.any` (`m[0]` 0) and `match.all` (1). `r`: destination, predicate or none, value, member mask.
pub struct Match<T>(PhantomData<T>);
impl<T: Lane + PartialEq> Op for Match<T> {
    #[inline(always)]
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        if let Err(flow) = c.gather(i, i.r[3]) {
            return flow;
        }
        let values = c.row::<T>(i.r[2]).all();
        let active = c.active;
        let like = |lane: usize| {
            Lanes(active)
                .filter(|l| values[*l] == values[lane])
                .fold(0, |m, l| m | 1 << l)
        };
        if i.m[0] == 0 {
            c.set(i.r[0], &std::array::from_fn::<u32, 32, _>(like));
            return Flow::Next;
        }
        let all = like(c.first_lane()) == active;
        c.set(i.r[0], &[if all { active } else { 0 }; 32]);
        if i.r[1] != NONE {
            c.set_predicate(i.r[1], if all { u32::MAX } else { 0 });
        }
        Flow::Next
    }
}

/// Reductions of `redux`, in `m[0]`.
pub mod reduce {
    pub const ADD: u8 = 0;
    pub const MIN: u8 = 1;
    pub const MAX: u8 = 2;
    pub const MIN_SIGNED: u8 = 3;
    pub const MAX_SIGNED: u8 = 4;
    pub const AND: u8 = 5;
    pub const OR: u8 = 6;
    pub const XOR: u8 = 7;
}

/// `r`: destination, source, member mask.
pub struct Redux;
impl Op for Redux {
    #[inline(always)]
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        if let Err(flow) = c.gather(i, i.r[2]) {
            return flow;
        }
        let values = c.row::<u32>(i.r[1]).all();
        let all = Lanes(c.active)
            .map(|l| values[l])
            .reduce(|a, b| match i.m[0] {
                reduce::ADD => a.wrapping_add(b),
                reduce::MIN => a.min(b),
                reduce::MAX => a.max(b),
                reduce::MIN_SIGNED => (a as i32).min(b as i32) as u32,
                reduce::MAX_SIGNED => (a as i32).max(b as i32) as u32,
                reduce::AND => a & b,
                reduce::OR => a | b,
                _ => a ^ b,
            });
        c.set(i.r[0], &[all.unwrap_or(0); 32]);
        Flow::Next
    }
}

/// `activemask`
pub struct Activemask;
impl Op for Activemask {
    #[inline(always)]
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        c.set(i.r[0], &[c.active; 32]);
        Flow::Next
    }
}

/// `elect.sync`: the first lane is the leader. `r`: destination or none, predicate, member mask.
pub struct Elect;
impl Op for Elect {
    #[inline(always)]
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        if let Err(flow) = c.gather(i, i.r[2]) {
            return flow;
        }
        let leader = c.first_lane();
        if i.r[0] != NONE {
            c.set(i.r[0], &[leader as u32; 32]);
        }
        c.set_predicate(i.r[1], 1 << leader);
        Flow::Next
    }
}
