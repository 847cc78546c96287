//! The grids that kernels have in common, and the names of the entry points that go with them.

use std::ops::RangeInclusive;
use std::sync::Arc;

use cudarc::driver::CudaStream;
use cudarc::driver::sys::CUdevice_attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT;

use super::launch::Launch;
use crate::element::Element;
use crate::error::{Error, Result};

/// Threads per block of the elementwise kernels.
const THREADS: u32 = 256;
/// Enough to fill every current GPU several times over; grid-stride loops take the rest.
const MAX_BLOCKS: usize = 8192;
/// Rows of more columns get a block each.
const SHORT_ROW: usize = 1024;
/// Threads of the blocks that have a row each; a thread keeps 32 columns of it.
const ROW_THREADS: RangeInclusive<usize> = 64..=512;

impl<'a> Launch<'a> {
    /// The kernel `<name>_<T>` over `n` elements, on a grid for a grid-stride loop with 16-byte accesses.
    pub(crate) fn elementwise<T: Element>(
        stream: &'a Arc<CudaStream>,
        op: &'static str,
        name: &str,
        n: usize,
    ) -> Result<Self> {
        Ok(Self::new(stream, op, &format!("{name}_{}", T::NAME))?.over::<T>(n))
    }

    /// The grid for a grid-stride loop over `n` elements with 16-byte accesses.
    pub(crate) fn over<T: Element>(self, n: usize) -> Self {
        let per_block = THREADS as usize * 16 / size_of::<T>();
        self.grid(n.div_ceil(per_block).clamp(1, MAX_BLOCKS), 1, 1)
            .block(THREADS)
    }

    /// The grid for grid-stride loops over several lengths, each with blocks of its own: the first block that is no longer
    /// a length's, for each. No length is 0.
    pub(crate) fn deal<T: Element>(self, lengths: &[usize]) -> (Self, Vec<u64>) {
        let shares = shares(lengths, THREADS as usize * 16 / size_of::<T>());
        let ends: Vec<u64> = shares
            .iter()
            .scan(0, |end, share| {
                *end += *share as u64;
                Some(*end)
            })
            .collect();
        (self.grid(shares.iter().sum(), 1, 1).block(THREADS), ends)
    }

    /// The kernel that takes rows of `cols` columns: `<name>_<T>` with some lanes of a warp to a row, or
    /// `<name>_block_<T>` with a block to a row.
    pub(crate) fn rows<T: Element>(
        stream: &'a Arc<CudaStream>,
        op: &'static str,
        name: &str,
        rows: usize,
        cols: usize,
    ) -> Result<Self> {
        if cols > SHORT_ROW {
            let threads = cols.div_ceil(32).next_multiple_of(32);
            let threads = threads.clamp(*ROW_THREADS.start(), *ROW_THREADS.end());
            let launch = Self::new(stream, op, &format!("{name}_block_{}", T::NAME))?;
            return Ok(launch.grid(rows, 1, 1).block(threads as u32));
        }
        let launch = Self::new(stream, op, &format!("{name}_{}", T::NAME))?;
        let per_block = THREADS as usize / lanes(cols);
        Ok(launch.grid(rows.div_ceil(per_block), 1, 1).block(THREADS))
    }
}

/// How many blocks each length gets: as many as it fills, or its part of the most that a grid has, but one at least.
fn shares(lengths: &[usize], per_block: usize) -> Vec<usize> {
    let wanted: Vec<usize> = lengths.iter().map(|n| n.div_ceil(per_block)).collect();
    let total: usize = wanted.iter().sum();
    let share = |wanted: usize| match total {
        0..=MAX_BLOCKS => wanted.max(1),
        _ => ((wanted as u128 * MAX_BLOCKS as u128 / total as u128) as usize).max(1),
    };
    wanted.into_iter().map(share).collect()
}

/// Lanes that share a row, as `for_lanes` in cuda/group.cuh has it.
pub(crate) fn lanes(cols: usize) -> usize {
    match cols {
        0..=8 => 1,
        9..=32 => 4,
        _ => 32,
    }
}

/// How many multiprocessors the stream's device has, at least one.
pub(crate) fn multiprocessors(stream: &Arc<CudaStream>, op: &'static str) -> Result<usize> {
    let attribute = CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT;
    let count = stream.context().attribute(attribute);
    Ok(count.map_err(|e| Error::driver(op, e))?.max(1) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_dealt_out_by_length() {
        assert_eq!(shares(&[1, 1024, 1025, 5000], 1024), [1, 1, 2, 5]);
        // AlexNet's largest layer beside a bias, past what a grid has
        assert_eq!(shares(&[9216 * 4096, 10], 1024), [MAX_BLOCKS - 1, 1]);
        let most = shares(&[1 << 30; 64], 1024);
        assert_eq!(most, [MAX_BLOCKS / 64; 64]);
    }
}
