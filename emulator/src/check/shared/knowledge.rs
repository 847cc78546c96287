//! What is ordered behind what, handed on at barriers.

/// The warps of a block, the copy engine, and the Tensor Cores of each warpgroup.
pub(super) const ACTORS: usize = 32 + 1 + 8;

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
