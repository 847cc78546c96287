//! What fences and flags order. Whoever sees what a thread has written to a flag behind a fence, and fences then himself,
//! is behind what came before the writer's fence (PTX ISA, "Release and Acquire Patterns").
//!
//! Flags are written and seen by atomic, volatile, relaxed, release and acquire accesses, of shared or global memory. What
//! a fence hands on is what the whole warp has done by then, so a `__syncwarp` that lacks before it is not found.

use super::SharedShadow;
use super::knowledge::Knowledge;
use std::collections::HashMap;
use std::sync::Arc;

#[derive(Default)]
pub(super) struct Flags {
    /// What a thread's last fence handed on.
    fenced: HashMap<u32, Arc<Knowledge>>,
    /// What has come to each place that was written behind a fence.
    told: HashMap<u64, Arc<Knowledge>>,
    /// What threads of a warp have seen there since their last fence, and which lanes.
    seen: HashMap<usize, (u32, Knowledge)>,
}

impl Flags {
    pub(super) fn clear(&mut self) {
        self.fenced.clear();
        self.told.clear();
        self.seen.clear();
    }
}

impl SharedShadow {
    /// `membar`, `fence` by some lanes of a warp.
    pub fn fence(&mut self, warp: usize, lanes: u32) {
        if let Some((seeing, knowledge)) = self.flags.seen.get(&warp).copied()
            && seeing & lanes != 0
        {
            self.flags.seen.remove(&warp);
            self.pass(warp, &knowledge);
        }
        let knowledge = Arc::new(self.arrive(warp));
        for lane in crate::check::bits(lanes) {
            let thread = (warp * 32 + lane) as u32;
            self.flags.fenced.insert(thread, Arc::clone(&knowledge));
        }
    }

    /// A thread writes a flag; an atomic operation (`adds`) leaves what those before it have told.
    pub fn tell(&mut self, thread: u32, place: u64, adds: bool) {
        let Flags { fenced, told, .. } = &mut self.flags;
        match (fenced.get(&thread), told.get_mut(&place)) {
            (Some(mine), Some(there)) if adds => Arc::make_mut(there).join(mine),
            (Some(mine), _) => {
                told.insert(place, Arc::clone(mine));
            }
            (None, Some(_)) if !adds => {
                told.remove(&place);
            }
            (None, _) => {}
        }
    }

    /// A thread sees a flag.
    pub fn see(&mut self, thread: u32, place: u64) {
        let Some(told) = self.flags.told.get(&place) else {
            return;
        };
        let warp = thread as usize / 32;
        let (lanes, seen) = self.flags.seen.entry(warp).or_default();
        *lanes |= 1 << (thread % 32);
        seen.join(told);
    }
}
