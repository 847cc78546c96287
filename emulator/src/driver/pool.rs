//! Memory pools and stream-ordered allocation. A pool is an owner and some figures: memory goes back at once.

use super::capture;
use super::context::{current, in_context};
use super::deferred;
use super::entry::{In, Out, api};
use super::error::{Error, Outcome};
use super::handles::{Handle, Table, lock};
use super::heap::{Block, Kind};
use super::machine::{Device, Ordinal, device, holding, machine};
use super::memory::Location;
use super::queue;
use super::work::Work;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

pub struct Pool {
    pub handle: Handle,
    device: &'static Device,
    is_default: bool,
    /// Other devices whose kernels reach its memory.
    shared_with: Mutex<BTreeMap<Ordinal, u32>>,
    /// 0 for no limit.
    max_bytes: usize,
    reuse: Mutex<[u32; 3]>,
    release_threshold: AtomicU64,
    high: AtomicU64,
}

static POOLS: Table<Pool> = Table::new();
/// Pools that allocations without one come from, of devices for which another than the default was set.
static CURRENT: Mutex<BTreeMap<Ordinal, Handle>> = Mutex::new(BTreeMap::new());

const PINNED: u32 = 1;
const ON_DEVICE: u32 = 1;
const NO_ACCESS: u32 = 0;
const READ_AND_WRITE: u32 = 3;

/// `CUmemAccessDesc`.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Access {
    location: Location,
    flags: u32,
}

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

fn create(device: &'static Device, is_default: bool, max_bytes: usize) -> Arc<Pool> {
    POOLS.insert(|handle| Pool {
        handle,
        device,
        is_default,
        shared_with: Mutex::default(),
        max_bytes,
        reuse: Mutex::new([1; 3]),
        release_threshold: AtomicU64::new(0),
        high: AtomicU64::new(0),
    })
}

fn default_pool(device: &'static Device) -> Arc<Pool> {
    static DEFAULT: Mutex<BTreeMap<Ordinal, Arc<Pool>>> = Mutex::new(BTreeMap::new());
    let mut pools = lock(&DEFAULT);
    let pool = pools.entry(device.ordinal);
    pool.or_insert_with(|| create(device, true, 0)).clone()
}

fn current_pool(device: &'static Device) -> Outcome<Arc<Pool>> {
    match lock(&CURRENT).get(&device.ordinal) {
        Some(handle) => POOLS.get(*handle),
        None => Ok(default_pool(device)),
    }
}

fn by_handle(handle: Handle) -> Outcome<Arc<Pool>> {
    machine()?;
    POOLS.get(handle).map_err(|_| Error::INVALID_VALUE)
}

/// Whether a device that is not the pool's own reaches its memory.
pub fn is_shared_with(pool: Handle, device: Ordinal) -> bool {
    let access = |pool: Arc<Pool>| lock(&pool.shared_with).get(&device).copied();
    POOLS.get(pool).ok().and_then(access).unwrap_or(NO_ACCESS) != NO_ACCESS
}

impl Pool {
    fn used(&self) -> u64 {
        let of_pool = |block: &Block| block.kind == Kind::Pool(self.handle);
        self.device.heap.used(of_pool) as u64
    }
}

fn allocate(result: Out<u64>, bytes: usize, pool: &Pool, stream: Handle) -> Outcome {
    result.check()?;
    let stream = queue::find(stream)?;
    let heap = &pool.device.heap;
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
    if pool.max_bytes != 0 && pool.used() + bytes as u64 > pool.max_bytes as u64 {
        return Err(Error::OUT_OF_MEMORY);
    }
    let address = heap.alloc(bytes, Kind::Pool(pool.handle), stream.context)?;
    pool.high.fetch_max(pool.used(), Ordering::Relaxed);
    result.set(address)
}

