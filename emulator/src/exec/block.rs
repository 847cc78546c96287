//! A block: its warps, its shared memory, its barriers. It can stop and go on, on any thread.

use super::run::{Stop, run_warp};
use super::state::{Block, Launch, Peers};
use crate::check::{Fault, FaultKind};

/// Rounds in which every warp only spun before the block steps aside for others.
const IDLE_ROUNDS: u32 = 2;

/// Why a block stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockStop {
    Ended,
    /// Every thread waits: only a block of the same cluster can bring it on.
    Waiting,
    /// Only other blocks can bring it on.
    Stalled,
    Failed,
}

impl Block {
    /// Runs until the end, or until it can do nothing but spin.
    pub fn run(&mut self, launch: &Launch<'_>, peers: &mut Peers<'_>) -> BlockStop {
        let (mut idle, mut round) = (0, 0);
        self.wake_at_mbarriers(launch);
        loop {
            let (mut moved, mut spun) = (false, false);
            round += 1;
            for turn in 0..self.warps.len() {
                let order = launch.options.order;
                let warps = self.warps.len() as u64;
                let index = order.map_or(turn, |o| o.nth(round, turn as u64, warps) as usize);
                if self.waiting >> index & 1 != 0 || self.warps[index].live == 0 {
                    continue;
                }
                if launch.cancelled() {
                    return BlockStop::Failed;
                }
                let warp = std::mem::take(&mut self.warps[index]);
                let (warp, stop) = run_warp(warp, self, peers.reborrow(), launch);
                self.warps[index] = warp;
                match stop {
                    Stop::Failed => return BlockStop::Failed,
                    Stop::Spinning => spun = true,
                    Stop::Waiting => {
                        self.waiting |= 1 << index;
                        moved = true;
                    }
                    Stop::Ended => moved = true,
                }
                if self.barriers_used != 0 && self.release_barriers(launch) {
                    moved = true;
                    launch.progress();
                }
                if !self.mbarriers.is_empty() && self.wake_at_mbarriers(launch) {
                    moved = true;
                }
                if self.fault.is_some() {
                    return BlockStop::Failed;
                }
            }
            if self.live == 0 {
                self.check_end(launch);
                if self.fault.is_some() {
                    return BlockStop::Failed;
                }
                return BlockStop::Ended;
            }
            if moved {
                idle = 0;
            } else if spun {
                idle += 1;
                if idle >= IDLE_ROUNDS {
                    return BlockStop::Stalled;
                }
            } else {
                return BlockStop::Waiting;
            }
        }
    }

    /// Nobody can move. Going on for ever, as hardware would, helps nobody: unchecked it ends as by a watchdog.
    pub fn deadlocked(&mut self, launch: &Launch<'_>, ranks: u32) {
        if launch.options.checks.deadlock {
            self.report_deadlock(launch, ranks);
        } else {
            let mut fault = Fault::whole(FaultKind::LaunchTimeout, launch.kernel_name, "timed out");
            fault.report.clear();
            self.fault = Some(Box::new(fault));
        }
    }

    fn report_deadlock(&mut self, launch: &Launch<'_>, ranks: u32) {
        use super::state::Wait;
        let first = self
            .warps
            .iter()
            .find_map(|w| w.groups.first().map(|g| (w.index, g)));
        let (thread, line) = first.map_or((0, 0), |(index, g)| {
            let line = match g.wait {
                Wait::Barrier { line, .. }
                | Wait::Collective { line, .. }
                | Wait::Mbarrier { line, .. }
                | Wait::Warpgroup { line }
                | Wait::Cluster { line } => line,
                _ => 0,
            };
            (index * 32 + g.mask.trailing_zeros(), line)
        });
        let waits = self.waits(launch.program);
        let whole = if ranks > 1 { "cluster" } else { "block" };
        let what =
            format!("Deadlock: every thread of the {whole} that has not ended waits for another");
        self.report(launch, FaultKind::LaunchFailed, line, thread, &what, &waits);
    }
}
