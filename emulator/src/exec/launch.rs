//! A launch: its blocks over the processor's cores.
//!
//! Workers take fresh blocks in order. A block that only spins steps aside, and is taken up again when no fresh one is
//! left or too many wait; so blocks may wait for each other, whatever the number of cores.

use super::block::BlockStop;
use super::cluster::Cluster;
use super::config::{LaunchConfig, Options};
use super::count::Counting;
use super::inst::{Inst, level};
use super::module::Kernel;
use super::program::Program;
use super::stuck::Patience;
use super::workspace::Workspace;
use crate::check::{Fault, FaultKind};
use crate::memory::{Memory, Range};
use cuda_emulator_counts::Counts;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

/// Blocks that may wait aside before no fresh one is begun (cooperative launches have no such limit).
const MOST_ASIDE: usize = 1024;

/// All that the blocks of a launch share.
pub struct Launch<'a> {
    pub kernel_name: &'a str,
    pub program: &'a Program,
    pub code: &'a [Inst],
    pub level: u8,
    pub config: LaunchConfig,
    pub cluster: [u32; 3],
    pub explicit_cluster: bool,
    /// Threads of a block.
    pub threads: u32,
    /// Static and dynamic.
    pub shared_bytes: usize,
    pub params: &'a [u8],
    pub memory: &'a Memory,
    pub ranges: &'a [Range],
    pub options: &'a Options,
    /// The address of a cooperative launch's workspace, else 0.
    pub workspace: u64,
    /// Counts, if they are wanted.
    pub counting: Option<&'a Counting>,
    watching: AtomicBool,
    cancelled: AtomicBool,
    progress: AtomicU64,
}

impl Launch<'_> {
    /// Whether another block has failed.
    pub fn cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// Whether writes of memory are looked at: they are once the kernel seems to be stuck.
    pub fn watches(&self) -> bool {
        self.watching.load(Ordering::Relaxed)
    }

    pub fn set_watching(&self, on: bool) {
        self.watching.store(on, Ordering::Relaxed);
    }

    /// Notes that something other than spinning has happened.
    pub fn progress(&self) {
        self.progress.fetch_add(1, Ordering::Relaxed);
    }

    /// How often something has.
    pub fn progress_so_far(&self) -> u64 {
        self.progress.load(Ordering::Relaxed)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn refuse(kernel: &Kernel, kind: FaultKind, what: String) -> Fault {
    Fault {
        kind,
        report: format!("========= {}: {what}\n", kernel.name),
    }
}

/// Runs a kernel to its end.
///
/// # Errors
/// The first finding, or what stopped the kernel.
pub fn launch(
    kernel: &Kernel,
    config: &LaunchConfig,
    params: &[u8],
    memory: &Memory,
    options: &Options,
) -> Result<(), Fault> {
    execute(kernel, config, params, memory, options, None)
}

/// Runs a kernel to its end, and says what it did.
///
/// # Errors
/// As `launch`.
pub fn launch_counted(
    kernel: &Kernel,
    config: &LaunchConfig,
    params: &[u8],
    memory: &Memory,
    options: &Options,
) -> Result<Counts, Fault> {
    let counting = Counting::new(&memory.ranges());
    execute(kernel, config, params, memory, options, Some(&counting))?;
    let threads: u32 = config.block.iter().product();
    Ok(Counts {
        launches: 1,
        block_threads: threads.into(),
        block_shared: kernel.static_shared as u64 + u64::from(config.dynamic_shared),
        ..counting.finish()
    })
}

fn execute(
    kernel: &Kernel,
    config: &LaunchConfig,
    params: &[u8],
    memory: &Memory,
    options: &Options,
    counting: Option<&Counting>,
) -> Result<(), Fault> {
    let threads = config
        .block
        .iter()
        .try_fold(1u32, |n, d| n.checked_mul(*d))
        .unwrap_or(0);
    let bad = |what: String| refuse(kernel, FaultKind::InvalidValue, what);
    if config.grid.contains(&0) || threads == 0 {
        return Err(bad(format!(
            "grid {:?} of blocks {:?} is empty",
            config.grid, config.block
        )));
    }
    if threads > kernel.max_threads.min(1024) {
        return Err(bad(format!(
            "{threads} threads in a block, at most {} allowed",
            kernel.max_threads
        )));
    }
    if params.len() < kernel.param_bytes {
        return Err(bad(format!(
            "{} bytes of parameters, {} needed",
            params.len(),
            kernel.param_bytes
        )));
    }
    if kernel.required_block.is_some_and(|b| b != config.block) {
        return Err(bad(format!(
            "block {:?} is not the required {:?}",
            config.block, kernel.required_block
        )));
    }
    let cluster = config.cluster.or(kernel.cluster);
    let shape = cluster.unwrap_or([1; 3]);
    if (0..3).any(|a| shape[a] == 0 || !config.grid[a].is_multiple_of(shape[a])) {
        return Err(bad(format!(
            "grid {:?} is not a multiple of the cluster {shape:?}",
            config.grid
        )));
    }
    let checks = &options.checks;
    let shadowed = checks.shared_races
        || checks.uninitialised
        || checks.async_copies
        || checks.proxy_fences
        || checks.wgmma;
    let level = match (shadowed, checks.bounds) {
        (true, _) => level::FULL,
        (false, true) => level::BOUNDS,
        (false, false) => level::PLAIN,
    };
    let workspace = Workspace::new(config, memory);
    let ranges = memory.ranges();
    let launch = Launch {
        kernel_name: &kernel.name,
        program: &kernel.program,
        code: kernel.program.code(level),
        level,
        config: *config,
        cluster: shape,
        explicit_cluster: cluster.is_some(),
        threads,
        shared_bytes: kernel.static_shared + config.dynamic_shared as usize,
        params,
        memory,
        ranges: &ranges,
        options,
        workspace: workspace.as_ref().map_or(0, Workspace::address),
        counting,
        watching: AtomicBool::new(false),
        cancelled: AtomicBool::new(false),
        progress: AtomicU64::new(0),
    };
    Grid::new(&launch).run()
}

/// The blocks of a launch on their way.
struct Grid<'a> {
    launch: &'a Launch<'a>,
    clusters: u64,
    fresh: AtomicU64,
    aside: Mutex<VecDeque<Cluster>>,
    fault: Mutex<Option<Fault>>,
    /// Clusters that have ended.
    ended: AtomicU64,
    patience: Patience,
}

