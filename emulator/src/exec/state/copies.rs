//! Asynchronous copies on their way: those of `cp.async`, and bulk copies in and out.

/// A lane's copy on its way.
#[derive(Clone, Copy)]
pub struct LaneCopy {
    pub lane: u8,
    /// Number of the lane's group it belongs to.
    pub group: u32,
    pub target: u32,
    pub source: u64,
    pub bytes: u32,
    /// Bytes that come from the source; the others are zero.
    pub filled: u32,
    pub line: u32,
}

/// The copies of a warp that nobody has waited for.
#[derive(Default)]
pub struct Copies {
    pub pending: Vec<LaneCopy>,
    /// Groups that each lane has committed.
    pub committed: Vec<u32>,
}

impl Copies {
    pub fn clear(&mut self) {
        self.pending.clear();
        self.committed.clear();
        self.committed.resize(32, 0);
    }
}

/// What a reducing copy does with each element, by the numbers of `atomic::op`.
#[derive(Clone, Copy)]
pub struct Reduction {
    pub op: u8,
    /// Bytes of an element: 2, 4 or 8.
    pub bytes: u8,
}

/// A bulk copy to a block's shared memory; what it writes lies inside the block's shared memory.
pub struct Inbound {
    pub barrier: u32,
    pub target: u32,
    pub data: Vec<u8>,
    /// What is done with what is there; a plain copy if none.
    pub reduction: Option<Reduction>,
    pub line: u32,
    /// Who started it, if it was a thread of this block.
    pub thread: u32,
}

/// A run of bytes from shared to global memory.
#[derive(Clone, Copy)]
pub struct Piece {
    pub global: u64,
    pub shared: u32,
    pub bytes: u32,
}

/// A lane's copy on its way; what its pieces read and write was checked when it started.
pub struct Outgoing {
    pub lane: u8,
    /// Number of the lane's group it belongs to.
    pub group: u32,
    pub pieces: Vec<Piece>,
    pub reduction: Option<Reduction>,
    pub line: u32,
}

/// The copies of a warp that nobody has waited for.
#[derive(Default)]
pub struct Outbound {
    pub pending: Vec<Outgoing>,
    /// Groups that each lane has committed.
    pub committed: [u32; 32],
}

impl Outbound {
    pub fn clear(&mut self) {
        self.pending.clear();
        self.committed = [0; 32];
    }

    pub fn group(&self, lane: usize) -> u32 {
        self.committed[lane]
    }

    pub fn push(&mut self, copy: Outgoing) {
        self.pending.push(copy);
    }
}

/// How many asynchronous operations read each 16 bytes of a block's shared memory.
#[derive(Default)]
pub struct Readers {
    /// Count and the line of the last operation.
    pieces: Vec<(u16, u32)>,
    running: u32,
}

/// Bytes that are counted together: no asynchronous operation reads less.
const PIECE: u32 = 16;

impl Readers {
    pub fn reset(&mut self, bytes: usize) {
        if self.running > 0 {
            self.pieces.clear();
        }
        self.running = 0;
        self.pieces.resize(bytes.div_ceil(PIECE as usize), (0, 0));
    }

    fn span(address: u32, bytes: u32) -> std::ops::Range<usize> {
        (address / PIECE) as usize..(address + bytes).div_ceil(PIECE) as usize
    }

    pub fn begin(&mut self, address: u32, bytes: u32, line: u32) {
        self.running += 1;
        for piece in &mut self.pieces[Self::span(address, bytes)] {
            *piece = (piece.0 + 1, line);
        }
    }

    pub fn end(&mut self, address: u32, bytes: u32) {
        self.running = self.running.saturating_sub(1);
        for piece in &mut self.pieces[Self::span(address, bytes)] {
            piece.0 = piece.0.saturating_sub(1);
        }
    }

    /// The line of an operation that reads some of these bytes.
    #[inline(always)]
    pub fn over(&self, address: u32, bytes: u32) -> Option<u32> {
        if self.running == 0 {
            return None;
        }
        let pieces = self.pieces.get(Self::span(address, bytes))?;
        pieces.iter().find(|p| p.0 > 0).map(|p| p.1)
    }
}
