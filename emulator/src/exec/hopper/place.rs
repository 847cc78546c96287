//! Shared memory of a cluster: addresses with the rank of a block (PTX ISA, "Shared State Space", "mapa").

use crate::check::FaultKind;
use crate::exec::state::{Block, Context, Flow, Inst, space};

/// Where in a cluster's shared memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The block's.
    pub rank: u32,
    pub offset: u32,
}

impl Context<'_> {
    /// The block of a rank; the caller has checked that there is one.
    pub fn block_of(&mut self, rank: u32) -> &mut Block {
        let own = self.block.rank;
        if rank != own
            && let Some(block) = self.peers.get(own, rank)
        {
            return block;
        }
        self.block
    }

    /// Blocks of the cluster.
    pub fn ranks(&self) -> u32 {
        self.launch.cluster.iter().product()
    }

    /// Where a lane's address points; `bytes` from there lie in the block's shared memory, and it has not ended.
    pub fn place(
        &mut self,
        i: &Inst,
        lane: usize,
        address: u64,
        bytes: u32,
        align: u32,
        what: &str,
    ) -> Result<Place, Flow> {
        let fault = |c: &mut Self, kind, why: String| {
            let what = format!("Invalid __shared__ {what} of size {bytes} bytes");
            Err(c.fail(
                i,
                lane,
                kind,
                &what,
                &[format!("Address 0x{address:x} {why}")],
            ))
        };
        let window = address & space::WINDOW;
        let inside = address & !space::WINDOW;
        if window != 0 && window != space::SHARED || inside > u64::from(u32::MAX) {
            let why = "is not in shared memory".to_owned();
            return fault(self, FaultKind::IllegalAddress, why);
        }
        let place = Place {
            rank: match inside as u32 >> space::RANK_SHIFT {
                0 => self.block.rank,
                rank => rank - 1,
            },
            offset: inside as u32 & space::OFFSET,
        };
        if place.rank >= self.ranks() {
            let why = format!(
                "is in block {} of the cluster, which has {}",
                place.rank,
                self.ranks()
            );
            return fault(self, FaultKind::IllegalAddress, why);
        }
        let end = self.block.shared_bytes;
        if place.offset.checked_add(bytes).is_none_or(|e| e > end) {
            let why = format!("is out of bounds: there are {end} bytes");
            return fault(self, FaultKind::IllegalAddress, why);
        }
        if !place.offset.is_multiple_of(align) {
            let why = format!("is misaligned: it must be a multiple of {align}");
            return fault(self, FaultKind::MisalignedAddress, why);
        }
        if self.launch.options.checks.clusters
            && place.rank != self.block.rank
            && self.block_of(place.rank).live == 0
        {
            let why = format!("is in block {} of the cluster, which has ended", place.rank);
            return fault(self, FaultKind::IllegalAddress, why);
        }
        Ok(place)
    }
}
