//! Who acts, and what of whom is ordered behind what, handed on at barriers.

use super::cell::{ROW, THREAD};

/// The warps of a block, the copy engine, and the Tensor Cores of each warpgroup.
pub(super) const ACTORS: usize = 32 + 1 + 8;

/// The engine's number among the actors.
pub(super) const ENGINE: usize = 32;
/// The engine as a thread.
pub const ENGINE_THREAD: u32 = 1024;
/// Number of the first warpgroup's Tensor Cores among the actors.
pub(super) const TENSOR: usize = ENGINE + 1;
/// They as a thread.
const TENSOR_THREAD: u16 = 32 * TENSOR as u16;
/// Warps in a warpgroup.
pub const WARPS: usize = 4;

/// Whether a reader is Tensor Cores.
#[inline(always)]
pub(super) fn is_tensor(reader: u16) -> bool {
    (TENSOR_THREAD..ROW).contains(&(reader & THREAD))
}

/// The number of a thread's warp, of the copy engine, or of Tensor Cores.
#[inline(always)]
pub(super) fn actor(thread: u16) -> usize {
    (usize::from(thread & THREAD) / 32).min(ACTORS - 1)
}

/// A clock of every actor.
pub(super) type Row = [u32; ACTORS];

/// What a warp knew when it arrived at a barrier.
#[derive(Clone, Copy)]
pub struct Knowledge {
    pub(super) behind: Row,
    pub(super) fenced: Row,
}

impl Default for Knowledge {
    fn default() -> Knowledge {
        Knowledge {
            behind: [0; ACTORS],
            fenced: [0; ACTORS],
        }
    }
}

impl Knowledge {
    /// Adds what another one knew.
    pub fn join(&mut self, other: &Knowledge) {
        raise(&mut self.behind, &other.behind);
        raise(&mut self.fenced, &other.fenced);
    }
}

/// The later of both, clock by clock.
pub(super) fn raise(mine: &mut Row, theirs: &Row) {
    for (mine, theirs) in mine.iter_mut().zip(theirs) {
        *mine = (*mine).max(*theirs);
    }
}
