//! A cluster: blocks that run together and may wait for one another. A block without one is a cluster of itself.
//!
//! One processor runs a cluster's blocks in turn, so a block may touch another's shared memory as its own.

use super::block::BlockStop;
use super::state::{Block, Launch, Peers, Wait};
use crate::check::Fault;
use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Rounds without any event, each with all waits that may time out timed out, before nobody can be called able to move.
const QUIET_ROUNDS: u32 = 2;

/// States of a cluster that are remembered: a circle of more is not found.
pub const STATES: usize = 64;

/// The states of a cluster, the latest last, and in which round of watching it was found to go in a circle.
#[derive(Default)]
pub struct States {
    pub seen: VecDeque<u64>,
    pub round: u64,
    pub circles: bool,
}

impl States {
    /// Notes a state; whether it was there before.
    pub fn again(&mut self, state: u64) -> bool {
        if self.seen.contains(&state) {
            return true;
        }
        if self.seen.len() == STATES {
            self.seen.pop_front();
        }
        self.seen.push_back(state);
        false
    }
}

/// The blocks of a cluster, by rank.
#[derive(Default)]
pub struct Cluster {
    pub blocks: Vec<Block>,
    pub fault: Option<Box<Fault>>,
    /// What it was like whenever it only spun.
    pub states: States,
}

impl Cluster {
    /// Makes this a fresh cluster.
    pub fn reset(&mut self, launch: &Launch<'_>, number: u64) {
        let shape = launch.cluster;
        let [across, down, _] = [0, 1, 2].map(|a| u64::from(launch.config.grid[a] / shape[a]));
        let at = [
            number % across,
            number / across % down,
            number / (across * down),
        ];
        self.blocks
            .resize_with(shape.iter().product::<u32>() as usize, Block::default);
        for (rank, block) in self.blocks.iter_mut().enumerate() {
            let rank = rank as u32;
            let inside = [
                rank % shape[0],
                rank / shape[0] % shape[1],
                rank / (shape[0] * shape[1]),
            ];
            let ctaid = [0, 1, 2].map(|a| at[a] as u32 * shape[a] + inside[a]);
            block.reset(launch, ctaid, rank);
        }
        self.fault = None;
        self.states = States::default();
    }

    /// Everything that its threads can tell apart, as a number.
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for block in &self.blocks {
            block.hash(&mut hasher);
        }
        hasher.finish()
    }

    /// Runs until the end, or until only other clusters can bring it on.
    pub fn run(&mut self, launch: &Launch<'_>) -> BlockStop {
        let (mut quiet, mut seen) = (0, 0);
        loop {
            let (mut spun, mut moved) = (false, false);
            for rank in 0..self.blocks.len() {
                let (before, rest) = self.blocks.split_at_mut(rank);
                let Some((block, after)) = rest.split_first_mut() else {
                    break;
                };
                if block.live == 0 {
                    continue;
                }
                match block.run(launch, &mut Peers { before, after }) {
                    BlockStop::Ended => moved = true,
                    BlockStop::Stalled => spun = true,
                    BlockStop::Waiting => {}
                    BlockStop::Failed => {
                        self.fault = block.fault.take();
                        return BlockStop::Failed;
                    }
                }
            }
            moved |= self.pass_barrier(launch);
            if self.blocks.iter().all(|b| b.live == 0) {
                return BlockStop::Ended;
            }
            let events = self.blocks.iter().map(|b| b.events).sum::<u64>();
            if moved || events != seen {
                (quiet, seen) = (0, events);
                if !spun {
                    continue;
                }
            }
            if spun {
                self.time_out();
                return BlockStop::Stalled;
            }
            quiet += 1;
            if quiet <= QUIET_ROUNDS && self.time_out() {
                continue;
            }
            // whoever looks at other memory between two tries may be brought on by another cluster
            let mut polled = false;
            for block in &mut self.blocks {
                polled |= std::mem::take(&mut block.polled);
            }
            if polled && self.time_out() {
                return BlockStop::Stalled;
            }
            self.fail_deadlocked(launch);
            return BlockStop::Failed;
        }
    }

    /// Every `try_wait` gives up; true if there was one.
    fn time_out(&mut self) -> bool {
        let mut any = false;
        for block in &mut self.blocks {
            any |= block.time_out();
        }
        any
    }

    fn fail_deadlocked(&mut self, launch: &Launch<'_>) {
        let ranks = self.blocks.len() as u32;
        // whoever waits for an mbarrier says most
        let at_mbarrier = |b: &Block| {
            let groups = b.warps.iter().flat_map(|w| &w.groups);
            b.live > 0
                && groups
                    .into_iter()
                    .any(|g| matches!(g.wait, Wait::Mbarrier { .. }))
        };
        let first = self.blocks.iter().position(|b| b.live > 0);
        let telling = self.blocks.iter().position(at_mbarrier).or(first);
        if let Some(block) = telling.and_then(|at| self.blocks.get_mut(at)) {
            block.deadlocked(launch, ranks);
            self.fault = block.fault.take();
        }
    }

    /// `barrier.cluster`: complete when every thread that has not ended has arrived.
    fn pass_barrier(&mut self, launch: &Launch<'_>) -> bool {
        let mut arrived = false;
        for warp in self.blocks.iter().flat_map(|b| &b.warps) {
            if warp.live & !warp.cluster_arrived != 0 {
                return false;
            }
            arrived |= warp.live & warp.cluster_arrived != 0;
        }
        if !arrived {
            return false;
        }
        for block in &mut self.blocks {
            block.pass_cluster_barrier(launch);
        }
        launch.progress();
        true
    }
}
