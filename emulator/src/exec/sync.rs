//! Barriers and fences.

use super::barrier::reduction;
use super::handler::Op;
use super::state::{Context, Flow, Inst, Lanes, NONE, Wait, level};
use crate::check::FaultKind;

/// Modifier bytes of `Barrier`.
pub mod modifier {
    /// `reduction`
    pub const KIND: usize = 0;
    /// Whether all threads of the warp execute it together.
    pub const ALIGNED: usize = 1;
    /// `arrive`: does not wait.
    pub const ARRIVE: usize = 2;
    pub const NEGATED: usize = 3;
}

/// `bar.sync`, `bar.red`, `bar.arrive`. `r`: result, barrier, threads or none, predicate.
pub struct Barrier;
impl Op for Barrier {
    #[inline(always)]
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        let first = c.first_lane();
        let id = c.row::<u32>(i.r[1]).get(first);
        let expected = if i.r[2] == NONE {
            0
        } else {
            c.row::<u32>(i.r[2]).get(first)
        };
        if id > 15 || expected % 32 != 0 || i.m[modifier::ARRIVE] != 0 && expected == 0 {
            let what = format!("Invalid barrier: number {id}, {expected} threads");
            return c.fail(i, first, FaultKind::LaunchFailed, &what, &[]);
        }
        let index = c.warp.index as usize;
        let arrives = i.m[modifier::ARRIVE] != 0;
        let knowledge = (c.launch.level == level::FULL).then(|| c.block.shadow.arrive(index));
        let votes = if i.m[modifier::KIND] == reduction::NONE {
            0
        } else {
            let flip = if i.m[modifier::NEGATED] != 0 {
                u32::MAX
            } else {
                0
            };
            ((c.predicate(i.r[3]) ^ flip) & c.active).count_ones()
        };
        let absent = 32 - c.warp.live.count_ones();
        c.block.barriers_used |= 1 << id;
        let barrier = &mut c.block.barriers[id as usize];
        if barrier.waiting + barrier.extra > 0 && barrier.expected != expected {
            let what = format!(
                "Barrier {id} awaited with {expected} threads here, {} elsewhere",
                barrier.expected
            );
            return c.fail(i, first, FaultKind::LaunchFailed, &what, &[]);
        }
        barrier.expected = expected;
        barrier.arrived.extend(knowledge);
        barrier.votes += votes;
        let lanes = c.active.count_ones();
        if arrives {
            barrier.extra += lanes + absent;
            return Flow::Next;
        }
        barrier.waiting += lanes;
        if barrier.warps >> index & 1 == 0 {
            barrier.warps |= 1 << index;
            barrier.extra += absent;
        }
        let wait = Wait::Barrier {
            id: id as u8,
            aligned: i.m[modifier::ALIGNED] != 0,
            line: i.line,
            result: i.r[0],
            kind: i.m[modifier::KIND],
        };
        c.warp.park(i.b, c.active, wait);
        Flow::Switch
    }
}

/// `bar.warp.sync`: `r[0]` is the member mask.
pub struct WarpBarrier;
impl Op for WarpBarrier {
    #[inline(always)]
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        let masks = c.row::<u32>(i.r[0]);
        if c.launch.level == level::FULL {
            c.block.shadow.warp_barrier(c.warp.index as usize);
        }
        let missing = c.warp.live & !c.active;
        if c.lanes().all(|l| masks.get(l) & missing == 0) {
            return Flow::Next;
        }
        let mut left = c.active;
        while left != 0 {
            let mask = masks.get(left.trailing_zeros() as usize);
            let same = Lanes(left)
                .filter(|l| masks.get(*l) == mask)
                .fold(0, |m, l| m | 1 << l);
            left &= !same;
            c.warp.park(i.b, same, Wait::Lanes { mask });
        }
        Flow::Switch
    }
}

/// `fence.proxy.async`: what the warp has done or seen is there for the asynchronous proxy too.
pub struct ProxyFence;
impl Op for ProxyFence {
    fn run(c: &mut Context<'_>, _: &Inst) -> Flow {
        if c.launch.level == level::FULL {
            c.block.shadow.proxy_fence(c.warp.index as usize);
        }
        Flow::Next
    }
}

/// `membar`, `fence`: the host's memory is ordered as strongly as its atomics.
pub struct Fence;
impl Op for Fence {
    #[inline(always)]
    fn run(c: &mut Context<'_>, _: &Inst) -> Flow {
        std::sync::atomic::fence(std::sync::atomic::Ordering::SeqCst);
        if c.launch.level == level::FULL {
            c.block.shadow.fence(c.warp.index as usize, c.active);
        }
        Flow::Next
    }
}

/// What an access to a flag says of the order of others: bits of a modifier byte.
pub mod order {
    /// Volatile, relaxed or more.
    pub const STRONG: u8 = 1;
    /// As behind a fence.
    pub const RELEASE: u8 = 2;
    /// As before a fence.
    pub const ACQUIRE: u8 = 4;
}

impl Context<'_> {
    /// Notes strong writes of the active lanes, by the host's addresses; `adds` for atomic operations.
    #[cold]
    pub fn tell_flags(&mut self, at: &[u64; 32], order: u8, adds: bool) {
        if order & order::RELEASE != 0 {
            self.block
                .shadow
                .fence(self.warp.index as usize, self.active);
        }
        for lane in self.lanes() {
            let thread = self.thread(lane);
            self.block.shadow.tell(thread, at[lane], adds);
        }
    }

    /// Notes strong reads.
    #[cold]
    pub fn see_flags(&mut self, at: &[u64; 32], order: u8) {
        for lane in self.lanes() {
            let thread = self.thread(lane);
            self.block.shadow.see(thread, at[lane]);
        }
        if order & order::ACQUIRE != 0 {
            self.block
                .shadow
                .fence(self.warp.index as usize, self.active);
        }
    }
}
