//! Memory pools and stream-ordered allocation. A pool is an owner and some figures: memory goes back at once.

use super::capture;
use super::context::{current, in_context};
use super::deferred;
use super::device::{self, Ordinal, device};
use super::entry::{In, Out, api};
use super::error::{Error, Outcome};
use super::handles::{Handle, Table, lock};
use super::heap::Kind;
use super::memory::Location;
use super::queue;
use super::work::Work;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

pub struct Pool {
    pub handle: Handle,
    is_default: bool,
    /// 0 for no limit.
    max_bytes: usize,
    reuse: Mutex<[u32; 3]>,
    release_threshold: AtomicU64,
    high: AtomicU64,
}

static POOLS: Table<Pool> = Table::new();
static CURRENT: Mutex<Option<Handle>> = Mutex::new(None);

const PINNED: u32 = 1;
const ON_DEVICE: u32 = 1;

/// `CUmemPoolProps`.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Properties {
    kind: u32,
    handle_types: u32,
    location: Location,
    security: usize,
    max_bytes: usize,
    usage: u16,
    reserved: [u8; 54],
}

fn create(is_default: bool, max_bytes: usize) -> Arc<Pool> {
    POOLS.insert(|handle| Pool {
        handle,
        is_default,
        max_bytes,
        reuse: Mutex::new([1; 3]),
        release_threshold: AtomicU64::new(0),
        high: AtomicU64::new(0),
    })
}

fn default_pool() -> &'static Arc<Pool> {
    static DEFAULT: OnceLock<Arc<Pool>> = OnceLock::new();
    DEFAULT.get_or_init(|| create(true, 0))
}

fn current_pool() -> Outcome<Arc<Pool>> {
    match *lock(&CURRENT) {
        Some(handle) => POOLS.get(handle),
        None => Ok(default_pool().clone()),
    }
}

fn by_handle(handle: Handle) -> Outcome<Arc<Pool>> {
    device()?;
    default_pool();
    POOLS.get(handle).map_err(|_| Error::INVALID_VALUE)
}

impl Pool {
    fn used(&self) -> Outcome<u64> {
        Ok(device()?
            .heap
            .used(|block| block.kind == Kind::Pool(self.handle)) as u64)
    }
}

fn allocate(result: Out<u64>, bytes: usize, pool: &Pool, stream: Handle) -> Outcome {
    result.check()?;
    let stream = queue::find(stream)?;
    let heap = &device()?.heap;
    if stream.is_capturing() {
        // A node's address is fixed now and belongs to the graph; the bytes come and go with each run.
        let address = heap.alloc(bytes, Kind::Graph, stream.context)?;
        let recorded = capture::record(&stream, || Work::Alloc { address, bytes });
        if recorded != Ok(true) {
            heap.free(address, |_| true)?;
            return Err(recorded.err().unwrap_or(Error::STREAM_CAPTURE_INVALIDATED));
        }
        return result.set(address);
    }
    if pool.max_bytes != 0 && pool.used()? + bytes as u64 > pool.max_bytes as u64 {
        return Err(Error::OUT_OF_MEMORY);
    }
    let address = heap.alloc(bytes, Kind::Pool(pool.handle), stream.context)?;
    pool.high.fetch_max(pool.used()?, Ordering::Relaxed);
    result.set(address)
}

in_context! {
    fn cuMemAllocAsync(result: Out<u64>, bytes: usize, stream: Handle) {
        device()?;
        let pool = current_pool()?;
        allocate(result, bytes, &pool, stream)
    }

    fn cuMemAllocFromPoolAsync(result: Out<u64>, bytes: usize, pool: Handle, stream: Handle) {
        let pool = by_handle(pool)?;
        allocate(result, bytes, &pool, stream)
    }

    fn cuMemFreeAsync(address: u64, stream: Handle) {
        let stream = queue::find(stream)?;
        let heap = &device()?.heap;
        if address == 0 {
            return Ok(());
        }
        let kind = heap.find(address)?.kind;
        if heap.find(address)?.base != address || !matches!(kind, Kind::Pool(_) | Kind::Graph | Kind::Device) {
            return Err(Error::INVALID_VALUE);
        }
        if stream.is_capturing() {
            // the free becomes a node, and a graph frees only what a graph has allocated
            return match kind {
                Kind::Graph => capture::record(&stream, || Work::Free { address }).map(|_| ()),
                _ => Err(Error::INVALID_VALUE),
            };
        }
        if deferred::on() && kind != Kind::Graph {
            return queue::submit(&stream, Work::Free { address });
        }
        deferred::settle(&stream);
        heap.free(address, |kind| matches!(kind, Kind::Pool(_) | Kind::Graph | Kind::Device)).map(|_| ())
    }
}

