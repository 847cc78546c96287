//! Allocation: device, managed, pinned and registered memory.

use super::capture;
use super::context::{current, in_context};
use super::deferred;
use super::entry::{Out, api};
use super::error::{Error, Outcome};
use super::handles::Handle;
use super::heap::Kind;
use super::machine::holding;
use super::queue;
use super::trace::Shown;

const PITCH: usize = 512;

fn allocate(bytes: usize, kind: Kind) -> Outcome<u64> {
    let context = current()?;
    capture::refuse_unsafe_call()?;
    context.device.heap.alloc(bytes, kind, context.handle)
}

fn pinned(result: Out<u64>, bytes: usize, flags: u32) -> Outcome {
    const KNOWN_FLAGS: u32 = 7;
    result.check()?;
    if flags & !KNOWN_FLAGS != 0 {
        return Err(Error::INVALID_VALUE);
    }
    result.set(allocate(bytes, Kind::Pinned(flags))?)
}

/// `CUmemLocation`.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Location {
    pub kind: u32,
    pub id: i32,
}

impl Shown for Location {
    fn shown(&self) -> String {
        format!("{}:{}", self.kind, self.id)
    }
}

/// Hints about managed memory: checked, and without effect.
fn hint(address: u64, bytes: usize) -> Outcome {
    let block = holding(address)?.heap.find(address)?;
    let inside = address - block.base;
    if block.kind != Kind::Managed || bytes == 0 || bytes > block.bytes - inside as usize {
        return Err(Error::INVALID_VALUE);
    }
    Ok(())
}

in_context! {
    fn cuMemGetInfo_v2(free: Out<usize>, total: Out<usize>) {
        let memory = &current()?.device.heap.memory;
        free.set_if_wanted(memory.free_bytes());
        total.set_if_wanted(memory.total());
        Ok(())
    }

    fn cuMemAlloc_v2(result: Out<u64>, bytes: usize) {
        result.check()?;
        result.set(allocate(bytes, Kind::Device)?)
    }

    fn cuMemAllocPitch_v2(result: Out<u64>, pitch: Out<usize>, width: usize, height: usize, element: u32) {
        result.check()?;
        pitch.check()?;
        if !matches!(element, 4 | 8 | 16) || width == 0 || height == 0 {
            return Err(Error::INVALID_VALUE);
        }
        let row = width.checked_next_multiple_of(PITCH).ok_or(Error::OUT_OF_MEMORY)?;
        result.set(allocate(row.checked_mul(height).ok_or(Error::OUT_OF_MEMORY)?, Kind::Device)?)?;
        pitch.set(row)
    }

    fn cuMemAllocManaged(result: Out<u64>, bytes: usize, flags: u32) {
        const GLOBAL: u32 = 1;
        const HOST: u32 = 2;
        result.check()?;
        if !matches!(flags, GLOBAL | HOST) {
            return Err(Error::INVALID_VALUE);
        }
        result.set(allocate(bytes, Kind::Managed)?)
    }

    fn cuMemFree_v2(address: u64) {
        current()?;
        capture::refuse_unsafe_call()?;
        deferred::settle_all();
        if address == 0 {
            return Ok(());
        }
        let freeable = |kind| matches!(kind, Kind::Device | Kind::Managed | Kind::Pool(_) | Kind::Graph);
        holding(address)?.heap.free(address, freeable).map(|_| ())
    }

    fn cuMemHostAlloc(result: Out<u64>, bytes: usize, flags: u32) {
        pinned(result, bytes, flags)
    }

    fn cuMemAllocHost_v2(result: Out<u64>, bytes: usize) {
        pinned(result, bytes, 0)
    }

    fn cuMemFreeHost(address: u64) {
        current()?;
        capture::refuse_unsafe_call()?;
        deferred::settle_all();
        if address == 0 {
            return Ok(());
        }
        holding(address)?.heap.free(address, |kind| matches!(kind, Kind::Pinned(_))).map(|_| ())
    }

    fn cuMemHostGetDevicePointer_v2(result: Out<u64>, address: u64, _flags: u32) {
        current()?;
        let block = holding(address)?.heap.find(address)?;
        if !block.on_host() {
            return Err(Error::INVALID_VALUE);
        }
        result.set(address)
    }

    fn cuMemHostGetFlags(result: Out<u32>, address: u64) {
        const MAPPED: u32 = 2;
        current()?;
        match holding(address)?.heap.find(address)?.kind {
            Kind::Pinned(flags) => result.set(flags | MAPPED),
            _ => Err(Error::INVALID_VALUE),
        }
    }

    fn cuMemHostRegister_v2(address: u64, bytes: usize, flags: u32) {
        let context = current()?;
        capture::refuse_unsafe_call()?;
        if address == 0 || bytes > isize::MAX as usize || flags & !15 != 0 {
            return Err(Error::INVALID_VALUE);
        }
        context.device.heap.register(address, bytes, flags, context.handle)
    }

    fn cuMemHostUnregister(address: u64) {
        current()?;
        capture::refuse_unsafe_call()?;
        deferred::settle_all();
        let freed = holding(address)?.heap.free(address, |kind| matches!(kind, Kind::Registered(_)));
        freed.map(|_| ()).map_err(|_| Error::HOST_MEMORY_NOT_REGISTERED)
    }

    fn cuMemGetAddressRange_v2(base: Out<u64>, bytes: Out<usize>, address: u64) {
        current()?;
        let found = holding(address)?.heap.memory.find(address).filter(|found| !found.freed).ok_or(Error::NOT_FOUND)?;
        base.set_if_wanted(found.base);
        bytes.set_if_wanted(found.bytes);
        Ok(())
    }
}

api! {
    fn cuMemAdvise(address: u64, bytes: usize, _advice: u32, _device: i32) {
        current()?;
        hint(address, bytes)
    }

    fn cuMemAdvise_v2(address: u64, bytes: usize, _advice: u32, _location: Location) {
        current()?;
        hint(address, bytes)
    }

    fn cuMemPrefetchAsync(address: u64, bytes: usize, _device: i32, stream: Handle) {
        queue::find(stream)?;
        hint(address, bytes)
    }

    fn cuMemPrefetchAsync_v2(address: u64, bytes: usize, _location: Location, _flags: u32, stream: Handle) {
        queue::find(stream)?;
        hint(address, bytes)
    }
}
