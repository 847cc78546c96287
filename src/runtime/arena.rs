//! The memory of a graph, and freeing in a stream's order.
//!
//! While a step is captured its stream can neither allocate nor free for itself: both would become part of the graph.
//! Memory then comes from the graph's [`Arena`], whose blocks are used again within the capture and stay at their
//! addresses as long as the graph or a tensor in them lives (PyTorch's private pool). What is freed meanwhile of other
//! memory waits there for the end.

use std::sync::{Arc, Mutex, MutexGuard};

use cudarc::driver::sys::CUdeviceptr;
use cudarc::driver::{CudaStream, DriverError, result};

use super::relaxed::relaxed;
use super::turn::{Open, Turn, lock};
use crate::error::{Error, Result};

/// Sizes of an arena's blocks are multiples of this, as those of the driver's allocations are.
const GRAIN: usize = 512;

/// The arenas of the captures that go on.
pub(super) static ARENAS: Open<Arena> = Open::new();

/// Allocates on the stream, which is not captured.
pub(super) fn malloc(stream: &CudaStream, bytes: usize) -> Result<CUdeviceptr, DriverError> {
    let context = stream.context();
    context.bind_to_thread()?;
    // SAFETY: the stream is alive and its context current; what is allocated has one owner, the caller.
    unsafe {
        match context.has_async_alloc() {
            true => result::malloc_async(stream.cu_stream(), bytes),
            false => relaxed(|| result::malloc_sync(bytes)),
        }
    }
}

/// Frees what [`malloc`] gave, behind all work that is queued; or, if the stream is being captured, afterwards.
pub(super) fn free(stream: &Arc<CudaStream>, address: CUdeviceptr) {
    let turn = Turn::any(stream);
    if let Some(arena) = ARENAS.of(&turn, stream) {
        return arena.blocks().given_up.push(address);
    }
    let context = stream.context();
    context.record_err(context.bind_to_thread());
    if context.has_async_alloc() {
        // SAFETY: the address was allocated in this context and has no owner any more; whatever uses it was queued before.
        context.record_err(unsafe { result::free_async(address, stream.cu_stream()) });
    } else {
        context.record_err(stream.synchronize());
        // SAFETY: as above, and nothing that was queued is left to do.
        context.record_err(unsafe { result::free_sync(address) });
    }
}

/// The memory of a graph.
pub(crate) struct Arena {
    /// The stream that is captured; what the arena has is freed in its order.
    stream: Arc<CudaStream>,
    /// One that is not captured, to allocate on.
    side: Arc<CudaStream>,
    blocks: Mutex<Blocks>,
}

struct Blocks {
    all: Vec<CUdeviceptr>,
    /// Bytes of all of them.
    bytes: usize,
    /// Given back during the capture: whatever comes later in the stream may have them.
    free: Vec<(CUdeviceptr, usize)>,
    /// Not the arena's, but freed during the capture: a stream that captures cannot free what it did not allocate.
    given_up: Vec<CUdeviceptr>,
    /// Whether the capture goes on.
    open: bool,
}

impl Arena {
    pub(super) fn new(stream: &Arc<CudaStream>) -> Result<Arc<Self>> {
        let side = stream.context().new_stream();
        let side = side.map_err(|e| Error::driver("CudaGraph", e))?;
        let blocks = Mutex::new(Blocks {
            all: Vec::new(),
            bytes: 0,
            free: Vec::new(),
            given_up: Vec::new(),
            open: true,
        });
        let stream = stream.clone();
        Ok(Arc::new(Self {
            stream,
            side,
            blocks,
        }))
    }

    fn blocks(&self) -> MutexGuard<'_, Blocks> {
        lock(&self.blocks)
    }

    pub(super) fn bytes(&self) -> usize {
        self.blocks().bytes
    }

    pub(super) fn is_open(&self) -> bool {
        self.blocks().open
    }

    /// The smallest free block that is large enough and not twice as large as that, or a new one.
    pub(super) fn take(&self, bytes: usize) -> Result<(CUdeviceptr, usize), DriverError> {
        let bytes = bytes.next_multiple_of(GRAIN);
        let mut blocks = self.blocks();
        let fits =
            |(_, block): &(usize, &(CUdeviceptr, usize))| (bytes..=2 * bytes).contains(&block.1);
        let found = blocks.free.iter().enumerate().filter(fits);
        if let Some((at, _)) = found.min_by_key(|(_, block)| block.1) {
            return Ok(blocks.free.swap_remove(at));
        }
        let address = malloc(&self.side, bytes)?;
        blocks.all.push(address);
        blocks.bytes += bytes;
        Ok((address, bytes))
    }

    pub(super) fn put(&self, address: CUdeviceptr, bytes: usize) {
        let mut blocks = self.blocks();
        if blocks.open {
            blocks.free.push((address, bytes));
        }
    }

    /// After the capture: from now on every block is the graph's, and there before its first launch.
    pub(super) fn close(&self) -> Result<()> {
        let given_up = {
            let mut blocks = self.blocks();
            blocks.open = false;
            blocks.free.clear();
            std::mem::take(&mut blocks.given_up)
        };
        for address in given_up {
            free(&self.stream, address);
        }
        let there = self.side.synchronize();
        there.map_err(|e| Error::driver("CudaGraph", e))
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        for address in std::mem::take(&mut self.blocks().all) {
            free(&self.stream, address);
        }
    }
}
