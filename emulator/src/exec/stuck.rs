//! Whether a kernel that only loops can ever end.
//!
//! A cluster (mostly of one block) whose every warp spins is looked at again and again. It goes round in circles if it comes back to a state that it
//! was in before: the same registers, local and shared memory, the same places in the code. If every unfinished one does,
//! and meanwhile no write has changed global memory, nothing can change any more. A kernel that is merely slow counts
//! something, and so is never in one state twice.

use super::cluster::{Cluster, STATES, States};
use super::state::{Block, Launch};
use crate::check::FaultKind;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

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
