//! What the emulator counts while it runs a kernel: the data, their JSON, and a table for people.
//!
//! Instructions are those of the PTX, counted once for a warp: ptxas merges, moves and drops some of them. What a memory
//! does with an access follows from its addresses alone, and so these figures are those of a GPU, as long as ptxas leaves the
//! access as it is.

mod class;
mod table;

pub use class::Class;
pub use table::table;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Bytes of a sector, the least that global memory moves.
pub const SECTOR: u64 = 32;

/// Kernels by name.
pub type Kernels = BTreeMap<String, Counts>;

/// One launch, as it was asked for, and what it did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launch {
    /// The kernel's name.
    pub kernel: String,
    /// Blocks in x, y, z.
    pub grid: [u32; 3],
    /// Threads of a block in x, y, z.
    pub block: [u32; 3],
    /// What it did.
    pub counts: Counts,
}

/// What launches of one kernel did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Launches counted together.
    pub launches: u64,
    /// Blocks of the largest launch.
    pub blocks: u64,
    /// Threads of the largest block.
    pub block_threads: u64,
    /// Most shared memory of a block in bytes, static and dynamic.
    pub block_shared: u64,
    /// Instructions by class, each once for a warp.
    pub instructions: BTreeMap<Class, u64>,
    /// Executing lanes, summed over those instructions.
    pub lanes: u64,
    /// Conditional branches, each once for a warp.
    pub branches: u64,
    /// Of those, how many the lanes of the warp did not agree on.
    pub diverged: u64,
    /// Loads of global memory, and the source of asynchronous copies.
    pub global_read: Global,
    /// Stores to global memory, and its atomics.
    pub global_written: Global,
    /// Loads of shared memory, `ldmatrix` and `wmma.load`.
    pub shared_read: Shared,
    /// Stores to shared memory, its atomics, and the destination of asynchronous copies.
    pub shared_written: Shared,
    /// Operations of Tensor Cores: two for each product that is added.
    pub tensor_flop: u64,
}

/// Accesses to global memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Global {
    /// Instructions that access it, each once for a warp.
    pub requests: u64,
    /// Sectors of 32 bytes that the requests touch, each once for a request.
    pub sectors: u64,
    /// Of those, each once for a block: what is left if a block's L1 keeps all that it touches.
    pub block_sectors: u64,
    /// Bytes that the lanes ask for.
    pub bytes: u64,
    /// Different bytes that a launch touches, summed over launches: no kernel can move fewer.
    pub unique: u64,
}

/// Accesses to shared memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shared {
    /// Accesses by a warp; a matrix of `ldmatrix` or a block of a `wmma` fragment is one each.
    pub accesses: u64,
    /// Passes over the 32 banks of 4 bytes that they take: accesses of 8 bytes go by half-warps, of 16 by quarters.
    pub wavefronts: u64,
    /// Passes they would take if no two lanes of a pass wanted different words of one bank.
    pub ideal: u64,
}

impl Counts {
    /// Instructions of all classes.
    pub fn warp_instructions(&self) -> u64 {
        self.instructions.values().sum()
    }

    /// Share of lanes that execute, from 0 to 1.
    pub fn active_lanes(&self) -> f64 {
        ratio(self.lanes, 32 * self.warp_instructions())
    }

    /// Bytes of global memory moved, in whole sectors.
    pub fn moved(&self) -> u64 {
        self.global_read.moved() + self.global_written.moved()
    }

    /// As `moved`, with an L1 that keeps what a block touches.
    pub fn moved_by_blocks(&self) -> u64 {
        self.global_read.moved_by_blocks() + self.global_written.moved_by_blocks()
    }

    /// Bytes of global memory that had to be moved.
    pub fn unique(&self) -> u64 {
        self.global_read.unique + self.global_written.unique
    }

    /// Passes over shared memory's banks that conflicts cost.
    pub fn conflicts(&self) -> u64 {
        self.shared_read.conflicts() + self.shared_written.conflicts()
    }

    /// Adds what another launch did.
    pub fn add(&mut self, other: &Counts) {
        self.launches += other.launches;
        self.blocks = self.blocks.max(other.blocks);
        self.block_threads = self.block_threads.max(other.block_threads);
        self.block_shared = self.block_shared.max(other.block_shared);
        for (class, count) in &other.instructions {
            *self.instructions.entry(*class).or_default() += count;
        }
        self.lanes += other.lanes;
        self.branches += other.branches;
        self.diverged += other.diverged;
        self.global_read.add(&other.global_read);
        self.global_written.add(&other.global_written);
        self.shared_read.add(&other.shared_read);
        self.shared_written.add(&other.shared_written);
        self.tensor_flop += other.tensor_flop;
    }
}

impl Global {
    /// Bytes moved, in whole sectors.
    pub fn moved(&self) -> u64 {
        self.sectors * SECTOR
    }

    /// As `moved`, with an L1 that keeps what a block touches.
    pub fn moved_by_blocks(&self) -> u64 {
        self.block_sectors * SECTOR
    }

    /// Sectors of a request; 4 is a warp's 32 words side by side.
    pub fn sectors_per_request(&self) -> f64 {
        ratio(self.sectors, self.requests)
    }

    /// Adds other accesses.
    pub fn add(&mut self, other: &Global) {
        self.requests += other.requests;
        self.sectors += other.sectors;
        self.block_sectors += other.block_sectors;
        self.bytes += other.bytes;
        self.unique += other.unique;
    }
}

impl Shared {
    /// Passes that conflicts cost.
    pub fn conflicts(&self) -> u64 {
        self.wavefronts - self.ideal
    }

    /// Adds other accesses.
    pub fn add(&mut self, other: &Shared) {
        self.accesses += other.accesses;
        self.wavefronts += other.wavefronts;
        self.ideal += other.ideal;
    }
}

/// `a / b`, and 0 where there is nothing.
pub fn ratio(a: u64, b: u64) -> f64 {
    if b == 0 { 0.0 } else { a as f64 / b as f64 }
}

/// [`Kernels`], or a list of [`Launch`]es, as JSON.
pub fn to_json<T: Serialize>(counted: &T) -> String {
    serde_json::to_string_pretty(counted).unwrap_or_default()
}

/// What [`to_json`] wrote.
///
/// # Errors
/// What the text has that `to_json` does not write.
pub fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, serde_json::Error> {
    serde_json::from_str(text)
}