in_context! {
    fn cuMemAllocAsync(result: Out<u64>, bytes: usize, stream: Handle) {
        // the device is the stream's, not the thread's
        let pool = current_pool(queue::context_of(&*queue::find(stream)?)?.device)?;
        allocate(result, bytes, &pool, stream)
    }

    fn cuMemAllocFromPoolAsync(result: Out<u64>, bytes: usize, pool: Handle, stream: Handle) {
        let pool = by_handle(pool)?;
        allocate(result, bytes, &pool, stream)
    }

    fn cuMemFreeAsync(address: u64, stream: Handle) {
        let stream = queue::find(stream)?;
        let heap = &holding(address)?.heap;
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
        machine()?;
        result.check()?;
        let properties = properties.get()?;
        if properties.kind != PINNED || properties.location.kind != ON_DEVICE {
            return Err(Error::INVALID_VALUE);
        }
        let device = device(properties.location.id)?;
        if properties.handle_types != 0 {
            return Err(Error::NOT_SUPPORTED);
        }
        result.set(create(device, false, properties.max_bytes).handle)
    }

    fn cuMemPoolDestroy(handle: Handle) {
        if by_handle(handle)?.is_default {
            return Err(Error::INVALID_VALUE);
        }
        lock(&CURRENT).retain(|_, current| *current != handle);
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
            6 | 8 if value.get()? == 0 => pool.high.store(pool.used(), Ordering::Relaxed),
            _ => return Err(Error::INVALID_VALUE),
        }
        Ok(())
    }

    fn cuMemPoolGetAttribute(handle: Handle, attribute: u32, value: Out<u64>) {
        let pool = by_handle(handle)?;
        match attribute {
            1..=3 => value.cast::<u32>().set(lock(&pool.reuse)[attribute as usize - 1]),
            4 => value.set(pool.release_threshold.load(Ordering::Relaxed)),
            5 | 7 => value.set(pool.used()),
            6 | 8 => value.set(pool.high.load(Ordering::Relaxed)),
            _ => Err(Error::INVALID_VALUE),
        }
    }

    fn cuMemPoolSetAccess(handle: Handle, descriptions: In<Access>, count: usize) {
        let pool = by_handle(handle)?;
        let wanted = descriptions.list(count)?;
        for access in &wanted {
            let own = device(access.location.id)?.ordinal == pool.device.ordinal;
            let known = matches!(access.flags, NO_ACCESS | READ_AND_WRITE);
            // the pool's own device cannot be kept out
            if access.location.kind != ON_DEVICE || !known || (own && access.flags == NO_ACCESS) {
                return Err(Error::INVALID_VALUE);
            }
        }
        let mut shared = lock(&pool.shared_with);
        shared.extend(wanted.iter().map(|access| (access.location.id, access.flags)));
        Ok(())
    }

    fn cuMemPoolGetAccess(result: Out<u32>, handle: Handle, location: In<Location>) {
        let (pool, of) = (by_handle(handle)?, device(location.get()?.id)?.ordinal);
        let own = of == pool.device.ordinal;
        result.set(match lock(&pool.shared_with).get(&of) {
            Some(flags) => *flags,
            None if own => READ_AND_WRITE,
            None => NO_ACCESS,
        })
    }

    fn cuDeviceGetDefaultMemPool(result: Out<Handle>, ordinal: Ordinal) {
        result.set(default_pool(device(ordinal)?).handle)
    }

    fn cuDeviceGetMemPool(result: Out<Handle>, ordinal: Ordinal) {
        result.set(current_pool(device(ordinal)?)?.handle)
    }

    fn cuDeviceSetMemPool(ordinal: Ordinal, handle: Handle) {
        if by_handle(handle)?.device.ordinal != device(ordinal)?.ordinal {
            return Err(Error::INVALID_VALUE);
        }
        lock(&CURRENT).insert(ordinal, handle);
        Ok(())
    }

    fn cuDeviceGraphMemTrim(ordinal: Ordinal) {
        device(ordinal).map(|_| ())
    }

    fn cuDeviceGetGraphMemAttribute(ordinal: Ordinal, attribute: u32, value: Out<u64>) {
        let device = device(ordinal)?;
        current()?;
        if attribute > 3 {
            return Err(Error::INVALID_VALUE);
        }
        value.set(device.heap.used(|block| block.kind == Kind::Graph) as u64)
    }
}
