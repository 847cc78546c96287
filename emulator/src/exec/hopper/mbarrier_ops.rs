//! `mbarrier.init`, `.inval`, `.arrive`, `.arrive_drop`, `.expect_tx`, `.complete_tx`, `.pending_count`.

use super::place::Place;
use crate::check::FaultKind;
use crate::check::shared::Knowledge;
use crate::exec::handler::Op;
use crate::exec::state::{Context, Flow, Inst, MOST, Mbarrier, NONE, level};

/// Modifier bytes of all.
pub mod modifier {
    /// Whether the address has 64 bits.
    pub const WIDE: usize = 0;
    /// `.noComplete`
    pub const MORE: usize = 1;
    /// `.expect_tx`: the count is one of bytes, and one thread arrives.
    pub const BYTES: usize = 2;
    /// `arrive_drop`
    pub const DROP: usize = 3;
    /// Whether what the thread has done is released.
    pub const RELEASE: usize = 4;
    /// Whether the object may be another block's.
    pub const REMOTE: usize = 5;
}
use modifier::*;

const BYTES_OF_OBJECT: u32 = 8;

impl Context<'_> {
    /// Where a lane's object is.
    pub fn mbarrier_place(&mut self, i: &Inst, lane: usize, address: u64) -> Result<Place, Flow> {
        let what = "mbarrier operation";
        let place = self.place(i, lane, address, BYTES_OF_OBJECT, BYTES_OF_OBJECT, what)?;
        if i.m[REMOTE] == 0 && place.rank != self.block.rank {
            let more = [format!(
                "Address 0x{address:x} is in block {} of the cluster",
                place.rank
            )];
            let what =
                "mbarrier operation on another block's shared memory without .shared::cluster";
            return Err(self.fail(i, lane, FaultKind::IllegalAddress, what, &more));
        }
        Ok(place)
    }

    /// Reports what is wrong with an object, if that is checked.
    pub fn mbarrier_fault(
        &mut self,
        i: &Inst,
        lane: usize,
        place: Place,
        what: &str,
    ) -> Result<(), Flow> {
        if !self.launch.options.checks.mbarriers {
            return Ok(());
        }
        let object = self.block_of(place.rank).mbarriers.get(place.offset);
        let mut more = vec![format!("mbarrier at shared address 0x{:x}", place.offset)];
        more.extend(object.map(|o| o.lacks()));
        Err(self.fail(i, lane, FaultKind::LaunchFailed, what, &more))
    }

    /// Changes a lane's object.
    fn at_mbarrier(
        &mut self,
        i: &Inst,
        lane: usize,
        place: Place,
        f: impl FnOnce(&mut Mbarrier) -> Result<(), String>,
    ) -> Result<(), Flow> {
        let block = self.block_of(place.rank);
        block.events += 1;
        let done = block.mbarriers.get(place.offset).and_then(f);
        match done {
            Ok(()) => Ok(()),
            Err(what) => self.mbarrier_fault(i, lane, place, &what),
        }
    }
}

fn each(
    c: &mut Context<'_>,
    i: &Inst,
    mut f: impl FnMut(&mut Context<'_>, usize, Place) -> Result<(), Flow>,
) -> Flow {
    let at = c.addresses(i.r[1], i.m[WIDE] != 0, i.imm);
    for lane in c.lanes() {
        let done = c
            .mbarrier_place(i, lane, at[lane])
            .and_then(|place| f(c, lane, place));
        if let Err(flow) = done {
            return flow;
        }
    }
    Flow::Next
}

fn count(c: &Context<'_>, i: &Inst, lane: usize) -> u32 {
    if i.r[2] == NONE {
        1
    } else {
        c.row::<u32>(i.r[2]).get(lane)
    }
}

/// `mbarrier.init`. `r[1]` is the address of all, `r[2]` the count.
pub struct Init;
impl Op for Init {
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        each(c, i, |c, lane, place| {
            let n = count(c, i, lane);
            match c.block.mbarriers.init(place.offset, n) {
                Ok(()) => Ok(()),
                Err(what) => c.mbarrier_fault(i, lane, place, &what),
            }
        })
    }
}

/// `mbarrier.inval`
pub struct Inval;
impl Op for Inval {
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        each(c, i, |c, lane, place| {
            match c.block.mbarriers.inval(place.offset, i.line) {
                Ok(()) => Ok(()),
                Err(what) => c.mbarrier_fault(i, lane, place, &what),
            }
        })
    }
}

/// `mbarrier.arrive`, `mbarrier.arrive_drop`. `r[0]` gets the state, if anything does.
pub struct Arrive;
impl Op for Arrive {
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        let knowledge = released(c, i);
        each(c, i, |c, lane, place| {
            let n = count(c, i, lane);
            let mut state = 0;
            // what orders blocks is not tracked
            let own = knowledge.as_ref().filter(|_| place.rank == c.block.rank);
            let done = c.at_mbarrier(i, lane, place, |object| {
                state = object.state();
                let threads = if i.m[BYTES] != 0 {
                    object.expect(n)?;
                    1
                } else {
                    n
                };
                if i.m[DROP] != 0 {
                    object.expected = object.expected.saturating_sub(threads);
                }
                object.arrive(threads, own, i.m[MORE] != 0)
            });
            if i.r[0] != NONE {
                c.set_lane(i.r[0], lane, state);
            }
            done
        })
    }
}

fn released(c: &mut Context<'_>, i: &Inst) -> Option<Knowledge> {
    let wanted = i.m[RELEASE] != 0 && c.launch.level == level::FULL;
    wanted.then(|| c.block.shadow.arrive(c.warp.index as usize))
}

/// `mbarrier.expect_tx`
pub struct Expect;
impl Op for Expect {
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        each(c, i, |c, lane, place| {
            let n = count(c, i, lane);
            c.at_mbarrier(i, lane, place, |object| object.expect(n))
        })
    }
}

/// `mbarrier.complete_tx`
pub struct Complete;
impl Op for Complete {
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        each(c, i, |c, lane, place| {
            let n = count(c, i, lane);
            c.at_mbarrier(i, lane, place, |object| object.complete(n, None))
        })
    }
}

/// `cp.async.mbarrier.arrive`: the thread's copies are finished here, the earliest that hardware may; with `.noinc`
/// the arrival is among those expected, else the phase expects one more.
pub struct CopiesArrive;
impl Op for CopiesArrive {
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        crate::exec::async_copy::finish_all(c);
        let knowledge = released(c, i);
        each(c, i, |c, lane, place| {
            c.at_mbarrier(i, lane, place, |object| {
                object.pending += u32::from(i.m[MORE] != 0);
                object.arrive(1, knowledge.as_ref(), false)
            })
        })
    }
}

/// `mbarrier.pending_count`
pub struct PendingCount;
impl Op for PendingCount {
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        let states = c.row::<u64>(i.r[1]).all();
        c.set(i.r[0], &states.map(|s| s as u32 & MOST));
        Flow::Next
    }
}
