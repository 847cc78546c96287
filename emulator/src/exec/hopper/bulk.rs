//! `cp.async.bulk`, `cp.reduce.async.bulk` of plain runs of bytes.

use crate::check::FaultKind;
use crate::exec::handler::Op;
use crate::exec::state::{Context, Flow, Inst, Kind, NONE, Piece};
use crate::memory::{Range, mark};

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
            _ => {
                let room = match self.launch.options.checks.bounds {
                    true => None,
                    false => self.launch.memory.room(address, bytes as usize),
                };
                room.ok_or_else(|| self.out_of_bounds(i, lane, address, bytes, kind))
            }
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
        let shadow = range.shadow();
        if self.launch.options.checks.uninitialised && !shadow.is_null() {
            let at = (address - range.base) as usize;
            // SAFETY: `global_run` found the bytes in this allocation, and its shadow is as long.
            let written = unsafe { std::slice::from_raw_parts(shadow.add(at), out.len()) };
            if let Some(n) = written.iter().position(|b| *b != mark::WRITTEN) {
                let at = [address + n as u64; 32];
                return Err(self.uninitialised(i, lane, &at, bytes));
            }
        }
        // SAFETY: `global_run` found the bytes in a live allocation.
        unsafe { std::ptr::copy_nonoverlapping(address as *const u8, out.as_mut_ptr(), out.len()) };
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
                c.take_out(i, lane, vec![piece])
            });
            if let Err(flow) = started {
                return flow;
            }
        }
        Flow::Next
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