api! {
    fn cuMemPoolCreate(result: Out<Handle>, properties: In<Properties>) {
        device()?;
        result.check()?;
        let properties = properties.get()?;
        if properties.kind != PINNED || properties.location.kind != ON_DEVICE {
            return Err(Error::INVALID_VALUE);
        }
        device::check(properties.location.id)?;
        if properties.handle_types != 0 {
            return Err(Error::NOT_SUPPORTED);
        }
        result.set(create(false, properties.max_bytes).handle)
    }

    fn cuMemPoolDestroy(handle: Handle) {
        if by_handle(handle)?.is_default {
            return Err(Error::INVALID_VALUE);
        }
        let mut current = lock(&CURRENT);
        if *current == Some(handle) {
            *current = None;
        }
        POOLS.remove(handle).map(|_| ())
    }

    fn cuMemPoolTrimTo(handle: Handle, _keep: usize) {
        by_handle(handle).map(|_| ())
    }

    fn cuMemPoolSetAttribute(handle: Handle, attribute: u32, value: Out<u64>) {
        let pool = by_handle(handle)?;
        match attribute {
            1..=3 => lock(&pool.reuse)[attribute as usize - 1] = value.cast::<u32>().get()?,
            4 => pool.release_threshold.store(value.get()?, Ordering::Relaxed),
            6 | 8 if value.get()? == 0 => pool.high.store(pool.used()?, Ordering::Relaxed),
            _ => return Err(Error::INVALID_VALUE),
        }
        Ok(())
    }

    fn cuMemPoolGetAttribute(handle: Handle, attribute: u32, value: Out<u64>) {
        let pool = by_handle(handle)?;
        match attribute {
            1..=3 => value.cast::<u32>().set(lock(&pool.reuse)[attribute as usize - 1]),
            4 => value.set(pool.release_threshold.load(Ordering::Relaxed)),
            5 | 7 => value.set(pool.used()?),
            6 | 8 => value.set(pool.high.load(Ordering::Relaxed)),
            _ => Err(Error::INVALID_VALUE),
        }
    }

    fn cuMemPoolSetAccess(handle: Handle, _descriptions: In<u8>, _count: usize) {
        by_handle(handle).map(|_| ())
    }

    fn cuMemPoolGetAccess(result: Out<u32>, handle: Handle, location: In<Location>) {
        const READ_AND_WRITE: u32 = 3;
        by_handle(handle)?;
        device::check(location.get()?.id)?;
        result.set(READ_AND_WRITE)
    }

    fn cuDeviceGetDefaultMemPool(result: Out<Handle>, ordinal: Ordinal) {
        device::check(ordinal)?;
        result.set(default_pool().handle)
    }

    fn cuDeviceGetMemPool(result: Out<Handle>, ordinal: Ordinal) {
        device::check(ordinal)?;
        result.set(current_pool()?.handle)
    }

    fn cuDeviceSetMemPool(ordinal: Ordinal, handle: Handle) {
        device::check(ordinal)?;
        by_handle(handle)?;
        *lock(&CURRENT) = Some(handle);
        Ok(())
    }

    fn cuDeviceGraphMemTrim(ordinal: Ordinal) {
        device::check(ordinal)
    }

    fn cuDeviceGetGraphMemAttribute(ordinal: Ordinal, attribute: u32, value: Out<u64>) {
        device::check(ordinal)?;
        current()?;
        if attribute > 3 {
            return Err(Error::INVALID_VALUE);
        }
        value.set(device()?.heap.used(|block| block.kind == Kind::Graph) as u64)
    }
}
