//! Device memory that tensors own: freed in the stream's order, when neither a tensor nor a captured graph has it.

use std::collections::HashMap;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use cudarc::driver::sys::{CUdeviceptr, CUmemPool_attribute};
use cudarc::driver::{CudaContext, CudaSlice, CudaStream, DriverError, result};

use super::arena::{ARENAS, Arena, free, malloc};
use super::turn::{Open, lock, turn, turn_inside};
use crate::element::Element;
use crate::error::{Error, Result};

/// An allocation.
struct Memory {
    address: CUdeviceptr,
    stream: Arc<CudaStream>,
    /// Where it goes back to, with the size of its block; nowhere where it is the driver's.
    arena: Option<(Arc<Arena>, usize)>,
    /// Captured graphs that read or write it.
    graphs: AtomicUsize,
}

impl Memory {
    fn is_of(&self, arena: &Arc<Arena>) -> bool {
        matches!(&self.arena, Some((own, _)) if Arc::ptr_eq(own, arena))
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

/// Keeps memory, and its tensors from leaving it for other memory.
struct Pin(Arc<Memory>);

impl Pin {
    fn new(memory: &Arc<Memory>) -> Self {
        memory.graphs.fetch_add(1, Ordering::Relaxed);
        Self(memory.clone())
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        self.0.graphs.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Memory from before a capture that its graph reads or writes, by address.
#[derive(Default)]
pub(crate) struct Pins(Mutex<HashMap<CUdeviceptr, Pin>>);

/// The pins of the captures that go on.
pub(super) static PINS: Open<Pins> = Open::new();

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
        let (address, arena) = match ARENAS.of(&turn, stream) {
            Some(arena) => {
                let (address, bytes) = arena.take(bytes).map_err(|e| Error::driver(OP, e))?;
                (address, Some((arena, bytes)))
            }
            None => {
                let address = malloc(stream, bytes).map_err(|e| Error::driver(OP, e))?;
                (address, None)
            }
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
    pub(crate) fn is_same_memory(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.memory, &other.memory)
    }

    /// Whether a graph has its address, so that tensors in it are written where they are.
    pub(crate) fn is_pinned(&self) -> bool {
        let of_graph = |(arena, _): &(Arc<Arena>, usize)| !arena.is_open();
        self.memory.graphs.load(Ordering::Relaxed) > 0
            || self.memory.arena.as_ref().is_some_and(of_graph)
    }

    /// Whether it is the memory of the graph that is being captured on its stream; nothing where none is.
    pub(crate) fn is_of_capture(&self, op: &'static str) -> Result<Option<bool>> {
        let turn = turn(self.stream(), op)?;
        let arena = ARENAS.of(&turn, self.stream());
        Ok(arena.map(|arena| self.memory.is_of(&arena)))
    }

    /// Notes that work on its stream is about to read or write it: a graph that is being captured keeps the memory.
    pub(crate) fn touch(&self) {
        let Some(turn) = turn_inside(self.stream()) else {
            return;
        };
        let own = |arena: Arc<Arena>| self.memory.is_of(&arena);
        if ARENAS.of(&turn, self.stream()).is_some_and(own) {
            return;
        }
        if let Some(pins) = PINS.of(&turn, self.stream()) {
            let mut pins = lock(&pins.0);
            let pin = pins.entry(self.memory.address);
            pin.or_insert_with(|| Pin::new(&self.memory));
        }
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

/// By default the driver's pool gives freed memory back at every synchronisation; kept, it is there for the next op.
pub(crate) fn keep_freed(context: &CudaContext) -> Result<(), DriverError> {
    if !context.has_async_alloc() {
        return Ok(());
    }
    let mut threshold = u64::MAX;
    // SAFETY: the pool is the live device's own, and this attribute is a u64.
    unsafe {
        let pool = result::device::get_default_mem_pool(context.cu_device())?;
        let attribute = CUmemPool_attribute::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD;
        result::mem_pool::set_attribute(pool, attribute, (&raw mut threshold).cast())
    }
}

/// Gives back what the driver's pool keeps.
pub(crate) fn trim(context: &CudaContext) -> Result<(), DriverError> {
    if !context.has_async_alloc() {
        return Ok(());
    }
    // SAFETY: the pool is the live device's own; only memory that nothing holds is given back.
    unsafe {
        let pool = result::device::get_default_mem_pool(context.cu_device())?;
        result::mem_pool::trim_to(pool, 0)
    }
}
