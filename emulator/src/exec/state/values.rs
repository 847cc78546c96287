//! How an instruction's results depend on its operands, for those who follow values.

/// How an instruction's results depend on its operands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Values {
    /// Each lane's results on each lane's operands.
    #[default]
    Lanes,
    /// `selp`: on the operand that the predicate picks, and on that.
    Select,
    /// `and.pred`, `or.pred`: not on one operand where the other says it all, which this value does.
    Decided(bool),
    /// All of them on all lanes' operands.
    Warp,
    /// `shfl`
    Shuffle,
    /// Something other than a value depends on the operands: where to go, who is waited for, what another engine does.
    Use,
    /// The predicate of the instructions up to `GuardEnd`.
    Guard,
    GuardEnd,
    /// `ld`
    Load,
    /// `st`
    Store,
    /// `atom`, `red`; whether the new value depends on the old one.
    Atomic(bool),
    /// `cp.async`
    Copy,
    /// `ldmatrix`
    LoadMatrix,
    /// `stmatrix`
    StoreMatrix,
    /// `movmatrix`
    MoveMatrix,
    /// `wmma.load`
    LoadFragment,
    /// `wmma.store`
    StoreFragment,
    /// `mma`, `wmma.mma`
    Product,
}

impl Values {
    /// Whether it may read memory that nobody has written, and the result is followed.
    pub fn may_read_undefined(self) -> bool {
        matches!(
            self,
            Values::Load
                | Values::Atomic(_)
                | Values::Copy
                | Values::LoadMatrix
                | Values::LoadFragment
        )
    }
}

/// The rows of each instruction's operands: their offsets in the frame, in the decoder's order.
#[derive(Default)]
pub struct Rows {
    /// Where each instruction's begin; where the last one's end.
    starts: Vec<u32>,
    rows: Vec<u32>,
}

/// In a row's number: it is written. Frames have no such offsets.
const WRITTEN: u32 = 1 << 31;

impl Rows {
    /// Adds those of the next instruction.
    pub fn push(&mut self, operands: impl Iterator<Item = (u32, bool)>) {
        if self.starts.is_empty() {
            self.starts.push(0);
        }
        let marked = operands.map(|(row, written)| row | if written { WRITTEN } else { 0 });
        self.rows.extend(marked);
        self.starts.push(self.rows.len() as u32);
    }

    pub fn extend(&mut self, other: &Rows) {
        for pc in 0..other.starts.len().saturating_sub(1) {
            self.push(other.of(pc as u32));
        }
    }

    /// The rows of an instruction, and whether each is written.
    pub fn of(&self, pc: u32) -> impl Iterator<Item = (u32, bool)> + '_ {
        let bounds = self.starts.get(pc as usize..pc as usize + 2);
        let rows = bounds.map_or(&[][..], |b| &self.rows[b[0] as usize..b[1] as usize]);
        rows.iter().map(|row| (row & !WRITTEN, row & WRITTEN != 0))
    }

    /// Those that are read.
    pub fn read(&self, pc: u32) -> impl Iterator<Item = u32> + '_ {
        self.of(pc)
            .filter(|(_, written)| !written)
            .map(|(row, _)| row)
    }

    /// Those that are written.
    pub fn written(&self, pc: u32) -> impl Iterator<Item = u32> + '_ {
        self.of(pc)
            .filter(|(_, written)| *written)
            .map(|(row, _)| row)
    }
}
