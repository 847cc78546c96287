//! A block of threads: its warps, its shared memory, its barriers, what is on its way.

use super::barrier::Table;
use super::barrier::{Barrier, ClusterBarrier};
use super::copies::{Inbound, Readers};
use super::products::Warpgroup;
use super::tally::Sectors;
use super::undefined::UndefinedShared;
use super::warp::Warp;
use crate::check::Fault;
use crate::check::shared::SharedShadow;
use std::hash::{Hash, Hasher};

/// What fresh shared memory holds: NaN in every float type.
const FRESH: u8 = 0xFF;

#[derive(Default)]
pub struct Block {
    pub ctaid: [u32; 3],
    /// The number in its cluster.
    pub rank: u32,
    pub warps: Vec<Warp>,
    /// Warps of which all groups wait.
    pub waiting: u32,
    /// Threads that have not ended.
    pub live: u32,
    shared: Vec<u128>,
    pub shared_bytes: u32,
    pub barriers: [Barrier; 16],
    /// Barriers at which somebody has arrived.
    pub barriers_used: u32,
    pub shadow: SharedShadow,
    pub mbarriers: Table,
    pub cluster_barrier: ClusterBarrier,
    /// Products of `wgmma` on their way, by warpgroup.
    pub warpgroups: Vec<Warpgroup>,
    /// Bulk copies on their way here.
    pub inbox: Vec<Inbound>,
    /// What asynchronous operations still read of the shared memory.
    pub readers: Readers,
    /// Counts whatever may bring a waiting thread on.
    pub events: u64,
    /// Whether a thread has looked at memory that others may change.
    pub polled: bool,
    /// Of the last thread to end.
    pub last_line: u32,
    pub fault: Option<Box<Fault>>,
    /// What is undefined in its shared memory.
    pub undefined: UndefinedShared,
    /// What it has touched, where that is counted.
    pub sectors: Sectors,
}

impl Block {
    /// Makes the shared memory that of a fresh block.
    pub fn fresh_shared(&mut self, bytes: usize) {
        self.shared.clear();
        self.shared
            .resize(bytes.div_ceil(16), u128::from_le_bytes([FRESH; 16]));
    }

    /// Where a byte of shared memory lies; the caller has checked the address against `shared_bytes`.
    #[inline(always)]
    pub fn shared_pointer(&mut self, address: u32) -> *mut u8 {
        self.shared
            .as_mut_ptr()
            .cast::<u8>()
            .wrapping_add(address as usize)
    }
}

/// Registers, local and shared memory, what waits and where every lane is.
impl Hash for Block {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.shared.hash(state);
        self.warps.hash(state);
        self.mbarriers.hash(state);
        self.inbox.len().hash(state);
    }
}

/// The other blocks of the running block's cluster.
pub struct Peers<'a> {
    pub before: &'a mut [Block],
    pub after: &'a mut [Block],
}

impl Peers<'_> {
    pub fn reborrow(&mut self) -> Peers<'_> {
        Peers {
            before: self.before,
            after: self.after,
        }
    }

    /// The block of a rank that is not `own`.
    pub fn get(&mut self, own: u32, rank: u32) -> Option<&mut Block> {
        if rank < own {
            self.before.get_mut(rank as usize)
        } else {
            self.after.get_mut(rank.checked_sub(own + 1)? as usize)
        }
    }
}
