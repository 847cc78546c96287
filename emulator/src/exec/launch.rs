//! A launch: what it asks for is checked, then its blocks run (see `grid`).

use super::config::{LaunchConfig, Options};
use super::count::Counting;
use super::grid::Grid;
use super::inst::{Inst, level};
use super::module::Kernel;
use super::program::Program;
use super::workspace::Workspace;
use crate::check::{Fault, FaultKind};
use crate::memory::{Memory, Range};
use cuda_emulator_counts::Counts;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

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

    /// Lets all blocks end.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
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
