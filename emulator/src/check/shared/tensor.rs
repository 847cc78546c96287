//! Reads of the Tensor Cores, which `wgmma` tells to multiply for a warpgroup.
//!
//! A product reads its operands for the four warps as one operation, and a group of products is the warpgroup's: whichever
//! warp has waited for it knows that all of the group's operands have been read (PTX ISA, "wgmma.commit_group": it "creates
//! a new wgmma-group per warpgroup"; "wgmma.wait_group": it waits until the groups "are complete"). So each warpgroup's
//! Tensor Cores are an actor, whose clock is the number of the group; what else the other warps have done a wait does not order.

use super::SharedShadow;
use super::cell::{Access, Finding};
use super::knowledge::{TENSOR, WARPS};

impl SharedShadow {
    /// A product of a group reads on behalf of a warp, which must be behind the writes.
    pub fn read_tensor(
        &mut self,
        access: Access,
        group: u32,
        address: u32,
        size: u32,
    ) -> Option<Finding> {
        let warpgroup = access.thread as usize / 32 / WARPS;
        let (reader, now) = (32 * (TENSOR + warpgroup) as u16, self.first + 1 + group);
        self.latest = self.latest.max(now);
        self.read_in_proxy(access, address, size, |clocks, cell| {
            clocks.read_tensor(access, reader, now, cell)
        })
    }

    /// A warp has waited for the first `groups` groups of its warpgroup.
    pub fn wait_tensor(&mut self, warp: usize, groups: u32) {
        let (read, known) = (
            self.first + groups,
            &mut self.behind[warp][TENSOR + warp / WARPS],
        );
        *known = read.max(*known);
    }
}
