//! A block: its warps, its shared memory, its barriers. It can stop and go on, on any thread.

use super::barrier::Barrier;
use super::cluster::{ClusterBarrier, Peers};
use super::count::Sectors;
use super::hopper::inbound::Inbound;
use super::hopper::mbarrier::Table;
use super::hopper::outbound::Readers;
use super::hopper::warpgroup::{self, Warpgroup};
use super::launch::Launch;
use super::run::{Stop, run_warp};
use super::warp::Warp;
use crate::check::shared::{SharedShadow, Wanted};
use crate::check::{Fault, FaultKind};
use std::hash::{Hash, Hasher};

/// Rounds in which every warp only spun before the block steps aside for others.
const IDLE_ROUNDS: u32 = 2;
/// What fresh shared memory holds: NaN in every float type.
const FRESH: u8 = 0xFF;

#[derive(Default)]
pub struct Block {
    pub ctaid: [u32; 3],
    /// The number in its cluster.
    pub rank: u32,
    pub warps: Vec<Warp>,
    /// Warps of which all groups wait.
    pub waiting: u32,
    /// Threads that have not ended.
    pub live: u32,
    shared: Vec<u128>,
    pub shared_bytes: u32,
    pub barriers: [Barrier; 16],
    /// Barriers at which somebody has arrived.
    pub barriers_used: u32,
    pub shadow: SharedShadow,
    pub mbarriers: Table,
    pub cluster_barrier: ClusterBarrier,
    /// Products of `wgmma` on their way, by warpgroup.
    pub warpgroups: Vec<Warpgroup>,
    /// Bulk copies on their way here.
    pub inbox: Vec<Inbound>,
    /// What asynchronous operations still read of the shared memory.
    pub readers: Readers,
    /// Counts whatever may bring a waiting thread on.
    pub events: u64,
    /// Whether a thread has looked at memory that others may change.
    pub polled: bool,
    /// Of the last thread to end.
    pub last_line: u32,
    pub fault: Option<Box<Fault>>,
    /// What it has touched, where that is counted.
    pub sectors: Sectors,
}

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
    /// Makes this a fresh block.
    pub fn reset(&mut self, launch: &Launch<'_>, ctaid: [u32; 3], rank: u32) {
        self.ctaid = ctaid;
        self.rank = rank;
        self.mbarriers.clear();
        self.cluster_barrier = ClusterBarrier::default();
        self.inbox.clear();
        self.readers.reset(launch.shared_bytes);
        self.polled = false;
        let warps = launch.threads.div_ceil(32) as usize;
        let checks = &launch.options.checks;
        self.shared_bytes = launch.shared_bytes as u32;
        self.shared.clear();
        self.shared.resize(
            launch.shared_bytes.div_ceil(16),
            u128::from_le_bytes([FRESH; 16]),
        );
        if launch.level == super::inst::level::FULL {
            let wanted = Wanted {
                races: checks.shared_races,
                uninitialised: checks.uninitialised,
                in_flight: checks.async_copies,
                proxy_fences: checks.proxy_fences,
                wgmma: checks.wgmma,
            };
            self.shadow.reset(launch.shared_bytes, warps, wanted);
        }
        self.warps.resize_with(warps, Warp::default);
        for (index, warp) in self.warps.iter_mut().enumerate() {
            warp.reset(launch, self.ctaid, index as u32);
        }
        self.warpgroups.clear();
        let warpgroups = warps.div_ceil(warpgroup::WARPS);
        self.warpgroups.resize_with(warpgroups, Warpgroup::default);
        self.waiting = 0;
        self.live = launch.threads;
        self.barriers = Default::default();
        self.barriers_used = 0;
        self.fault = None;
        self.sectors = Sectors::default();
    }

    /// Where a byte of shared memory lies; the caller has checked the address against `shared_bytes`.
    #[inline(always)]
    pub fn shared_pointer(&mut self, address: u32) -> *mut u8 {
        self.shared
            .as_mut_ptr()
            .cast::<u8>()
            .wrapping_add(address as usize)
    }

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
            self.fault = Some(Box::new(Fault {
                kind: FaultKind::LaunchTimeout,
                report: String::new(),
            }));
        }
    }

    fn report_deadlock(&mut self, launch: &Launch<'_>, ranks: u32) {
        use super::warp::Wait;
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

/// Registers, local and shared memory, what waits and where every lane is.
impl Hash for Block {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.shared.hash(state);
        self.warps.hash(state);
        self.mbarriers.hash(state);
        self.inbox.len().hash(state);
    }
}
