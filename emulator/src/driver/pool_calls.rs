//! Stream-ordered allocation, and the calls about pools.

use super::capture;
use super::context::{current, in_context};
use super::deferred;
use super::entry::{In, Out, api};
use super::error::{Error, Outcome};
use super::handles::{Handle, lock};
use super::heap::Kind;
use super::machine::{Ordinal, device, holding, machine};
use super::memory::Location;
use super::pool::{CURRENT, NO_ACCESS, POOLS, Pool};
use super::pool::{by_handle, create, current_pool, default_pool};
use super::queue;
use super::work::Work;
use std::sync::atomic::Ordering;

const PINNED: u32 = 1;
const ON_DEVICE: u32 = 1;
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
