//! A block: its warps, its shared memory, its barriers. It can stop and go on, on any thread.

use super::barrier::Barrier;
use super::count::Sectors;
use super::launch::Launch;
use super::run::{Stop, run_warp};
use super::stuck::States;
use super::warp::Warp;
use crate::check::shared::{SharedShadow, Wanted};
use crate::check::{Fault, FaultKind};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Rounds in which every warp only spun before the block steps aside for others.
const IDLE_ROUNDS: u32 = 2;
/// What fresh shared memory holds: NaN in every float type.
const FRESH: u8 = 0xFF;

#[derive(Default)]
pub struct Block {
    pub ctaid: [u32; 3],
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
    pub fault: Option<Box<Fault>>,
    /// What it was like whenever it only spun.
    pub states: States,
    /// What it has touched, where that is counted.
    pub sectors: Sectors,
}

/// Why a block stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockStop {
    Ended,
    /// Only other blocks can bring it on.
    Stalled,
    Failed,
}

impl Block {
    /// Makes this a fresh block.
    pub fn reset(&mut self, launch: &Launch<'_>, number: u64) {
        let [x, y, _] = launch.config.grid.map(u64::from);
        self.ctaid = [
            (number % x) as u32,
            (number / x % y) as u32,
            (number / (x * y)) as u32,
        ];
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
            };
            self.shadow.reset(launch.shared_bytes, warps, wanted);
        }
        self.warps.resize_with(warps, Warp::default);
        for (index, warp) in self.warps.iter_mut().enumerate() {
            warp.reset(launch, self.ctaid, index as u32);
        }
        self.waiting = 0;
        self.live = launch.threads;
        self.barriers = Default::default();
        self.barriers_used = 0;
        self.fault = None;
        self.states = States::default();
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

    /// Registers, local and shared memory, and where every lane is, as a number.
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.shared.hash(&mut hasher);
        for warp in &self.warps {
            warp.hash(&mut hasher);
        }
        hasher.finish()
    }

    /// Runs until the end, or until it can do nothing but spin.
    pub fn run(&mut self, launch: &Launch<'_>) -> BlockStop {
        let (mut idle, mut round) = (0, 0);
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
                let (warp, stop) = run_warp(warp, self, launch);
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
                if self.fault.is_some() {
                    return BlockStop::Failed;
                }
            }
            if self.live == 0 {
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
                self.deadlocked(launch);
                return BlockStop::Failed;
            }
        }
    }

    /// Nobody can move. Going on for ever, as hardware would, helps nobody: unchecked it ends as by a watchdog.
    fn deadlocked(&mut self, launch: &Launch<'_>) {
        if launch.options.checks.deadlock {
            self.report_deadlock(launch);
        } else {
            self.fault = Some(Box::new(Fault {
                kind: FaultKind::LaunchTimeout,
                report: String::new(),
            }));
        }
    }

    fn report_deadlock(&mut self, launch: &Launch<'_>) {
        use super::warp::Wait;
        let first = self
            .warps
            .iter()
            .find_map(|w| w.groups.first().map(|g| (w.index, g)));
        let (thread, line) = first.map_or((0, 0), |(index, g)| {
            let line = match g.wait {
                Wait::Barrier { line, .. } | Wait::Collective { line, .. } => line,
                _ => 0,
            };
            (index * 32 + g.mask.trailing_zeros(), line)
        });
        let waits = self.waits(launch.program);
        let what = "Deadlock: every thread of the block that has not ended waits for another";
        self.report(launch, FaultKind::LaunchFailed, line, thread, what, &waits);
    }
}
