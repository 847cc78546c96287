//! The blocks of a launch over the processor's cores.
//!
//! Workers take fresh blocks in order. A block that only spins steps aside, and is taken up again when no fresh one is
//! left or too many wait; so blocks may wait for each other, whatever the number of cores.

use super::block::BlockStop;
use super::cluster::Cluster;
use super::sample::Sample;
use super::state::Launch;
use super::stuck::Patience;
use crate::check::{Fault, FaultKind, record};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

/// Blocks that may wait aside before no fresh one is begun (cooperative launches have no such limit).
const MOST_ASIDE: usize = 1024;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The blocks of a launch on their way.
pub struct Grid<'a> {
    launch: &'a Launch<'a>,
    sample: Sample,
    fresh: AtomicU64,
    aside: Mutex<VecDeque<Cluster>>,
    fault: Mutex<Option<Fault>>,
    /// Clusters that have ended.
    ended: AtomicU64,
    patience: Patience,
}

impl<'a> Grid<'a> {
    /// The clusters of `sample`, which is the launch's.
    pub fn new(launch: &'a Launch<'a>, sample: Sample) -> Grid<'a> {
        Grid {
            launch,
            sample,
            fresh: AtomicU64::new(0),
            aside: Mutex::default(),
            fault: Mutex::default(),
            ended: AtomicU64::new(0),
            patience: Patience::default(),
        }
    }

    /// Runs them to their end, or to the first fault.
    pub fn run(self) -> Result<(), Fault> {
        match self.launch.options.time_limit {
            None => self.run_blocks(),
            Some(seconds) => self.run_watched(seconds),
        }
        match self
            .fault
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
        {
            Some(fault) => Err(fault),
            None => Ok(()),
        }
    }

    /// Ends the blocks after `seconds`.
    fn run_watched(&self, seconds: u32) {
        std::thread::scope(|scope| {
            let (done, ended) = mpsc::channel::<()>();
            scope.spawn(move || {
                let limit = Duration::from_secs(seconds.into());
                if ended.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout) {
                    let name = self.launch.kernel_name;
                    let what = format!("still running after {seconds} s");
                    self.stop(Fault::whole(FaultKind::LaunchTimeout, name, &what));
                }
            });
            self.run_blocks();
            drop(done);
        });
    }

    fn run_blocks(&self) {
        let workers = (rayon::current_num_threads() as u64).min(self.sample.taken);
        if workers <= 1 {
            self.work_guarded();
        } else {
            rayon::scope(|scope| {
                for _ in 0..workers {
                    scope.spawn(|_| self.work_guarded());
                }
            });
        }
    }

    /// A panic of ours must not take the caller's process down.
    fn work_guarded(&self) {
        if catch_unwind(AssertUnwindSafe(|| self.work())).is_err() {
            let (kind, name) = (FaultKind::LaunchFailed, self.launch.kernel_name);
            self.stop(Fault::whole(kind, name, "the emulator itself failed"));
        }
    }

    /// A cluster has failed: the launch with it, or where runs go on, only what the cluster would still have done.
    /// Whether others go on.
    fn failed(&self, fault: Option<Box<Fault>>) -> bool {
        match fault {
            Some(fault) if self.launch.options.goes_on => {
                record(self.launch.kernel_name, &fault);
                self.ended.fetch_add(1, Ordering::Relaxed);
                self.launch.progress();
                true
            }
            Some(fault) => {
                self.stop(*fault);
                false
            }
            None => false,
        }
    }

    fn stop(&self, fault: Fault) {
        lock(&self.fault).get_or_insert(fault);
        self.launch.cancel();
    }

    fn work(&self) {
        let mut spare = Cluster::default();
        while !self.launch.cancelled() {
            let Some(mut cluster) = self.next(&mut spare) else {
                return;
            };
            match cluster.run(self.launch) {
                BlockStop::Ended => {
                    self.ended.fetch_add(1, Ordering::Relaxed);
                    self.launch.progress();
                    spare = cluster;
                }
                BlockStop::Stalled => {
                    if self.launch.options.checks.deadlock
                        && self
                            .patience
                            .ends(self.launch, &mut cluster, || self.unfinished())
                        && self.failed(cluster.fault.take())
                    {
                        continue;
                    }
                    lock(&self.aside).push_back(cluster);
                }
                BlockStop::Failed | BlockStop::Waiting => {
                    if !self.failed(cluster.fault.take()) {
                        return;
                    }
                }
            }
        }
    }

    /// Clusters that were begun and have not ended.
    fn unfinished(&self) -> u64 {
        let begun = self.fresh.load(Ordering::Relaxed).min(self.sample.taken);
        begun - self.ended.load(Ordering::Relaxed)
    }

    /// A fresh cluster, or the one that has waited longest. A worker that finds none is done: whoever holds the last
    /// blocks will bring them to their end.
    fn next(&self, spare: &mut Cluster) -> Option<Cluster> {
        let crowded = !self.launch.config.cooperative && lock(&self.aside).len() >= MOST_ASIDE;
        if !crowded {
            let number = self.fresh.fetch_add(1, Ordering::Relaxed);
            let count = self.sample.taken;
            if number < count {
                let mut cluster = std::mem::take(spare);
                let order = self.launch.options.order;
                let number = order.map_or(number, |order| order.nth(0, number, count));
                cluster.reset(self.launch, self.sample.nth(number));
                return Some(cluster);
            }
        }
        lock(&self.aside).pop_front()
    }
}
