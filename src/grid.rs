//! The grids that kernels have in common, and the names of the entry points that go with them.

use std::ops::RangeInclusive;
use std::sync::Arc;

use cudarc::driver::CudaStream;

use crate::element::Element;
use crate::error::Result;
use crate::launch::Launch;

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

/// Lanes that share a row, as `for_lanes` in cuda/group.cuh has it.
fn lanes(cols: usize) -> usize {
    match cols {
        0..=8 => 1,
        9..=32 => 4,
        _ => 32,
    }
}
