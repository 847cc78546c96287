//! What the four warps of a warpgroup do together: products on their way, in groups that are the warpgroup's.
//!
//! A product reads its operands for the four warps as one operation. It has read them when the first warp has waited for its
//! group, which therefore waits until all four have committed it. From then on anybody whom that warp tells may overwrite them;
//! each warp's sums are in its registers when it has waited itself.

use crate::check::shared::WARPS;
use crate::exec::state::{Block, Context, Launch, Wait};

impl Block {
    /// Warps of a warpgroup: four, but where the block ends.
    pub fn warps_of(&self, warpgroup: usize) -> usize {
        (self.warps.len() - warpgroup * WARPS).min(WARPS)
    }

    /// The Tensor Cores read what the products in the first `groups` groups of a warpgroup need. False if a warp has not
    /// begun all of them.
    pub fn read_operands(&mut self, warpgroup: usize, groups: u32, launch: &Launch<'_>) -> bool {
        let warps = self.warps_of(warpgroup);
        let all = &mut self.warpgroups[warpgroup];
        if !all.all_committed(warps, groups) {
            return false;
        }
        let mut running = std::mem::take(&mut all.running);
        let due = running.iter_mut().filter(|o| o.identity.group < groups);
        for source in due.flat_map(|o| o.a.iter_mut().flatten().chain([&mut o.b])) {
            source.read(self, launch);
        }
        self.warpgroups[warpgroup].running = running;
        true
    }
}

impl Context<'_> {
    /// The warp commits a group: others of its warpgroup may have waited for that.
    pub fn commit_products(&mut self) {
        let own = self.warp.index as usize;
        self.block.warpgroups[own / WARPS].committed[own % WARPS] += 1;
        let first = own / WARPS * WARPS;
        for index in first..first + self.block.warps_of(own / WARPS) {
            for group in &mut self.block.warps[index].groups {
                if matches!(group.wait, Wait::Warpgroup { .. }) {
                    group.wait = Wait::Ready;
                    self.block.waiting &= !(1 << index);
                    self.block.events += 1;
                }
            }
        }
    }
}
