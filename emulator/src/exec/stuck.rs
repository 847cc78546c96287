//! Whether a kernel that only loops can ever end.
//!
//! A cluster (mostly of one block) whose every warp spins is looked at again and again. It goes round in circles if it comes back to a state that it
//! was in before: the same registers, local and shared memory, the same places in the code. If every unfinished one does,
//! and meanwhile no write has changed global memory, nothing can change any more. A kernel that is merely slow counts
//! something, and so is never in one state twice.

use super::access::{Kind, spaces};
use super::block::Block;
use super::cluster::Cluster;
use super::context::{Context, Lanes};
use super::count::Touch;
use super::inst::Flow;
use super::launch::Launch;
use super::run::Observer;
use crate::check::FaultKind;
use cuda_emulator_counts::Class;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// States of a cluster that are remembered: a circle of more is not found.
const STATES: usize = 64;

/// The states of a cluster, the latest last, and in which round of watching it was found to go in a circle.
#[derive(Default)]
pub struct States {
    seen: VecDeque<u64>,
    round: u64,
    circles: bool,
}

impl States {
    /// Notes a state; whether it was there before.
    fn again(&mut self, state: u64) -> bool {
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

/// How long nothing has changed.
#[derive(Default)]
pub struct Patience(Mutex<Quiet>);

#[derive(Default)]
struct Quiet {
    progress: u64,
    since: Option<Instant>,
    /// Whether writes are looked at too, and for the how many-th time.
    watching: bool,
    round: u64,
    /// Clusters that went in a circle while they were watched.
    circling: u64,
}

impl Patience {
    /// Looks at a cluster that only spins. True if none can ever end: this one then has the report.
    pub fn ends(
        &self,
        launch: &Launch<'_>,
        cluster: &mut Cluster,
        unfinished: impl Fn() -> u64,
    ) -> bool {
        let state = cluster.fingerprint();
        let mut quiet = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !quiet.watching && !cluster.states.again(state) {
            launch.progress();
        }
        let progress = launch.progress_so_far();
        let since = *quiet.since.get_or_insert_with(Instant::now);
        if quiet.progress != progress {
            let round = quiet.round;
            *quiet = Quiet {
                progress,
                round,
                ..Quiet::default()
            };
            launch.set_watching(false);
            return false;
        }
        if since.elapsed() < Duration::from_secs(launch.options.patience.into()) {
            return false;
        }
        if !quiet.watching {
            quiet.watching = true;
            quiet.round += 1;
            launch.set_watching(true);
        }
        if cluster.states.round != quiet.round {
            // what it did before nobody watched
            cluster.states = States {
                round: quiet.round,
                ..States::default()
            };
            cluster.states.again(state);
        } else if !cluster.states.circles {
            if cluster.states.again(state) {
                cluster.states.circles = true;
                quiet.circling += 1;
            } else if cluster.states.seen.len() == STATES {
                launch.progress();
            }
        }
        let stuck = quiet.circling == unfinished();
        if stuck {
            cluster.report_spin(launch);
        }
        stuck
    }
}

impl Cluster {
    fn report_spin(&mut self, launch: &Launch<'_>) {
        if let Some(block) = self.blocks.iter_mut().find(|b| b.live > 0) {
            block.report_spin(launch);
            self.fault = block.fault.take();
        }
    }
}

impl Block {
    fn report_spin(&mut self, launch: &Launch<'_>) {
        let spinning = self.warps.iter().find_map(|w| {
            w.groups
                .first()
                .map(|g| (w.index * 32 + g.mask.trailing_zeros(), g.pc))
        });
        let (thread, pc) = spinning.unwrap_or((0, 0));
        let line = launch.code[pc as usize].line;
        let what = format!(
            "No progress for {} s: the threads loop, and nothing changes that they wait for",
            launch.options.patience
        );
        self.report(launch, FaultKind::LaunchTimeout, line, thread, &what, &[]);
    }
}

/// Notes as progress whatever may have changed global memory.
#[derive(Default)]
pub struct Watcher(Vec<(u64, usize, [u8; 16])>);

impl Observer for Watcher {
    fn before(&mut self, c: &mut Context<'_>, launch: &Launch<'_>, pc: u32) {
        let (inst, trace) = (
            &launch.code[pc as usize],
            &launch.program.traces[pc as usize],
        );
        self.0.clear();
        let unknown = matches!(
            trace.class,
            Some(Class::StoreGlobal | Class::StoreGeneric | Class::Atomic | Class::AsyncCopy)
        );
        if unknown && trace.touch == Touch::Nothing {
            launch.progress();
        }
        trace.touch.each(c, inst, &mut |access| {
            if access.kind == Kind::Read || access.space != spaces::GLOBAL {
                return; // shared memory is a part of the block's state
            }
            let size = access.bytes as usize;
            for lane in Lanes(access.lanes) {
                let at = access.at[lane];
                self.0.push((at, size, bytes(launch, at, size)));
            }
        });
    }

    fn after(&mut self, _: &mut Context<'_>, launch: &Launch<'_>, _: u32, _: Flow) {
        let changed = |(at, size, old): &(u64, usize, [u8; 16])| bytes(launch, *at, *size) != *old;
        if self.0.iter().any(changed) {
            launch.progress();
        }
    }
}

/// Bytes of global memory; zero where there is nothing.
fn bytes(launch: &Launch<'_>, at: u64, size: usize) -> [u8; 16] {
    let mut out = [0; 16];
    let _ = launch.memory.read(at, &mut out[..size]);
    out
}