impl<'a> Grid<'a> {
    fn new(launch: &'a Launch<'a>) -> Grid<'a> {
        Grid {
            launch,
            clusters: (0..3)
                .map(|a| u64::from(launch.config.grid[a] / launch.cluster[a]))
                .product(),
            fresh: AtomicU64::new(0),
            aside: Mutex::default(),
            fault: Mutex::default(),
            ended: AtomicU64::new(0),
            patience: Patience::default(),
        }
    }

    fn run(self) -> Result<(), Fault> {
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
                    let report = format!("========= {name}: still running after {seconds} s\n");
                    let kind = FaultKind::LaunchTimeout;
                    self.stop(Fault { kind, report });
                }
            });
            self.run_blocks();
            drop(done);
        });
    }

    fn run_blocks(&self) {
        let workers = (rayon::current_num_threads() as u64).min(self.clusters);
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
            let report = format!(
                "========= {}: the emulator itself failed\n",
                self.launch.kernel_name
            );
            self.stop(Fault {
                kind: FaultKind::LaunchFailed,
                report,
            });
        }
    }

    fn stop(&self, fault: Fault) {
        lock(&self.fault).get_or_insert(fault);
        self.launch.cancelled.store(true, Ordering::Relaxed);
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
                        && let Some(fault) = cluster.fault.take()
                    {
                        self.stop(*fault);
                    }
                    lock(&self.aside).push_back(cluster);
                }
                BlockStop::Failed | BlockStop::Waiting => {
                    if let Some(fault) = cluster.fault.take() {
                        self.stop(*fault);
                    }
                    return;
                }
            }
        }
    }

    /// Clusters that were begun and have not ended.
    fn unfinished(&self) -> u64 {
        let begun = self.fresh.load(Ordering::Relaxed).min(self.clusters);
        begun - self.ended.load(Ordering::Relaxed)
    }

    /// A fresh cluster, or the one that has waited longest. A worker that finds none is done: whoever holds the last
    /// blocks will bring them to their end.
    fn next(&self, spare: &mut Cluster) -> Option<Cluster> {
        let crowded = !self.launch.config.cooperative && lock(&self.aside).len() >= MOST_ASIDE;
        if !crowded {
            let number = self.fresh.fetch_add(1, Ordering::Relaxed);
            if number < self.clusters {
                let mut cluster = std::mem::take(spare);
                let order = self.launch.options.order;
                let number = order.map_or(number, |order| order.nth(0, number, self.clusters));
                cluster.reset(self.launch, number);
                return Some(cluster);
            }
        }
        lock(&self.aside).pop_front()
    }
}
