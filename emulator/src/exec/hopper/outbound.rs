//! Bulk copies out of shared memory, in groups: the bytes move when their group is waited for.

use crate::check::FaultKind;
use crate::exec::handler::Op;
use crate::exec::state::{Context, Flow, Inst, Launch, Outgoing, Piece, Reduction, level};
use crate::memory::mark as marks;

/// Calls bytes of global memory written.
fn mark(launch: &Launch<'_>, address: u64, bytes: u32) {
    let next = launch.ranges.partition_point(|r| r.base <= address);
    let Some(range) = next.checked_sub(1).and_then(|at| launch.ranges.get(at)) else {
        return;
    };
    let shadow = range.shadow();
    if !shadow.is_null() && address + u64::from(bytes) <= range.end {
        // SAFETY: the bytes lie in this allocation, as just seen, and its shadow is as long.
        unsafe {
            let shadow = shadow.add((address - range.base) as usize);
            shadow.write_bytes(marks::WRITTEN, bytes as usize);
        }
    }
}

/// What is read of shared memory: addresses and bytes. Of a box that hangs over its tensor's edge that is what lies inside.
fn sources(pieces: &[Piece]) -> Vec<(u32, u32)> {
    let mut all: Vec<(u32, u32)> = pieces.iter().map(|p| (p.shared, p.bytes)).collect();
    all.sort_unstable();
    all.dedup_by(|next, run| {
        let follows = run.0 + run.1 == next.0;
        run.1 += if follows { next.1 } else { 0 };
        follows
    });
    all
}

fn finish(c: &mut Context<'_>, done: impl Fn(u32, u32) -> bool) {
    let pending = std::mem::take(&mut c.warp.outbound.pending);
    let mut later = vec![];
    for copy in pending {
        let lane = usize::from(copy.lane);
        if c.active >> lane & 1 == 0 || !done(copy.group, c.warp.outbound.committed[lane]) {
            later.push(copy);
            continue;
        }
        for piece in &copy.pieces {
            let source = c.block.shared_pointer(piece.shared);
            let (target, bytes) = (piece.global as *mut u8, piece.bytes as usize);
            // SAFETY: both ends were found inside their memories when the copy started; shared memory lasts as long
            // as the block, and what a launch may write as long as the launch.
            unsafe {
                match copy.reduction {
                    Some(reduction) => {
                        let data = std::slice::from_raw_parts(source, bytes);
                        reduction.reduce(target, data);
                    }
                    None => target.copy_from_nonoverlapping(source, bytes),
                }
            }
            mark(c.launch, piece.global, piece.bytes);
        }
        for (address, bytes) in sources(&copy.pieces) {
            c.block.readers.end(address, bytes);
        }
    }
    c.warp.outbound.pending = later;
}

/// At the end of a thread, which must have waited: shared memory may end with it.
pub fn at_exit(c: &mut Context<'_>, i: &Inst) -> Result<(), Flow> {
    let active = c.active;
    let left = c.warp.outbound.pending.iter();
    let Some((lane, line)) = left
        .filter(|o| active >> o.lane & 1 != 0)
        .map(|o| (o.lane, o.line))
        .next()
    else {
        return Ok(());
    };
    if c.launch.options.checks.async_copies {
        let what = "A thread has ended and has not waited for its bulk copy out of shared memory";
        let more = [format!("the copy was started at PTX line {line}")];
        return Err(c.fail(i, lane.into(), FaultKind::LaunchFailed, what, &more));
    }
    finish(c, |_, _| true);
    Ok(())
}

/// `cp.async.bulk.commit_group`
pub struct Commit;
impl Op for Commit {
    fn run(c: &mut Context<'_>, _: &Inst) -> Flow {
        for lane in c.lanes() {
            c.warp.outbound.committed[lane] += 1;
        }
        Flow::Next
    }
}

/// `cp.async.bulk.wait_group imm`, with `.read` or without: the bytes are read and written at once.
pub struct WaitGroup;
impl Op for WaitGroup {
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        let most = i.imm as u32;
        finish(c, |group, committed| group + most < committed);
        Flow::Next
    }
}

impl Context<'_> {
    /// Starts a lane's copy out of shared memory.
    pub fn take_out(&mut self, i: &Inst, lane: usize, pieces: Vec<Piece>) -> Result<(), Flow> {
        for (address, bytes) in sources(&pieces) {
            self.begin_reading(i, lane, address, bytes)?;
            if self.launch.options.checks.async_copies {
                self.block.readers.begin(address, bytes, i.line);
            }
        }
        let group = self.warp.outbound.group(lane);
        self.warp.outbound.push(Outgoing {
            lane: lane as u8,
            group,
            pieces,
            reduction: Reduction::of(i),
            line: i.line,
        });
        Ok(())
    }

    /// The engine begins to read shared memory on behalf of a lane.
    pub fn begin_reading(
        &mut self,
        i: &Inst,
        lane: usize,
        address: u32,
        bytes: u32,
    ) -> Result<(), Flow> {
        if self.launch.level != level::FULL {
            return Ok(());
        }
        let access = crate::check::shared::Access {
            thread: self.thread(lane),
            strong: false,
            line: i.line,
        };
        match self.block.shadow.read_async(access, address, bytes) {
            Some(finding) => Err(self.fail_shared(i, lane, false, address, bytes, finding)),
            None => self.engine_reads(i, lane, address, bytes),
        }
    }
}
