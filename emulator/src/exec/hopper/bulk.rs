//! `cp.async.bulk`, `cp.reduce.async.bulk` of plain runs of bytes.

use super::inbound::Inbound;
use super::outbound::{Outgoing, Piece};
use super::place::Place;
use crate::check::FaultKind;
use crate::exec::access::Kind;
use crate::exec::atomic::Cell;
use crate::exec::context::Context;
use crate::exec::handler::Op;
use crate::exec::inst::{Flow, Inst, NONE, level};
use crate::memory::Range;

/// What a reducing copy does with each element, by the numbers of `atomic::op`.
#[derive(Clone, Copy)]
pub struct Reduction {
    pub op: u8,
    /// Bytes of an element: 2, 4 or 8.
    pub bytes: u8,
}

impl Reduction {
    /// From modifier bytes: none where the size is 0.
    fn of(op: u8, bytes: u8) -> Option<Reduction> {
        (bytes != 0).then_some(Reduction { op, bytes })
    }

    /// Reduces `data` into what is at `target`.
    ///
    /// # Safety
    /// `target` has room for `data` and is aligned to elements.
    pub unsafe fn reduce(self, target: *mut u8, data: &[u8]) {
        fn elements<T: Cell>(op: u8, target: *mut u8, data: &[u8], read: impl Fn(&[u8]) -> T) {
            for (n, bytes) in data.chunks_exact(size_of::<T>()).enumerate() {
                let value = read(bytes);
                let at = target.cast::<T>().wrapping_add(n);
                // SAFETY: the promise of `reduce`, which alone calls this.
                unsafe { T::update(at, |old| T::apply(op, old, value, value)) };
            }
        }
        match self.bytes {
            2 => elements(self.op, target, data, |b| u16::from_le_bytes([b[0], b[1]])),
            4 => elements(self.op, target, data, |b| {
                u32::from_le_bytes([b[0], b[1], b[2], b[3]])
            }),
            _ => elements(self.op, target, data, |b| {
                u64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]])
            }),
        }
    }
}

/// Modifier bytes.
pub mod modifier {
    /// Whether the addresses have 64 bits.
    pub const WIDE_TARGET: usize = 0;
    pub const WIDE_SOURCE: usize = 1;
    pub const WIDE_BARRIER: usize = 2;
    /// The reduction's operation, and bytes of its elements or 0.
    pub const OP: usize = 3;
    pub const ELEMENT: usize = 4;
    /// Whether the source is shared memory.
    pub const FROM_SHARED: usize = 5;
    /// Dimensions of a tensor copy.
    pub const RANK: usize = 6;
}
use modifier::*;

