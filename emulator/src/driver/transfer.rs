//! `cuMemcpy*` and `cuMemset*`.

use super::context::{by_handle, current, in_context};
use super::copy::{Copy3, End, Fill};
use super::entry::In;
use super::error::{Error, Outcome};
use super::handles::Handle;
use super::machine::holding;
use super::queue::{find, submit, submit_synchronous};
use super::work::Work;

fn copy_now(copy: Copy3) -> Outcome {
    current()?;
    copy.check()?;
    submit_synchronous(Work::Copy(copy))
}

fn copy_later(copy: Copy3, stream: Handle) -> Outcome {
    let stream = find(stream)?;
    copy.check()?;
    submit(&stream, Work::Copy(copy))
}

fn fill_now(fill: Fill) -> Outcome {
    current()?;
    fill.check()?;
    submit_synchronous(Work::Fill(fill))
}

fn fill_later(fill: Fill, stream: Handle) -> Outcome {
    let stream = find(stream)?;
    fill.check()?;
    submit(&stream, Work::Fill(fill))
}

/// Refuses ends that are not memory of the devices of these contexts. The host's memory has none.
fn peers(copy: Copy3, to: Handle, from: Handle) -> Outcome<Copy3> {
    for (end, context) in [(copy.to, to), (copy.from, from)] {
        if !end.device {
            continue;
        }
        let device = by_handle(context)?.device;
        if !copy.is_empty() && holding(end.address)?.ordinal != device.ordinal {
            return Err(Error::INVALID_VALUE);
        }
    }
    Ok(copy)
}

fn linear(to: End, from: End, bytes: usize) -> Copy3 {
    Copy3::linear(to, from, bytes)
}

fn rows(
    address: u64,
    pitch: usize,
    value: u32,
    element: usize,
    width: usize,
    height: usize,
) -> Fill {
    Fill {
        address,
        pitch,
        value,
        element,
        width,
        height,
    }
}

/// One half of `CUDA_MEMCPY2D`.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Half2 {
    x: usize,
    y: usize,
    kind: u32,
    host: u64,
    device: u64,
    array: Handle,
    pitch: usize,
}

/// `CUDA_MEMCPY2D`.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Params2 {
    from: Half2,
    to: Half2,
    width: usize,
    height: usize,
}

/// One half of `CUDA_MEMCPY3D`, and of `CUDA_MEMCPY3D_PEER`, which has a context in a place that is reserved otherwise.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Half3 {
    x: usize,
    y: usize,
    z: usize,
    level: usize,
    kind: u32,
    host: u64,
    device: u64,
    array: Handle,
    context: Handle,
    pitch: usize,
    height: usize,
}

/// `CUDA_MEMCPY3D`.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Params3 {
    from: Half3,
    to: Half3,
    width: usize,
    height: usize,
    depth: usize,
}

impl Half3 {
    /// `CUmemorytype`: 1 host, 2 device, 3 array, 4 unified.
    fn end(&self, params: &Params3) -> Outcome<End> {
        let (base, device) = match self.kind {
            1 => (self.host, false),
            2 => (self.device, true),
            4 => (self.device, false),
            3 => return Err(Error::NOT_SUPPORTED),
            _ => return Err(Error::INVALID_VALUE),
        };
        let wrong = Error::INVALID_VALUE;
        let pitch = if self.pitch == 0 {
            self.x.checked_add(params.width).ok_or(wrong)?
        } else {
            self.pitch
        };
        let height = if self.height == 0 {
            self.y.checked_add(params.height).ok_or(wrong)?
        } else {
            self.height
        };
        let offset = self
            .z
            .checked_mul(height)
            .and_then(|n| n.checked_add(self.y));
        let offset = offset
            .and_then(|n| n.checked_mul(pitch))
            .and_then(|n| n.checked_add(self.x))
            .ok_or(wrong)?;
        if base == 0 {
            return Err(wrong);
        }
        Ok(End {
            address: base.checked_add(offset as u64).ok_or(wrong)?,
            device,
            pitch,
            height,
        })
    }
}

impl Params3 {
    pub fn copy(&self) -> Outcome<Copy3> {
        Ok(Copy3 {
            to: self.to.end(self)?,
            from: self.from.end(self)?,
            width: self.width,
            height: self.height,
            depth: self.depth,
        })
    }
}

impl Params3 {
    fn copy_between_contexts(&self) -> Outcome<Copy3> {
        peers(self.copy()?, self.to.context, self.from.context)
    }
}

impl Params2 {
    fn copy(&self) -> Outcome<Copy3> {
        let half = |half: &Half2| Half3 {
            x: half.x,
            y: half.y,
            z: 0,
            level: 0,
            kind: half.kind,
            host: half.host,
            device: half.device,
            array: half.array,
            context: 0,
            pitch: half.pitch,
            height: 0,
        };
        let (from, to) = (half(&self.from), half(&self.to));
        Params3 {
            from,
            to,
            width: self.width,
            height: self.height,
            depth: 1,
        }
        .copy()
    }
}

