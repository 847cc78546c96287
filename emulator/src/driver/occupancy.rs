//! How many blocks fit on a multiprocessor: the published limits of threads, blocks, shared memory and registers.
//! Registers are assumed, since only ptxas knows them; so this is an upper bound.

use super::attributes::{MAX_THREADS_PER_BLOCK, REGISTERS};
use super::device::device;
use super::entry::{In, Out, api};
use super::error::{Error, Outcome};
use super::function::{self, ASSUMED_REGISTERS, Function};
use super::handles::Handle;
use super::launch_config::Config;

const SHARED_GRANULE: usize = 128;
const WARP: i32 = 32;

/// Bytes of a multiprocessor's shared memory that one block takes.
fn shared_footprint(function: &Function, dynamic: usize) -> Outcome<usize> {
    let reserved = device()?.profile.shared_reserved_per_block as usize;
    let bytes = dynamic
        .checked_add(function.kernel.static_shared + reserved)
        .ok_or(Error::INVALID_VALUE)?;
    bytes
        .checked_next_multiple_of(SHARED_GRANULE)
        .ok_or(Error::INVALID_VALUE)
}

/// Blocks of `threads` threads and `dynamic` bytes of shared memory that run on one multiprocessor at a time.
pub fn blocks_per_multiprocessor(
    function: &Function,
    threads: i32,
    dynamic: usize,
) -> Outcome<i32> {
    let profile = device()?.profile;
    if threads <= 0 {
        return Err(Error::INVALID_VALUE);
    }
    let most_shared = function.kernel.static_shared + dynamic;
    if threads > function.max_threads() || most_shared > profile.shared_per_block_optin as usize {
        return Ok(0);
    }
    let rounded = (threads + WARP - 1) / WARP * WARP;
    let by_threads = profile.threads_per_multiprocessor / rounded;
    let by_registers = REGISTERS / (rounded * ASSUMED_REGISTERS);
    let footprint = shared_footprint(function, dynamic)?;
    let by_shared = (profile.shared_per_multiprocessor as usize)
        .checked_div(footprint)
        .unwrap_or(usize::MAX);
    let most = profile
        .blocks_per_multiprocessor
        .min(by_threads)
        .min(by_registers);
    Ok(usize::min(most as usize, by_shared) as i32)
}

/// `CUoccupancyB2DSize`: shared memory for a block of a size.
type SharedForBlock = Option<extern "C" fn(i32) -> usize>;

/// The block size that keeps most threads running, and the blocks that fill the device with it.
fn best_block(
    grid: Out<i32>,
    block: Out<i32>,
    function: &Function,
    shared: SharedForBlock,
    dynamic: usize,
    limit: i32,
) -> Outcome {
    grid.check()?;
    block.check()?;
    let most = if limit <= 0 {
        MAX_THREADS_PER_BLOCK
    } else {
        limit.min(MAX_THREADS_PER_BLOCK)
    };
    let most = most.min(function.max_threads());
    let mut best = (0, 0, 0);
    let mut threads = (most + WARP - 1) / WARP * WARP;
    while threads > 0 {
        let size = threads.min(most);
        let bytes = shared.map_or(dynamic, |of| of(size));
        let blocks = blocks_per_multiprocessor(function, size, bytes)?;
        if blocks * size > best.0 {
            best = (blocks * size, size, blocks);
        }
        threads -= WARP;
    }
    block.set(best.1)?;
    grid.set(best.2 * device()?.profile.multiprocessors)
}

api! {
    fn cuOccupancyMaxActiveBlocksPerMultiprocessor(
        result: Out<i32>, function: Handle, threads: i32, dynamic: usize,
    ) {
        result.set(blocks_per_multiprocessor(&*function::find(function)?, threads, dynamic)?)
    }

    fn cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(
        result: Out<i32>, function: Handle, threads: i32, dynamic: usize, _flags: u32,
    ) {
        result.set(blocks_per_multiprocessor(&*function::find(function)?, threads, dynamic)?)
    }

    fn cuOccupancyMaxPotentialBlockSize(
        grid: Out<i32>, block: Out<i32>, function: Handle, shared: SharedForBlock, dynamic: usize, limit: i32,
    ) {
        best_block(grid, block, &*function::find(function)?, shared, dynamic, limit)
    }

    fn cuOccupancyMaxPotentialBlockSizeWithFlags(
        grid: Out<i32>, block: Out<i32>, function: Handle, shared: SharedForBlock, dynamic: usize, limit: i32,
        _flags: u32,
    ) {
        best_block(grid, block, &*function::find(function)?, shared, dynamic, limit)
    }

    fn cuOccupancyAvailableDynamicSMemPerBlock(result: Out<usize>, function: Handle, blocks: i32, threads: i32) {
        let function = function::find(function)?;
        let profile = device()?.profile;
        if blocks <= 0 || blocks > blocks_per_multiprocessor(&function, threads, 0)? {
            return Err(Error::INVALID_VALUE);
        }
        let share = profile.shared_per_multiprocessor as usize / blocks as usize / SHARED_GRANULE * SHARED_GRANULE;
        let taken = profile.shared_reserved_per_block as usize + function.kernel.static_shared;
        let most = (profile.shared_per_block_optin as usize).saturating_sub(function.kernel.static_shared);
        result.set(share.saturating_sub(taken).min(most))
    }

    fn cuOccupancyMaxPotentialClusterSize(result: Out<i32>, function: Handle, _config: In<Config>) {
        let function = function::find(function)?;
        if !device()?.profile.clusters {
            return Err(Error::NOT_SUPPORTED);
        }
        result.set(function.max_cluster() as i32)
    }

    fn cuOccupancyMaxActiveClusters(result: Out<i32>, function: Handle, config: In<Config>) {
        let function = function::find(function)?;
        let profile = device()?.profile;
        if !profile.clusters {
            return Err(Error::NOT_SUPPORTED);
        }
        let config = config.get()?;
        let (_, cluster) = config.attributes()?;
        let size: u32 = cluster.or(function.kernel.cluster).unwrap_or([1; 3]).iter().product();
        let threads = config.block.iter().product::<u32>() as i32;
        let blocks = blocks_per_multiprocessor(&function, threads, config.shared as usize)?;
        result.set(blocks * profile.multiprocessors / size.max(1) as i32)
    }
}
