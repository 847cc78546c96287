//! `cp.async`: the bytes move when they are waited for, so that reading them before shows.

use super::handler::Op;
use super::state::{Context, Flow, Inst, Kind, LaneCopy, Lanes, NONE, level, spaces};
use crate::check::shared::Access;

/// Bytes that each lane's copy takes from its source.
#[inline(always)]
fn filled(c: &Context<'_>, i: &Inst) -> [u32; 32] {
    let bytes = u32::from(i.m[0]);
    let sizes = (i.r[2] != NONE).then(|| c.row::<u32>(i.r[2]).all());
    let ignored = if i.r[3] == NONE {
        0
    } else {
        c.predicate(i.r[3])
    };
    std::array::from_fn(|lane| {
        if ignored >> lane & 1 != 0 {
            0
        } else {
            sizes.map_or(bytes, |s| s[lane].min(bytes))
        }
    })
}

/// Calls `f` with every lane's place in a space: where `Start` writes, and what it reads from there.
pub fn accesses(c: &Context<'_>, i: &Inst, mut f: impl FnMut(u8, Kind, [u64; 32], u32, u32)) {
    let bytes = u32::from(i.m[0]);
    let targets = c.addresses(i.r[0], i.m[1] != 0, i.imm);
    let sources = c.addresses(i.r[1], i.m[2] != 0, i64::from(i.a as i32));
    f(spaces::SHARED, Kind::Write, targets, c.active, bytes);
    let filled = filled(c, i);
    for size in 1..=bytes {
        let lanes = c.lanes().filter(|l| filled[*l] == size);
        let lanes = lanes.fold(0, |m, l| m | 1 << l);
        f(spaces::GENERIC, Kind::Read, sources, lanes, size);
    }
}

/// `cp.async.ca`, `cp.async.cg`. `r`: shared address, global address, source size or none, ignore predicate or none;
/// `m[0]` bytes, `m[1]`, `m[2]` whether the addresses have 64 bits; `imm`, `a` are their offsets.
pub struct Start;
impl Op for Start {
    #[inline(always)]
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        let bytes = u32::from(i.m[0]);
        let mut targets = c.addresses(i.r[0], i.m[1] != 0, i.imm);
        let sources = c.addresses(i.r[1], i.m[2] != 0, i64::from(i.a as i32));
        let filled = filled(c, i);
        let filled = |lane: usize| filled[lane];
        // the target counts as a write only once the copy is waited for, but must lie inside from the start
        if let Err(flow) =
            c.resolve::<{ spaces::SHARED }>(i, &mut targets, bytes, Kind::Write, false)
        {
            return flow;
        }
        // first the sources: with what nobody has written there the instruction may be tried again
        let active = c.active;
        let reading = c
            .lanes()
            .filter(|l| filled(*l) > 0)
            .fold(0, |m, l| m | 1 << l);
        if reading != 0 {
            c.active = reading;
            let first = sources[c.first_lane()];
            let mut at = std::array::from_fn(|l| {
                if reading >> l & 1 != 0 {
                    sources[l]
                } else {
                    first
                }
            });
            // a partial copy reads its first bytes only
            let whole = Lanes(reading).all(|l| filled(l) == bytes);
            let checked = if whole {
                c.resolve::<{ spaces::GENERIC }>(i, &mut at, bytes, Kind::Read, false)
            } else {
                check_parts(c, i, &at, filled)
            };
            c.active = active;
            if let Err(flow) = checked {
                return flow;
            }
        }
        let base = c.block.shared_pointer(0) as u64;
        if c.level == level::FULL {
            for lane in Lanes(active) {
                let access = Access {
                    thread: c.thread(lane),
                    strong: false,
                    line: i.line,
                };
                let target = (targets[lane] - base) as u32;
                if let Some(finding) = c.block.shadow.begin_copy(access, target, bytes) {
                    return c.fail_shared(i, lane, true, target, bytes, finding);
                }
            }
        }
        for lane in Lanes(active) {
            let group = c.warp.copies.committed[lane];
            c.warp.copies.pending.push(LaneCopy {
                lane: lane as u8,
                group,
                target: (targets[lane] - base) as u32,
                source: sources[lane],
                bytes,
                filled: filled(lane),
                line: i.line,
            });
        }
        Flow::Next
    }
}

#[cold]
fn check_parts(
    c: &mut Context<'_>,
    i: &Inst,
    at: &[u64; 32],
    filled: impl Fn(usize) -> u32,
) -> Result<bool, Flow> {
    let active = c.active;
    let mut last = Ok(false);
    for lane in Lanes(active) {
        c.active = 1 << lane;
        for byte in 0..filled(lane) {
            let mut one = [at[lane] + u64::from(byte); 32];
            last = c.resolve::<{ spaces::GENERIC }>(i, &mut one, 1, Kind::Read, false);
            if last.is_err() {
                c.active = active;
                return last;
            }
        }
    }
    c.active = active;
    last
}

/// Moves the bytes of the active lanes' copies in groups up to those that may stay on their way.
fn finish(c: &mut Context<'_>, done: impl Fn(u32, u32) -> bool) {
    let mut pending = std::mem::take(&mut c.warp.copies.pending);
    pending.retain(|copy| {
        let lane = usize::from(copy.lane);
        if c.active >> lane & 1 == 0 || !done(copy.group, c.warp.copies.committed[lane]) {
            return true;
        }
        let mut data = [0; 16];
        // SAFETY: the source was resolved when the copy started, and what a launch may read stays alive for as long.
        unsafe {
            std::ptr::copy_nonoverlapping(
                copy.source as *const u8,
                data.as_mut_ptr(),
                copy.filled as usize,
            )
        }
        let target = c.block.shared_pointer(copy.target);
        // SAFETY: the target was found inside the block's shared memory when the copy started.
        unsafe { target.copy_from_nonoverlapping(data.as_ptr(), copy.bytes as usize) }
        if c.launch.level == level::FULL {
            let access = Access {
                thread: c.thread(lane),
                strong: false,
                line: copy.line,
            };
            c.block.shadow.end_copy(access, copy.target, copy.bytes);
        }
        false
    });
    c.warp.copies.pending = pending;
}

/// At the end of a thread.
pub fn finish_all(c: &mut Context<'_>) {
    if !c.warp.copies.pending.is_empty() {
        finish(c, |_, _| true);
    }
}

/// `cp.async.commit_group`
pub struct Commit;
impl Op for Commit {
    #[inline(always)]
    fn run(c: &mut Context<'_>, _: &Inst) -> Flow {
        for lane in c.lanes() {
            c.warp.copies.committed[lane] += 1;
        }
        Flow::Next
    }
}

/// `cp.async.wait_group imm`: all but the last `imm` groups.
pub struct WaitGroup;
impl Op for WaitGroup {
    #[inline(always)]
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        let most = i.imm as u32;
        finish(c, |group, committed| group + most < committed);
        Flow::Next
    }
}

/// `cp.async.wait_all`
pub struct WaitAll;
impl Op for WaitAll {
    #[inline(always)]
    fn run(c: &mut Context<'_>, _: &Inst) -> Flow {
        finish(c, |_, _| true);
        Flow::Next
    }
}