in_context! {
    fn cuMemcpy(to: u64, from: u64, bytes: usize) {
        copy_now(linear(End::any(to), End::any(from), bytes))
    }
    fn cuMemcpyAsync(to: u64, from: u64, bytes: usize, stream: Handle) {
        copy_later(linear(End::any(to), End::any(from), bytes), stream)
    }
    fn cuMemcpyHtoD_v2(to: u64, from: u64, bytes: usize) {
        copy_now(linear(End::device(to), End::any(from), bytes))
    }
    fn cuMemcpyHtoDAsync_v2(to: u64, from: u64, bytes: usize, stream: Handle) {
        copy_later(linear(End::device(to), End::any(from), bytes), stream)
    }
    fn cuMemcpyDtoH_v2(to: u64, from: u64, bytes: usize) {
        copy_now(linear(End::any(to), End::device(from), bytes))
    }
    fn cuMemcpyDtoHAsync_v2(to: u64, from: u64, bytes: usize, stream: Handle) {
        copy_later(linear(End::any(to), End::device(from), bytes), stream)
    }
    fn cuMemcpyDtoD_v2(to: u64, from: u64, bytes: usize) {
        copy_now(linear(End::device(to), End::device(from), bytes))
    }
    fn cuMemcpyDtoDAsync_v2(to: u64, from: u64, bytes: usize, stream: Handle) {
        copy_later(linear(End::device(to), End::device(from), bytes), stream)
    }
    fn cuMemcpyPeer(to: u64, to_context: Handle, from: u64, from_context: Handle, bytes: usize) {
        copy_now(peers(linear(End::device(to), End::device(from), bytes), to_context, from_context)?)
    }
    fn cuMemcpyPeerAsync(
        to: u64, to_context: Handle, from: u64, from_context: Handle, bytes: usize, stream: Handle,
    ) {
        copy_later(peers(linear(End::device(to), End::device(from), bytes), to_context, from_context)?, stream)
    }
    fn cuMemcpy3DPeer(params: In<Params3>) {
        copy_now(params.get()?.copy_between_contexts()?)
    }
    fn cuMemcpy3DPeerAsync(params: In<Params3>, stream: Handle) {
        copy_later(params.get()?.copy_between_contexts()?, stream)
    }
    fn cuMemcpy2D_v2(params: In<Params2>) {
        copy_now(params.get()?.copy()?)
    }
    fn cuMemcpy2DUnaligned_v2(params: In<Params2>) {
        copy_now(params.get()?.copy()?)
    }
    fn cuMemcpy2DAsync_v2(params: In<Params2>, stream: Handle) {
        copy_later(params.get()?.copy()?, stream)
    }
    fn cuMemcpy3D_v2(params: In<Params3>) {
        copy_now(params.get()?.copy()?)
    }
    fn cuMemcpy3DAsync_v2(params: In<Params3>, stream: Handle) {
        copy_later(params.get()?.copy()?, stream)
    }
    fn cuMemsetD8_v2(address: u64, value: u8, count: usize) {
        fill_now(Fill::linear(address, value.into(), 1, count))
    }
    fn cuMemsetD16_v2(address: u64, value: u16, count: usize) {
        fill_now(Fill::linear(address, value.into(), 2, count))
    }
    fn cuMemsetD32_v2(address: u64, value: u32, count: usize) {
        fill_now(Fill::linear(address, value, 4, count))
    }
    fn cuMemsetD8Async(address: u64, value: u8, count: usize, stream: Handle) {
        fill_later(Fill::linear(address, value.into(), 1, count), stream)
    }
    fn cuMemsetD16Async(address: u64, value: u16, count: usize, stream: Handle) {
        fill_later(Fill::linear(address, value.into(), 2, count), stream)
    }
    fn cuMemsetD32Async(address: u64, value: u32, count: usize, stream: Handle) {
        fill_later(Fill::linear(address, value, 4, count), stream)
    }
    fn cuMemsetD2D8_v2(address: u64, pitch: usize, value: u8, width: usize, height: usize) {
        fill_now(rows(address, pitch, value.into(), 1, width, height))
    }
    fn cuMemsetD2D16_v2(address: u64, pitch: usize, value: u16, width: usize, height: usize) {
        fill_now(rows(address, pitch, value.into(), 2, width, height))
    }
    fn cuMemsetD2D32_v2(address: u64, pitch: usize, value: u32, width: usize, height: usize) {
        fill_now(rows(address, pitch, value, 4, width, height))
    }
    fn cuMemsetD2D8Async(address: u64, pitch: usize, value: u8, width: usize, height: usize, stream: Handle) {
        fill_later(rows(address, pitch, value.into(), 1, width, height), stream)
    }
    fn cuMemsetD2D16Async(address: u64, pitch: usize, value: u16, width: usize, height: usize, stream: Handle) {
        fill_later(rows(address, pitch, value.into(), 2, width, height), stream)
    }
    fn cuMemsetD2D32Async(address: u64, pitch: usize, value: u32, width: usize, height: usize, stream: Handle) {
        fill_later(rows(address, pitch, value, 4, width, height), stream)
    }
}
