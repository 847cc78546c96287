//! How an instruction reads and writes the rows of the running group.

use super::lanes::{Lane, Lanes, Row, column};
use super::machine::Context;

impl Context<'_> {
    /// The row at a frame offset.
    #[inline(always)]
    pub fn row<T: Lane>(&self, offset: u32) -> Row<T> {
        // SAFETY: the decoder's allocation places every row inside the frame, aligned to its size.
        Row(unsafe { self.base.add(offset as usize).cast() })
    }

    /// The row at a frame offset, to be written where `write` has all lanes.
    #[inline(always)]
    pub fn row_mut<T: Lane>(&mut self, offset: u32) -> &mut [T; 32] {
        // SAFETY: as in `row`; nothing else borrows the register file meanwhile.
        unsafe { &mut *self.base.add(offset as usize).cast::<[T; 32]>() }
    }

    /// Writes the row at a frame offset in the lanes of `write`.
    #[inline(always)]
    pub fn set<T: Lane>(&mut self, offset: u32, values: &[T; 32]) {
        let (write, width) = (self.write, self.width);
        let row = self.row_mut(offset);
        if write == u32::MAX {
            *row = *values;
        } else {
            let old = *row;
            *row = column!(width, l => {
                if write >> (l & 31) & 1 != 0 { values[l & 31] } else { old[l & 31] }
            });
        }
    }

    /// Writes one lane of a row.
    #[inline(always)]
    pub fn set_lane<T: Lane>(&mut self, offset: u32, lane: usize, value: T) {
        debug_assert!(lane < 32);
        // SAFETY: as in `row`, and lanes are below 32.
        unsafe {
            self.base
                .add(offset as usize)
                .cast::<T>()
                .add(lane)
                .write(value)
        }
    }

    /// A predicate, one bit for each lane.
    #[inline(always)]
    pub fn predicate(&self, offset: u32) -> u32 {
        // SAFETY: the decoder's allocation gives a predicate four aligned bytes of the frame.
        unsafe { self.base.add(offset as usize).cast::<u32>().read() }
    }

    /// Writes a predicate in the lanes of `write`.
    #[inline(always)]
    pub fn set_predicate(&mut self, offset: u32, value: u32) {
        let merged = self.predicate(offset) & !self.write | value & self.write;
        // SAFETY: as in `predicate`.
        unsafe { self.base.add(offset as usize).cast::<u32>().write(merged) }
    }

    /// Makes `active` the executing lanes.
    #[inline(always)]
    pub fn activate(&mut self, active: u32) {
        self.active = active;
        self.write = if active == self.warp.live {
            u32::MAX
        } else {
            active
        };
    }

    /// The first executing lane.
    #[inline(always)]
    pub fn first_lane(&self) -> usize {
        self.active.trailing_zeros() as usize & 31
    }

    /// Calls `f` with every executing lane.
    #[inline(always)]
    pub fn lanes(&self) -> Lanes {
        Lanes(self.active)
    }
}
