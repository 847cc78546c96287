//! What the four warps of a warpgroup do together: products on their way, in groups that are the warpgroup's.
//!
//! A product reads its operands for the four warps as one operation. It has read them when the first warp has waited for its
//! group, which therefore waits until all four have committed it. From then on anybody whom that warp tells may overwrite them;
//! each warp's sums are in its registers when it has waited itself.

use super::operand::{Bytes, Source};
use crate::exec::block::Block;
use crate::exec::context::Context;
use crate::exec::launch::Launch;
use crate::exec::warp::Wait;
use std::collections::VecDeque;

pub use crate::check::shared::WARPS;

/// What must be the same for all warps: the instruction, and the descriptors (PTX ISA, "wgmma.mma_async": their contents
/// "must be same across all the warps in the warpgroup").
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// Where the instruction lies.
    pub inst: usize,
    pub descriptors: [u64; 2],
    pub line: u32,
    pub group: u32,
}

/// A product that not every warp has the sums of.
struct Operation {
    identity: Identity,
    /// Each warp's rows of A, and all of B.
    a: [Option<Source>; WARPS],
    b: Source,
    taken: usize,
}

/// The products of four warps.
#[derive(Default)]
pub struct Warpgroup {
    running: VecDeque<Operation>,
    /// Products that every warp has the sums of.
    done: u32,
    /// Of each warp: products begun, groups committed.
    begun: [u32; WARPS],
    committed: [u32; WARPS],
}

impl Warpgroup {
    /// The group that a warp's next product is in, and what another warp has made of that product, if one was faster.
    pub fn next(&self, warp: usize) -> (u32, Option<Identity>) {
        let at = (self.begun[warp] - self.done) as usize;
        let known = self.running.get(at).map(|o| o.identity);
        (self.committed[warp], known)
    }

    /// A warp begins its next product, with B if it is the first to. The product's number comes back.
    pub fn begin(&mut self, warp: usize, identity: Identity, a: Source, b: Option<Source>) -> u32 {
        let number = self.begun[warp];
        self.begun[warp] += 1;
        if let Some(b) = b {
            self.running.push_back(Operation {
                identity,
                a: Default::default(),
                b,
                taken: 0,
            });
        }
        self.running[(number - self.done) as usize].a[warp] = Some(a);
        number
    }

    /// The groups that a warp waits for who lets `most` of its latest go on: all before the number.
    pub fn due(&self, warp: usize, most: u32) -> u32 {
        self.committed[warp].saturating_sub(most)
    }

    /// Whether each of so many warps has committed so many groups.
    fn all_committed(&self, warps: usize, groups: u32) -> bool {
        self.committed[..warps].iter().all(|n| *n >= groups)
    }

    /// What a warp multiplies for a product whose operands have been read.
    pub fn take(&mut self, warp: usize, number: u32, warps: usize) -> Option<(Bytes, Bytes)> {
        let operation = self.running.get_mut((number - self.done) as usize)?;
        let (a, b) = (operation.a[warp].take()?, operation.b.bytes()?);
        operation.taken += 1;
        let a = a.bytes()?;
        while self.running.front().is_some_and(|o| o.taken == warps) {
            self.running.pop_front();
            self.done += 1;
        }
        Some((a, b))
    }
}

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
