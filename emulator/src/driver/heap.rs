//! Who allocated what: the driver's book of the blocks in device memory. The bytes are [`Memory`]'s.

use super::error::{Error, Outcome};
use super::handles::{Handle, lock};
use crate::memory::{Memory, MemoryError};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// How a block came to be, which says how it may be freed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `cuMemAlloc` and relatives.
    Device,
    /// `cuMemAllocAsync` and relatives, from this pool.
    Pool(Handle),
    /// A graph's allocation node; the address lives as long as the graph.
    Graph,
    /// `cuMemAllocManaged`.
    Managed,
    /// `cuMemHostAlloc`, with its flags.
    Pinned(u32),
    /// The host's own memory, registered with these flags.
    Registered(u32),
}

#[derive(Clone, Copy, Debug)]
pub struct Block {
    pub base: u64,
    pub bytes: usize,
    pub kind: Kind,
    pub context: Handle,
    pub id: u64,
}

impl Block {
    pub fn on_host(&self) -> bool {
        matches!(self.kind, Kind::Pinned(_) | Kind::Registered(_))
    }
}

pub struct Heap {
    pub memory: Arc<Memory>,
    blocks: Mutex<BTreeMap<u64, Block>>,
}

impl From<MemoryError> for Error {
    fn from(error: MemoryError) -> Error {
        match error {
            MemoryError::OutOfMemory => Error::OUT_OF_MEMORY,
            MemoryError::ZeroSize | MemoryError::InvalidAddress => Error::INVALID_VALUE,
        }
    }
}

impl Heap {
    pub fn new(bytes: usize) -> Heap {
        Heap {
            memory: Arc::new(Memory::new(bytes)),
            blocks: Mutex::default(),
        }
    }

    pub fn capacity(&self) -> usize {
        self.memory.total()
    }

    fn enter(&self, base: u64, bytes: usize, kind: Kind, context: Handle) {
        static IDS: AtomicU64 = AtomicU64::new(1);
        let id = IDS.fetch_add(1, Ordering::Relaxed);
        lock(&self.blocks).insert(
            base,
            Block {
                base,
                bytes,
                kind,
                context,
                id,
            },
        );
    }

    /// Allocates. What the host can write without the driver's help counts as written.
    pub fn alloc(&self, bytes: usize, kind: Kind, context: Handle) -> Outcome<u64> {
        let base = self.memory.alloc(bytes)?;
        if matches!(kind, Kind::Managed | Kind::Pinned(_)) {
            self.memory.share_with_host(base)?;
        }
        self.enter(base, bytes, kind, context);
        Ok(base)
    }

    /// Lets kernels reach memory of the host's own.
    pub fn register(&self, base: u64, bytes: usize, flags: u32, context: Handle) -> Outcome {
        if bytes == 0 {
            return Err(Error::INVALID_VALUE);
        }
        self.memory
            .adopt(base, bytes)
            .map_err(|_| Error::HOST_MEMORY_ALREADY_REGISTERED)?;
        self.enter(base, bytes, Kind::Registered(flags), context);
        Ok(())
    }

    /// Frees the block that starts at `base`, if `allowed` says its kind may be freed this way.
    pub fn free(&self, base: u64, allowed: impl Fn(Kind) -> bool) -> Outcome<Block> {
        let mut blocks = lock(&self.blocks);
        let block = *blocks
            .get(&base)
            .filter(|block| allowed(block.kind))
            .ok_or(Error::INVALID_VALUE)?;
        blocks.remove(&base);
        self.memory.free(base)?;
        Ok(block)
    }

    /// Frees what a context that ends had allocated.
    pub fn free_context(&self, context: Handle) {
        self.free_where(|block| block.context == context);
    }

    /// Frees every block that `which` picks.
    pub fn free_where(&self, which: impl Fn(&Block) -> bool) {
        let mut blocks = lock(&self.blocks);
        let gone: Vec<u64> = blocks
            .values()
            .filter(|block| which(block))
            .map(|block| block.base)
            .collect();
        for base in gone {
            blocks.remove(&base);
            let _ = self.memory.free(base);
        }
    }

    /// The block that holds `address`.
    pub fn find(&self, address: u64) -> Outcome<Block> {
        let blocks = lock(&self.blocks);
        let (_, block) = blocks
            .range(..=address)
            .next_back()
            .ok_or(Error::INVALID_VALUE)?;
        if address - block.base < block.bytes as u64 {
            Ok(*block)
        } else {
            Err(Error::INVALID_VALUE)
        }
    }

    /// Bytes in blocks that `which` picks.
    pub fn used(&self, which: impl Fn(&Block) -> bool) -> usize {
        lock(&self.blocks)
            .values()
            .filter(|block| which(block))
            .map(|block| block.bytes)
            .sum()
    }
}
