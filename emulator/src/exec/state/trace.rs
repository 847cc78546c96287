//! What is known of an instruction besides how to run it.

use super::space::Kind;
use super::values::Values;
use cuda_emulator_counts::Class;

/// What is known of an instruction besides how to run it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Trace {
    /// None for what the decoder added: guards, moves of constants.
    pub class: Option<Class>,
    pub touch: Touch,
    /// How its results depend on its operands.
    pub values: Values,
    /// Operations of Tensor Cores.
    pub flop: u32,
}

/// How an instruction touches memory, or where it goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Touch {
    #[default]
    Nothing,
    /// A place for each lane: address in `r[0]`, offset in `imm`, its width in `m[WIDE]`.
    Lanes { space: u8, bytes: u8, kind: Kind },
    /// `cp.async`
    Copy,
    /// `cp.async.bulk` from or to global memory
    Bulk(Kind),
    /// `cp.async.bulk.tensor`
    Tile(Kind),
    /// `ldmatrix`, `stmatrix`
    Matrices(Kind),
    /// `wmma.load`, `wmma.store`
    Fragment { space: u8, kind: Kind },
    /// `@p bra`
    Branch,
    /// `brx.idx`
    Table,
}

/// One access by lanes of a warp.
pub struct Access {
    /// `spaces::GLOBAL` or `spaces::SHARED`.
    pub space: u8,
    pub kind: Kind,
    /// Device addresses; of shared memory, offsets in it.
    pub at: [u64; 32],
    pub lanes: u32,
    /// Bytes of a lane.
    pub bytes: u32,
}

impl Touch {
    /// Whether all lanes of a warp execute it as one.
    pub fn is_collective(self) -> bool {
        matches!(self, Touch::Matrices(_) | Touch::Fragment { .. })
    }
}
