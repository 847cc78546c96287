//! Products of `wgmma` on their way: a warp's, and those of the four warps of a warpgroup.

use super::group::Frame;
use crate::check::shared::WARPS;
use std::collections::VecDeque;
use std::sync::Arc;

/// Bytes that four warps may multiply.
pub type Bytes = Arc<[u8]>;

/// An operand: its bytes in rows of 32 along k, or where its pieces lie in shared memory.
pub enum Source {
    Bytes(Bytes),
    Pieces {
        at: Vec<u32>,
        rows: usize,
        turned: bool,
    },
}

impl Source {
    /// What was read.
    pub fn bytes(&self) -> Option<Bytes> {
        match self {
            Source::Bytes(bytes) => Some(Arc::clone(bytes)),
            Source::Pieces { .. } => None,
        }
    }
}

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
pub struct Operation {
    pub identity: Identity,
    /// Each warp's rows of A, and all of B.
    pub a: [Option<Source>; WARPS],
    pub b: Source,
    pub taken: usize,
}

/// The products of four warps.
#[derive(Default)]
pub struct Warpgroup {
    pub running: VecDeque<Operation>,
    /// Products that every warp has the sums of.
    done: u32,
    /// Of each warp: products begun, groups committed.
    begun: [u32; WARPS],
    pub committed: [u32; WARPS],
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
    pub fn all_committed(&self, warps: usize, groups: u32) -> bool {
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

/// A product that the warp has not waited for.
pub struct Pending {
    /// Its number among those of the warpgroup.
    pub number: u32,
    pub group: u32,
    /// Rows of D's registers, and the frame they are in.
    pub d: Vec<u32>,
    pub frame: Frame,
    /// Number of the `Form`.
    pub form: u8,
    pub accumulates: bool,
    pub negated: u8,
    pub saturate: bool,
    pub line: u32,
}

/// The products of a warp on their way.
#[derive(Default)]
pub struct Products {
    pub pending: Vec<Pending>,
    pub fenced: bool,
}

impl Products {
    pub fn clear(&mut self) {
        self.pending.clear();
        self.fenced = false;
    }

    /// The line of a product on its way that has one of these rows of a frame.
    pub fn holds(&self, frame: Frame, rows: &[u32]) -> Option<u32> {
        let found = self
            .pending
            .iter()
            .find(|p| p.frame == frame && p.d.iter().any(|row| rows.contains(row)))?;
        Some(found.line)
    }
}