impl Context<'_> {
    /// The allocation that holds a run of global memory that a lane's copy reads or writes.
    pub fn global_run(
        &mut self,
        i: &Inst,
        lane: usize,
        address: u64,
        bytes: u32,
        kind: Kind,
    ) -> Result<Range, Flow> {
        let next = self.launch.ranges.partition_point(|r| r.base <= address);
        let range = next
            .checked_sub(1)
            .and_then(|at| self.launch.ranges.get(at));
        match range {
            Some(range) if address + u64::from(bytes) <= range.end => Ok(range.clone()),
            _ => Err(self.out_of_bounds(i, lane, address, bytes, kind)),
        }
    }

    /// Bytes of global memory that a lane's copy reads.
    pub fn read_global(
        &mut self,
        i: &Inst,
        lane: usize,
        address: u64,
        out: &mut [u8],
    ) -> Result<(), Flow> {
        let bytes = out.len() as u32;
        let range = self.global_run(i, lane, address, bytes, Kind::Read)?;
        if self.launch.options.checks.uninitialised && !range.shadow.is_null() {
            let at = (address - range.base) as usize;
            // SAFETY: `global_run` found the bytes in this allocation, and its shadow is as long.
            let written = unsafe { std::slice::from_raw_parts(range.shadow.add(at), out.len()) };
            if let Some(n) = written.iter().position(|b| *b == 0) {
                let at = [address + n as u64; 32];
                return Err(self.uninitialised(i, lane, &at, bytes));
            }
        }
        // SAFETY: `global_run` found the bytes in a live allocation.
        unsafe { std::ptr::copy_nonoverlapping(address as *const u8, out.as_mut_ptr(), out.len()) };
        Ok(())
    }

    /// Sends a copy on its way to a block of the cluster.
    pub fn send(
        &mut self,
        i: &Inst,
        lane: usize,
        target: Place,
        barrier: Place,
        data: Vec<u8>,
    ) -> Result<(), Flow> {
        let own = target.rank == self.block.rank;
        let thread = if own { self.thread(lane) } else { 0 };
        let (full, bytes) = (self.launch.level == level::FULL, data.len() as u32);
        let reduction = Reduction::of(i.m[OP], i.m[ELEMENT]);
        let block = self.block_of(target.rank);
        block.events += 1;
        let mut finding = None;
        if full {
            let issuer = own.then_some(thread);
            finding = block
                .readers
                .over(target.offset, bytes)
                .map(|line| crate::check::shared::Finding::InUse { line })
                .or_else(|| {
                    block
                        .shadow
                        .begin_bulk(issuer, i.line, target.offset, bytes)
                });
        }
        block.inbox.push(Inbound {
            barrier: barrier.offset,
            target: target.offset,
            data,
            reduction,
            line: i.line,
            thread,
        });
        let object = block.mbarriers.get(barrier.offset).map(|_| ());
        if let Err(what) = object {
            self.mbarrier_fault(i, lane, barrier, &what)?;
        }
        match finding {
            Some(finding) => Err(self.fail_shared(i, lane, true, target.offset, bytes, finding)),
            None => Ok(()),
        }
    }

    /// To the blocks of a mask, or to the one that the address is in.
    pub fn send_all(
        &mut self,
        i: &Inst,
        lane: usize,
        target: Place,
        barrier: Place,
        mask: Option<u32>,
        data: Vec<u8>,
    ) -> Result<(), Flow> {
        let Some(mask) = mask else {
            if target.rank != barrier.rank {
                let what =
                    "Asynchronous copy whose mbarrier is not in the block of its destination";
                return Err(self.fail(i, lane, FaultKind::LaunchFailed, what, &[]));
            }
            return self.send(i, lane, target, barrier, data);
        };
        if mask >> self.ranks() != 0 || mask == 0 {
            let what = format!(
                "Multicast to blocks 0x{mask:x} of a cluster of {}",
                self.ranks()
            );
            return Err(self.fail(i, lane, FaultKind::LaunchFailed, &what, &[]));
        }
        for rank in crate::check::bits(mask) {
            let rank = rank as u32;
            let (target, barrier) = (Place { rank, ..target }, Place { rank, ..barrier });
            self.send(i, lane, target, barrier, data.clone())?;
        }
        Ok(())
    }

    fn bulk_size(&mut self, i: &Inst, lane: usize, bytes: u32) -> Result<(), Flow> {
        if bytes.is_multiple_of(16) && bytes > 0 || !self.launch.options.checks.bounds {
            return Ok(());
        }
        let what = format!("Bulk copy of {bytes} bytes, which is no multiple of 16");
        Err(self.fail(i, lane, FaultKind::LaunchFailed, &what, &[]))
    }
}

/// The runs of global memory that an instruction's lanes read or write.
pub fn accesses(c: &Context<'_>, i: &Inst, kind: Kind, mut f: impl FnMut(usize, u64, u32)) {
    let (operand, wide) = match kind {
        Kind::Read => (1, WIDE_SOURCE),
        _ => (0, WIDE_TARGET),
    };
    let at = c.addresses(i.r[operand], i.m[wide] != 0, 0);
    let sizes = c.row::<u32>(i.r[2]);
    for lane in c.lanes().filter(|lane| sizes.get(*lane) > 0) {
        f(lane, at[lane], sizes.get(lane));
    }
}

/// Into shared memory. `r`: target, source, bytes, barrier, mask of blocks or none.
pub struct Inward;
impl Op for Inward {
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        let targets = c.addresses(i.r[0], i.m[WIDE_TARGET] != 0, 0);
        let sources = c.addresses(i.r[1], i.m[WIDE_SOURCE] != 0, 0);
        let sizes = c.row::<u32>(i.r[2]).all();
        let barriers = c.addresses(i.r[3], i.m[WIDE_BARRIER] != 0, 0);
        let masks = (i.r[4] != NONE).then(|| c.row::<u16>(i.r[4]).all());
        for lane in c.lanes() {
            let mask = masks.map(|m| u32::from(m[lane]));
            let ends = (targets[lane], sources[lane], barriers[lane]);
            if let Err(flow) = into(c, i, lane, ends, sizes[lane], mask) {
                return flow;
            }
        }
        Flow::Next
    }
}

