//! Clocks of the readers of a cell, for the cells whose readers' clocks differ.

use super::cell::{Cell, MANY, ROW, THREAD};
use super::knowledge::{ACTORS, Row, actor};
use crate::check::bits;

/// A row has a clock for each actor, 0 for those that have not read. Cells of earlier blocks (clocks below `first`) have
/// lost theirs.
#[derive(Default)]
pub(super) struct Readers {
    rows: Vec<Row>,
    free: Vec<u32>,
}

impl Readers {
    pub(super) fn clear(&mut self) {
        self.rows.clear();
        self.free.clear();
    }

    fn keep(&mut self, clocks: Row) -> u32 {
        if let Some(number) = self.free.pop() {
            self.rows[number as usize] = clocks;
            return number;
        }
        self.rows.push(clocks);
        self.rows.len() as u32 - 1
    }

    /// The clocks of a cell's readers.
    pub(super) fn clocks(&self, cell: &Cell) -> &Row {
        &self.rows[cell.read_warps as usize]
    }

    /// A warp, or Tensor Cores, have read beside others, at another clock than they.
    pub(super) fn add(&mut self, cell: &mut Cell, reader: usize, now: u32) {
        if cell.read_thread & THREAD != ROW {
            let mut clocks = [0; ACTORS];
            if cell.read_thread & THREAD == MANY {
                for warp in bits(cell.read_warps) {
                    clocks[warp] = cell.read_clock;
                }
            } else {
                clocks[actor(cell.read_thread)] = cell.read_clock;
            }
            cell.read_warps = self.keep(clocks);
        }
        self.rows[cell.read_warps as usize][reader] = now;
        cell.read_clock = cell.read_clock.max(now);
    }

    /// The cell's readers do not count any more.
    pub(super) fn forget(&mut self, cell: &Cell, first: u32) {
        if cell.read_thread & THREAD == ROW && cell.read_clock >= first {
            self.free.push(cell.read_warps);
        }
    }

    /// A row of its own for a copy of a cell.
    pub(super) fn copy(&mut self, cell: &mut Cell, first: u32) {
        if cell.read_thread & THREAD == ROW && cell.read_clock >= first {
            cell.read_warps = self.keep(*self.clocks(cell));
        }
    }
}
