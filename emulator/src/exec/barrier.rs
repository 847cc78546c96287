//! The block's sixteen barriers.

use super::state::{Block, Lanes, Launch, Program, Wait, Warp, level};
use crate::check::bits;
use crate::check::shared::Knowledge;

/// What `barrier.red` makes of its threads' predicates.
pub mod reduction {
    pub const NONE: u8 = 0;
    pub const POPC: u8 = 1;
    pub const AND: u8 = 2;
    pub const OR: u8 = 3;
}

impl Block {
    /// Lets the warps of every complete barrier go on; true if there was one.
    pub fn release_barriers(&mut self, launch: &Launch<'_>) -> bool {
        let mut released = false;
        for id in bits(self.barriers_used) {
            if self.barriers[id].complete(self.live) {
                self.events += 1;
                if launch.options.checks.barriers && !self.check_whole(id, launch) {
                    return false;
                }
                self.release(id, launch.level == level::FULL);
                released = true;
            }
        }
        released
    }

    /// Reports a barrier that only a part of the block or of a warp has reached.
    fn check_whole(&mut self, id: usize, launch: &Launch<'_>) -> bool {
        let at_barrier =
            |w: &Wait| matches!(w, Wait::Barrier { id: b, .. } if usize::from(*b) == id);
        for warp in &self.warps {
            let mut groups = warp.groups.iter().filter(|g| at_barrier(&g.wait));
            let Some(first) = groups.next() else { continue };
            let Wait::Barrier { aligned, line, .. } = first.wait else {
                continue;
            };
            let lane = first.mask.trailing_zeros();
            if let Some(other) = groups.next()
                && aligned
            {
                let place = match other.wait {
                    Wait::Barrier { line, .. } => line,
                    _ => 0,
                };
                let what = format!(
                    "Divergent barrier: lanes 0x{:08x} of the warp wait here, lanes 0x{:08x} at PTX line {place}",
                    first.mask, other.mask
                );
                let thread = warp.index * 32 + lane;
                self.report(
                    launch,
                    crate::check::FaultKind::LaunchFailed,
                    line,
                    thread,
                    &what,
                    &[],
                );
                return false;
            }
            if self.barriers[id].expected == 0 && self.live < launch.threads {
                let gone = launch.threads - self.live;
                let what = format!(
                    "Barrier reached by a part of the block: {gone} of {} threads have exited",
                    launch.threads
                );
                let thread = warp.index * 32 + lane;
                self.report(
                    launch,
                    crate::check::FaultKind::LaunchFailed,
                    line,
                    thread,
                    &what,
                    &[],
                );
                return false;
            }
        }
        true
    }

    fn release(&mut self, id: usize, tracked: bool) {
        let barrier = std::mem::take(&mut self.barriers[id]);
        self.barriers_used &= !(1 << id);
        let mut joined = Knowledge::default();
        for knowledge in &barrier.arrived {
            joined.join(knowledge);
        }
        for index in bits(barrier.warps) {
            let warp = &mut self.warps[index];
            if tracked {
                self.shadow.pass(index, &joined);
            }
            for at in 0..warp.groups.len() {
                let Wait::Barrier {
                    id: b,
                    result,
                    kind,
                    ..
                } = warp.groups[at].wait
                else {
                    continue;
                };
                if usize::from(b) == id {
                    warp.groups[at].wait = Wait::Ready;
                    warp.write_vote(at, kind, result, barrier.votes, barrier.waiting);
                }
            }
        }
        self.waiting &= !barrier.warps;
    }

    /// Where every warp waits, for the report of a deadlock.
    pub fn waits(&mut self, program: &Program) -> Vec<String> {
        let mut out = vec![];
        let groups: Vec<_> = (self.warps.iter())
            .flat_map(|w| w.groups.iter().map(move |g| (w.index, g.mask, g.wait)))
            .collect();
        for (warp, mask_here, wait) in groups {
            let (what, line) = match wait {
                Wait::Ready => continue,
                Wait::Barrier { id, line, .. } => (format!("at barrier {id}"), line),
                Wait::Lanes { mask } => (format!("for lanes 0x{mask:08x} at bar.warp.sync"), 0),
                Wait::Mbarrier { address, line, .. } => {
                    let state = self.mbarriers.get(address).map(|m| m.lacks());
                    let state = state.unwrap_or_else(|what| what);
                    (format!("at the mbarrier at 0x{address:x} ({state})"), line)
                }
                Wait::Warpgroup { line } => (
                    "for its warpgroup to commit the same groups".to_owned(),
                    line,
                ),
                Wait::Cluster { line } => ("at the cluster's barrier".to_owned(), line),
                Wait::Collective { mask, line } => {
                    (format!("for lanes 0x{mask:08x} of its mask"), line)
                }
            };
            let place = program
                .source_line(line)
                .map_or(String::new(), |(f, l)| format!(" ({f}:{l})"));
            out.push(format!(
                "warp {warp}, lanes 0x{:08x}: waits {what}, PTX line {line}{place}",
                mask_here
            ));
            if out.len() == 8 {
                break;
            }
        }
        out
    }
}

impl Warp {
    fn write_vote(&mut self, group: usize, kind: u8, result: u32, votes: u32, threads: u32) {
        if kind == reduction::NONE {
            return;
        }
        let (mask, frame) = (self.groups[group].mask, self.groups[group].frame);
        let row = self.row_of(frame, result);
        match kind {
            reduction::POPC => {
                for lane in Lanes(mask) {
                    // SAFETY: the decoder placed a 32-bit row at this offset of the group's frame.
                    unsafe { row.cast::<u32>().add(lane).write(votes) }
                }
            }
            reduction::AND | reduction::OR => {
                let holds = if kind == reduction::AND {
                    votes == threads
                } else {
                    votes > 0
                };
                // SAFETY: the decoder placed a predicate at this offset of the group's frame.
                unsafe {
                    let flags = row.cast::<u32>();
                    flags.write(flags.read() & !mask | if holds { mask } else { 0 });
                }
            }
            _ => {}
        }
    }
}