fn into(
    c: &mut Context<'_>,
    i: &Inst,
    lane: usize,
    (target, source, barrier): (u64, u64, u64),
    bytes: u32,
    mask: Option<u32>,
) -> Result<(), Flow> {
    c.bulk_size(i, lane, bytes)?;
    let target = c.place(i, lane, target, bytes, 16, "bulk copy to")?;
    let barrier = c.place(i, lane, barrier, 8, 8, "mbarrier of a bulk copy")?;
    let mut data = vec![0; bytes as usize];
    if i.m[FROM_SHARED] != 0 {
        let from = c.place(i, lane, source, bytes, 16, "bulk copy from")?;
        c.begin_reading(i, lane, from.offset, bytes)?;
        let host = c.block.shared_pointer(from.offset);
        // SAFETY: `place` found the bytes inside the block's shared memory.
        unsafe { host.copy_to_nonoverlapping(data.as_mut_ptr(), data.len()) };
    } else {
        aligned(c, i, lane, source, bytes, Kind::Read)?;
        c.read_global(i, lane, source, &mut data)?;
    }
    c.send_all(i, lane, target, barrier, mask, data)
}

fn aligned(
    c: &mut Context<'_>,
    i: &Inst,
    lane: usize,
    address: u64,
    bytes: u32,
    kind: Kind,
) -> Result<(), Flow> {
    if address.is_multiple_of(16) {
        return Ok(());
    }
    let what = format!(
        "Invalid __global__ bulk {} of size {bytes} bytes",
        kind.verb()
    );
    let more = [format!(
        "Address 0x{address:x} is misaligned: it must be a multiple of 16"
    )];
    Err(c.fail(i, lane, FaultKind::MisalignedAddress, &what, &more))
}

/// Out of shared memory. `r`: target, source, bytes.
pub struct Outward;
impl Op for Outward {
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        let targets = c.addresses(i.r[0], i.m[WIDE_TARGET] != 0, 0);
        let sources = c.addresses(i.r[1], i.m[WIDE_SOURCE] != 0, 0);
        let sizes = c.row::<u32>(i.r[2]).all();
        for lane in c.lanes() {
            let (target, bytes) = (targets[lane], sizes[lane]);
            let started = c.bulk_size(i, lane, bytes).and_then(|()| {
                let source = c.place(i, lane, sources[lane], bytes, 16, "bulk copy from")?;
                aligned(c, i, lane, target, bytes, Kind::Write)?;
                c.global_run(i, lane, target, bytes, Kind::Write)?;
                let piece = Piece {
                    global: target,
                    shared: source.offset,
                    bytes,
                };
                c.take_out(i, lane, (source.offset, bytes), vec![piece])
            });
            if let Err(flow) = started {
                return flow;
            }
        }
        Flow::Next
    }
}

impl Context<'_> {
    /// Starts a lane's copy out of shared memory.
    pub fn take_out(
        &mut self,
        i: &Inst,
        lane: usize,
        source: (u32, u32),
        pieces: Vec<Piece>,
    ) -> Result<(), Flow> {
        self.begin_reading(i, lane, source.0, source.1)?;
        if self.launch.options.checks.async_copies {
            self.block.readers.begin(source.0, source.1, i.line);
        }
        let group = self.warp.outbound.group(lane);
        self.warp.outbound.push(Outgoing {
            lane: lane as u8,
            group,
            source,
            pieces,
            reduction: Reduction::of(i.m[OP], i.m[ELEMENT]),
            line: i.line,
        });
        Ok(())
    }
}

/// `cp.async.bulk.prefetch`: nothing to do but to look at the range.
pub struct Prefetch;
impl Op for Prefetch {
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        let sources = c.addresses(i.r[1], i.m[WIDE_SOURCE] != 0, 0);
        let sizes = c.row::<u32>(i.r[2]).all();
        for lane in c.lanes() {
            let looked = c.bulk_size(i, lane, sizes[lane]).and_then(|()| {
                aligned(c, i, lane, sources[lane], sizes[lane], Kind::Read)?;
                c.global_run(i, lane, sources[lane], sizes[lane], Kind::Read)
            });
            if let Err(flow) = looked {
                return flow;
            }
        }
        Flow::Next
    }
}
