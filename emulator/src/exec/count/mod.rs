//! What a launch did: instructions by class, traffic of global memory, conflicts of shared memory, divergence.
//!
//! Counting is an `Observer` of the interpreter's loop: a launch that does not count runs the loop compiled with the
//! observer that does nothing, and no instruction knows of it.

mod shared;
mod touch;

use super::observer::Observer;
use crate::exec::state::{
    Access, Context, Counting, Flow, Group, Kind, Launch, Sectors, Tally, Touch, Wait, spaces,
};
use std::sync::PoisonError;

/// Counts what one warp does.
pub struct Counter<'a> {
    counting: &'a Counting,
    tally: Tally,
    /// Lanes that the observed instruction began with.
    active: u32,
    /// The next instruction has been begun before.
    again: bool,
}

impl<'a> Counter<'a> {
    /// `again`: the first instruction has been begun before, and is tried again.
    pub fn new(counting: &'a Counting, again: bool) -> Counter<'a> {
        Counter {
            counting,
            tally: Tally::default(),
            active: 0,
            again,
        }
    }

    fn access(&mut self, access: &Access, sectors: &mut Sectors) {
        let writes = access.kind != Kind::Read;
        match (access.space, writes) {
            (spaces::SHARED, false) => shared::count(&mut self.tally.shared_read, access),
            (spaces::SHARED, true) => shared::count(&mut self.tally.shared_written, access),
            (_, false) => {
                let (tally, touched) = (&mut self.tally.read, &self.counting.read);
                tally.count(access, touched, &mut sectors.read);
            }
            (_, true) => {
                let (tally, touched) = (&mut self.tally.written, &self.counting.written);
                tally.count(access, touched, &mut sectors.written);
            }
        }
    }

    /// Whether the lanes of a branch part.
    fn branch(&mut self, parts: bool) {
        self.tally.branches += 1;
        self.tally.diverged += u64::from(parts);
    }
}

impl Drop for Counter<'_> {
    fn drop(&mut self) {
        let mut total = self
            .counting
            .total
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        total.add(&self.tally);
    }
}

impl Observer for Counter<'_> {
    fn before(&mut self, c: &mut Context<'_>, launch: &Launch<'_>, pc: u32) -> bool {
        let (inst, trace) = (
            &launch.code[pc as usize],
            &launch.program.traces[pc as usize],
        );
        self.active = c.active;
        if std::mem::take(&mut self.again) {
            return true;
        }
        match trace.touch {
            Touch::Branch => {
                let flip = if inst.m[0] != 0 { u32::MAX } else { 0 };
                let taken = (c.predicate(inst.r[0]) ^ flip) & c.active;
                self.branch(taken != 0 && taken != c.active);
            }
            Touch::Table => {
                let (index, first) = (c.row::<u32>(inst.r[0]), c.first_lane());
                self.branch(c.lanes().any(|l| index.get(l) != index.get(first)));
            }
            // the warp executes it as one, once all of its lanes are here
            touch if touch.is_collective() && c.warp.live & !c.active != 0 => {}
            Touch::Nothing => {}
            touch => {
                let mut sectors = std::mem::take(&mut c.block.sectors);
                touch.each(c, inst, &mut |access| self.access(access, &mut sectors));
                c.block.sectors = sectors;
            }
        }
        true
    }

    fn after(&mut self, c: &mut Context<'_>, launch: &Launch<'_>, pc: u32, flow: Flow) {
        let trace = &launch.program.traces[pc as usize];
        let Some(class) = trace.class else { return };
        // lanes that only wait for others will execute it again
        let waits = |g: &Group| {
            g.pc == pc && matches!(g.wait, Wait::Collective { .. } | Wait::Warpgroup { .. })
        };
        if flow == Flow::Switch && (c.begins || c.warp.groups.iter().any(waits)) {
            return;
        }
        self.tally.instructions[class as usize] += 1;
        self.tally.lanes += u64::from(self.active.count_ones());
        self.tally.tensor_flop += u64::from(trace.flop);
    }
}
