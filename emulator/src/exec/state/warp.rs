//! A warp: its registers, its local memory, and its groups of lanes.

use super::copies::{Copies, Outbound};
use super::group::{Frame, Group, Wait};
use super::products::Products;
use super::routine::Routine;
use super::undefined::Undefined;
use std::hash::{Hash, Hasher};

/// One 16-byte piece of local memory for each lane: accesses of up to 16 bytes stay inside a piece.
type LocalRow = [u128; 32];

/// Largest register file of a warp, and largest local memory of a thread, that recursion may reach.
const MOST_REGISTER_BYTES: usize = 16 << 20;
const MOST_LOCAL_BYTES: usize = 512 << 10;

#[derive(Default)]
pub struct Warp {
    registers: Vec<[u128; 16]>,
    local: Vec<LocalRow>,
    pub groups: Vec<Group>,
    pub index: u32,
    /// Lanes with a thread.
    pub exists: u32,
    /// Lanes whose thread has not ended.
    pub live: u32,
    /// The running group's frame and its callers'.
    pub frame: Frame,
    pub stack: Vec<Frame>,
    /// Counts groups' turns.
    pub turns: u64,
    /// The next group to run is the one that waited longest.
    pub rotate: bool,
    /// Asynchronous copies that have not been waited for.
    pub copies: Copies,
    /// Bulk copies out of shared memory that have not been waited for.
    pub outbound: Outbound,
    /// Lanes that have arrived at the cluster's barrier, and those of them that have not waited there.
    pub cluster_arrived: u32,
    pub cluster_owed: u32,
    /// Products of `wgmma` that have not been waited for.
    pub products: Products,
    /// What is undefined, once something is.
    pub undefined: Option<Box<Undefined>>,
}

impl Hash for Warp {
    /// What decides how it goes on; not how often it has run.
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.registers.hash(hasher);
        self.local.hash(hasher);
        self.cluster_arrived.hash(hasher);
        for group in &self.groups {
            (group.pc, group.mask, group.frame, &group.stack).hash(hasher);
        }
    }
}

impl Warp {
    /// Makes room up to these ends; false if that is more than a thread may have.
    pub fn reserve(&mut self, register_bytes: usize, local_bytes: usize) -> bool {
        if register_bytes > MOST_REGISTER_BYTES || local_bytes > MOST_LOCAL_BYTES {
            return false;
        }
        let rows = register_bytes.div_ceil(256);
        if self.registers.len() < rows {
            self.registers.resize(rows, [0; 16]);
        }
        let pieces = local_bytes.div_ceil(16);
        if self.local.len() < pieces {
            self.local.resize(pieces, [0; 32]);
        }
        true
    }

    /// Where a routine's frame may lie, at `base` or behind it: not over rows of other groups, unless they are its own
    /// rows for other lanes.
    pub fn clear_base(&self, mut base: u32, routine: usize, routines: &[Routine]) -> u32 {
        let end = |f: &Frame| f.base + routines[f.routine as usize].frame_bytes;
        let bytes = routines[routine].frame_bytes;
        loop {
            let own = |f: &&Frame| f.base == base && f.routine as usize == routine;
            let over = |f: &&Frame| f.base < base + bytes && base < end(f);
            let mut frames = (self.groups.iter()).flat_map(|g| g.stack.iter().chain([&g.frame]));
            match frames.find(|f| over(f) && !own(f)) {
                Some(frame) => base = end(frame),
                None => return base,
            }
        }
    }

    /// Start of the running group's frame.
    pub fn base(&mut self) -> *mut u8 {
        self.registers[self.frame.base as usize / 256..]
            .as_mut_ptr()
            .cast()
    }

    /// A row of another group's frame.
    pub fn row_of(&mut self, frame: Frame, offset: u32) -> *mut u8 {
        let at = (frame.base + offset) as usize;
        self.registers[at / 256..]
            .as_mut_ptr()
            .cast::<u8>()
            .wrapping_add(at % 256)
    }

    /// Bytes of local memory that the running group's frames reach to.
    pub fn local_end(&self, routines: &[Routine]) -> u64 {
        u64::from(self.frame.local + routines[self.frame.routine as usize].local_bytes)
    }

    /// Where a lane's local byte lies; the caller has checked the address against `local_end`.
    #[inline(always)]
    pub fn local_pointer(&mut self, address: u64, lane: usize) -> *mut u8 {
        let piece = &mut self.local[(address >> 4) as usize][lane];
        std::ptr::from_mut(piece)
            .cast::<u8>()
            .wrapping_add(address as usize & 15)
    }

    /// Puts lanes away, joined to a group that is at the same place for the same reason.
    pub fn park(&mut self, pc: u32, mask: u32, wait: Wait) {
        self.turns += 1;
        for group in &mut self.groups {
            if group.pc == pc
                && group.wait == wait
                && group.frame == self.frame
                && group.stack == self.stack
            {
                group.mask |= mask;
                group.turn = self.turns;
                return;
            }
        }
        let (frame, stack, turn) = (self.frame, self.stack.clone(), self.turns);
        self.groups.push(Group {
            pc,
            mask,
            wait,
            frame,
            stack,
            turn,
        });
    }

    /// Takes the group that runs next: the deepest, lowest one that is ready, or the one that waited longest.
    pub fn take_ready(&mut self) -> Option<Group> {
        let ready = self
            .groups
            .iter()
            .enumerate()
            .filter(|(_, g)| g.wait == Wait::Ready);
        let next = if self.rotate {
            ready.min_by_key(|(_, g)| g.turn)
        } else {
            ready.min_by_key(|(_, g)| (std::cmp::Reverse(g.stack.len()), g.pc))
        };
        let index = next?.0;
        Some(self.groups.swap_remove(index))
    }

    /// The instruction at which the running group may meet another.
    pub fn next_meeting(&self) -> u32 {
        let peers = self
            .groups
            .iter()
            .filter(|g| g.wait == Wait::Ready && g.stack.len() == self.stack.len());
        peers.map(|g| g.pc).min().unwrap_or(u32::MAX)
    }
}
