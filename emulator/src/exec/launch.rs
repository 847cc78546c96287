//! A kernel and its launch: what it asks for is checked, then its blocks run (see `grid`).

use super::config::{LaunchConfig, Options, Param};
use super::grid::Grid;
use super::sample::Sample;
use super::state::{Counting, Launch, Program, Signals, level};
use super::workspace::Workspace;
use crate::check::{Fault, FaultKind};
use crate::memory::Memory;
use cuda_emulator_counts::Counts;
use std::sync::atomic::{AtomicU64, Ordering};

/// Launches so far.
static NUMBER: AtomicU64 = AtomicU64::new(0);

/// A kernel that can be launched.
pub struct Kernel {
    /// Its name in the PTX.
    pub name: String,
    /// Its parameters in order.
    pub params: Vec<Param>,
    /// Bytes of the whole parameter block.
    pub param_bytes: usize,
    /// Bytes of shared memory that it declares itself.
    pub static_shared: usize,
    /// Bytes of local memory of one thread.
    pub local_bytes: usize,
    /// Bytes of the module's constant memory.
    pub const_bytes: usize,
    /// Most threads of a block: `.maxntid`, or 1024.
    pub max_threads: u32,
    /// The block shape it insists on (`.reqntid`).
    pub required_block: Option<[u32; 3]>,
    /// The cluster shape it insists on (`.reqnctapercluster`).
    pub cluster: Option<[u32; 3]>,
    /// Its code and that of the functions it calls.
    pub program: Program,
}

fn refuse(kernel: &Kernel, kind: FaultKind, what: String) -> Fault {
    Fault::whole(kind, &kernel.name, &what)
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
    execute(kernel, config, params, memory, options, None).map(|_| ())
}

/// Runs a kernel to its end, and says what it did; of a sample, what all of it would have done.
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
    let sample = execute(kernel, config, params, memory, options, Some(&counting))?;
    let threads: u32 = config.block.iter().product();
    Ok(Counts {
        launches: 1,
        blocks: config.grid.iter().map(|&n| u64::from(n)).product(),
        block_threads: threads.into(),
        block_shared: kernel.static_shared as u64 + u64::from(config.dynamic_shared),
        ..counting.finish(|count| sample.scaled(count))
    })
}

fn execute(
    kernel: &Kernel,
    config: &LaunchConfig,
    params: &[u8],
    memory: &Memory,
    options: &Options,
    counting: Option<&Counting>,
) -> Result<Sample, Fault> {
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
        number: NUMBER.fetch_add(1, Ordering::Relaxed),
        signals: Signals::default(),
    };
    let clusters = (0..3).map(|a| u64::from(config.grid[a] / shape[a]));
    let sample = Sample::new(clusters.product(), options.sample);
    Grid::new(&launch, sample).run()?;
    Ok(sample)
}
