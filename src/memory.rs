//! Device memory that tensors own: freed in the stream's order, when neither a tensor nor a captured graph has it.
//!
//! While a step is captured its stream can neither allocate nor free for itself: both would become part of the graph.
//! Memory then comes from the graph's [`Arena`], whose blocks are used again within the capture and stay at their
//! addresses as long as the graph or a tensor in them lives (PyTorch's private pool).

use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use cudarc::driver::sys::CUdeviceptr;
use cudarc::driver::{CudaSlice, CudaStream, DriverError, result};

use crate::capture::{Turn, turn};
use crate::element::Element;
use crate::error::{Error, Result};

/// Sizes of an arena's blocks are multiples of this, as those of the driver's allocations are.
const GRAIN: usize = 512;

/// An allocation.
pub(crate) struct Memory {
    address: CUdeviceptr,
    stream: Arc<CudaStream>,
    /// Where it goes back to, with the size of its block; nowhere where it is the driver's.
    arena: Option<(Arc<Arena>, usize)>,
    /// Captured graphs that read or write it.
    pub(crate) graphs: AtomicUsize,
}

impl Memory {
    pub(crate) fn address(&self) -> CUdeviceptr {
        self.address
    }

    pub(crate) fn is_of(&self, arena: &Arc<Arena>) -> bool {
        matches!(&self.arena, Some((own, _)) if Arc::ptr_eq(own, arena))
    }

    /// Whether a graph has its address, so that tensors in it are written where they are.
    pub(crate) fn is_pinned(&self) -> bool {
        let of_graph = |(arena, _): &(Arc<Arena>, usize)| !arena.is_open();
        self.graphs.load(Ordering::Relaxed) > 0 || self.arena.as_ref().is_some_and(of_graph)
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        match &self.arena {
            Some((arena, bytes)) => arena.put(self.address, *bytes),
            None => free(&self.stream, self.address),
        }
    }
}

/// Frees what the driver's pool gave, behind all work that is queued; or, if the stream is being captured, afterwards.
pub(crate) fn free(stream: &Arc<CudaStream>, address: CUdeviceptr) {
    let turn = Turn::any();
    if let Some(capture) = turn.capture(stream) {
        return capture.give_up(address);
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

/// A slice of [`Memory`], which may have more than one.
pub(crate) struct DeviceSlice<T> {
    slice: ManuallyDrop<CudaSlice<T>>,
    memory: Arc<Memory>,
}

impl<T: Element> DeviceSlice<T> {
    /// Room for `len` elements, holding whatever it held; the caller writes every one.
    pub(crate) fn alloc(stream: &Arc<CudaStream>, len: usize) -> Result<Self> {
        const OP: &str = "alloc";
        // the driver refuses an allocation of nothing, so an empty tensor owns one element that its length hides
        let bytes = len.max(1) * size_of::<T>();
        let turn = turn(stream, OP)?;
        let (address, arena) = match turn.capture(stream) {
            Some(capture) => {
                let (address, bytes) = capture
                    .arena
                    .take(bytes)
                    .map_err(|e| Error::driver(OP, e))?;
                (address, Some((capture.arena.clone(), bytes)))
            }
            None => (
                driver(stream, bytes).map_err(|e| Error::driver(OP, e))?,
                None,
            ),
        };
        let graphs = AtomicUsize::new(0);
        let memory = Arc::new(Memory {
            address,
            stream: stream.clone(),
            arena,
            graphs,
        });
        Ok(Self::of(memory, len))
    }

    fn of(memory: Arc<Memory>, len: usize) -> Self {
        // SAFETY: the memory is at least as long, of an Element every bit pattern is a value, callers write every element
        // before any is read, and `drop` takes the pointer back before the slice could free it.
        let slice = unsafe { memory.stream.upgrade_device_ptr(memory.address, len) };
        let slice = ManuallyDrop::new(slice);
        Self { slice, memory }
    }

    /// Another slice of the same memory: writes through one show in the other.
    pub(crate) fn alias(&self) -> Self {
        Self::of(self.memory.clone(), self.slice.len())
    }
}

impl<T> DeviceSlice<T> {
    pub(crate) fn memory(&self) -> &Arc<Memory> {
        &self.memory
    }
}

impl<T> Deref for DeviceSlice<T> {
    type Target = CudaSlice<T>;
    fn deref(&self) -> &CudaSlice<T> {
        &self.slice
    }
}

impl<T> DerefMut for DeviceSlice<T> {
    fn deref_mut(&mut self) -> &mut CudaSlice<T> {
        &mut self.slice
    }
}

impl<T> Drop for DeviceSlice<T> {
    fn drop(&mut self) {
        // SAFETY: the slice is not used again. Leaked, it waits for its uses on other streams, if cudarc tracks them, and
        // frees nothing: that is the memory's business.
        unsafe { ManuallyDrop::take(&mut self.slice) }.leak();
    }
}

fn driver(stream: &CudaStream, bytes: usize) -> Result<CUdeviceptr, DriverError> {
    let context = stream.context();
    context.bind_to_thread()?;
    // SAFETY: the stream is alive and its context current; what is allocated has one owner, the caller.
    unsafe {
        match context.has_async_alloc() {
            true => result::malloc_async(stream.cu_stream(), bytes),
            false => result::malloc_sync(bytes),
        }
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
    /// Given back during the capture: whatever comes later in the stream may have them.
    free: Vec<(CUdeviceptr, usize)>,
    /// Whether the capture goes on.
    open: bool,
}

impl Arena {
    pub(crate) fn new(stream: &Arc<CudaStream>) -> Result<Arc<Self>> {
        let side = stream.context().new_stream();
        let side = side.map_err(|e| Error::driver("CudaGraph", e))?;
        let blocks = Mutex::new(Blocks {
            all: Vec::new(),
            free: Vec::new(),
            open: true,
        });
        let stream = stream.clone();
        Ok(Arc::new(Self {
            stream,
            side,
            blocks,
        }))
    }

    fn blocks(&self) -> std::sync::MutexGuard<'_, Blocks> {
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_open(&self) -> bool {
        self.blocks().open
    }

    /// The smallest free block that is large enough and not twice as large as that, or a new one.
    fn take(&self, bytes: usize) -> Result<(CUdeviceptr, usize), DriverError> {
        let bytes = bytes.next_multiple_of(GRAIN);
        let mut blocks = self.blocks();
        let fits =
            |(_, block): &(usize, &(CUdeviceptr, usize))| (bytes..=2 * bytes).contains(&block.1);
        let found = blocks.free.iter().enumerate().filter(fits);
        if let Some((at, _)) = found.min_by_key(|(_, block)| block.1) {
            return Ok(blocks.free.swap_remove(at));
        }
        let address = driver(&self.side, bytes)?;
        blocks.all.push(address);
        Ok((address, bytes))
    }

    fn put(&self, address: CUdeviceptr, bytes: usize) {
        let mut blocks = self.blocks();
        if blocks.open {
            blocks.free.push((address, bytes));
        }
    }

    /// Ends the capture: from now on every block is the graph's, and there before its first launch.
    pub(crate) fn close(&self) -> Result<()> {
        let mut blocks = self.blocks();
        blocks.open = false;
        blocks.free.clear();
        let there = self.side.synchronize();
        there.map_err(|e| Error::driver("CudaGraph", e))
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        for address in self.blocks().all.drain(..) {
            free(&self.stream, address);
        }
    }
}
