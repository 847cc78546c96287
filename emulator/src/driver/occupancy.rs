//! How many blocks fit on a multiprocessor: the published limits of threads, blocks, shared memory and registers.
//! Registers are assumed, since only ptxas knows them; so this is an upper bound.

use super::attributes::MAX_THREADS_PER_BLOCK;
use super::context::in_context;
use super::entry::{In, Out};
use super::error::{Error, Outcome};
use super::function::{self, Function, SHARED_GRANULE, WARP};
use super::handles::Handle;
use super::launch::Config;
use super::machine::machine;

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
        let blocks = function.blocks_per_multiprocessor(size, bytes)?;
        if blocks * size > best.0 {
            best = (blocks * size, size, blocks);
        }
        threads -= WARP;
    }
    block.set(best.1)?;
    grid.set(best.2 * machine()?.profile.multiprocessors)
}

in_context! {
    fn cuOccupancyMaxActiveBlocksPerMultiprocessor(
        result: Out<i32>, function: Handle, threads: i32, dynamic: usize,
    ) {
        result.set(function::find(function)?.blocks_per_multiprocessor(threads, dynamic)?)
    }

    fn cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(
        result: Out<i32>, function: Handle, threads: i32, dynamic: usize, _flags: u32,
    ) {
        result.set(function::find(function)?.blocks_per_multiprocessor(threads, dynamic)?)
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
        let profile = machine()?.profile;
        if blocks <= 0 || blocks > function.blocks_per_multiprocessor(threads, 0)? {
            return Err(Error::INVALID_VALUE);
        }
        let share = profile.shared_per_multiprocessor as usize / blocks as usize / SHARED_GRANULE * SHARED_GRANULE;
        let taken = profile.shared_reserved_per_block as usize + function.kernel.static_shared;
        let most = (profile.shared_per_block_optin as usize).saturating_sub(function.kernel.static_shared);
        result.set(share.saturating_sub(taken).min(most))
    }

    fn cuOccupancyMaxPotentialClusterSize(result: Out<i32>, function: Handle, _config: In<Config>) {
        let function = function::find(function)?;
        if !machine()?.profile.clusters {
            return Err(Error::NOT_SUPPORTED);
        }
        result.set(function.max_cluster() as i32)
    }

    fn cuOccupancyMaxActiveClusters(result: Out<i32>, function: Handle, config: In<Config>) {
        let function = function::find(function)?;
        let profile = machine()?.profile;
        if !profile.clusters {
            return Err(Error::NOT_SUPPORTED);
        }
        let config = config.get()?;
        let (_, cluster) = config.attributes()?;
        let size: u32 = cluster.or(function.kernel.cluster).unwrap_or([1; 3]).iter().product();
        let threads = config.block.iter().product::<u32>() as i32;
        let blocks = function.blocks_per_multiprocessor(threads, config.shared as usize)?;
        result.set(blocks * profile.multiprocessors / size.max(1) as i32)
    }
}
