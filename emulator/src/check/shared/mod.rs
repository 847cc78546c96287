//! The shadow of a block's shared memory: who wrote and who read each word last, and what that orders.
//!
//! Every warp has a clock that advances when it passes a barrier, and knows for every other warp up to which of that
//! warp's clocks it is ordered behind. Two accesses to one word by different threads, at least one a write, of which
//! neither is ordered behind the other, are a race. Words that are accessed in parts are tracked by byte.

mod cell;
mod cells;
mod clocks;
#[cfg(test)]
mod eights_tests;
mod engine;
mod flags;
mod knowledge;
mod lanes;
mod readers;
mod runs;
mod tensor;
#[cfg(test)]
mod tests;

pub use cell::{Access, Finding, Wanted};

pub use knowledge::{ENGINE_THREAD, Knowledge, WARPS};
pub use runs::{Eights, Pattern};

use cell::{Cell, IN_FLIGHT, SPLIT};
use cells::Cells;
use clocks::Clocks;
use flags::Flags;
use knowledge::{ACTORS, Row};
use readers::Readers;
use std::cell::RefCell;

/// The shadow with the warps' clocks.
#[derive(Default)]
pub struct SharedShadow {
    words: Cells,
    /// Four cells for each word, used where the word is `SPLIT`.
    bytes: Vec<[Cell; 4]>,
    wanted: Wanted,
    /// Clocks below this belong to earlier blocks.
    first: u32,
    latest: u32,
    warps: usize,
    clocks: [u32; 32],
    /// The copy engine's.
    engine_clock: u32,
    /// For each warp the clock up to which it is ordered behind every warp.
    floor: [u32; 32],
    /// `behind[u][v]`: warp u is ordered behind what warp v did up to this clock.
    behind: Vec<Row>,
    /// `fenced[u][v]`: what warp v wrote up to this clock is, for warp u, behind a proxy fence.
    fenced: Vec<Row>,
    /// Whether the copy engine has written in this block.
    engine_used: bool,
    flags: Flags,
    readers: RefCell<Readers>,
}

impl SharedShadow {
    /// Forgets the last block.
    pub fn reset(&mut self, bytes: usize, warps: usize, wanted: Wanted) {
        let words = bytes.div_ceil(4);
        if self.words.len() < words {
            self.words.resize(words);
        }
        self.wanted = wanted;
        self.first = self.latest + 1;
        self.latest = self.first + 1;
        self.warps = warps;
        // clock `first` is that of what other blocks write: everybody is behind it
        self.clocks = [self.first + 1; 32];
        self.engine_clock = self.first + 1;
        self.behind.clear();
        self.behind.resize(warps, [self.first; ACTORS]);
        self.fenced.clear();
        self.fenced.resize(warps, [self.first; ACTORS]);
        self.engine_used = false;
        self.flags.clear();
        self.readers.get_mut().clear();
        self.floor = [self.first; 32];
    }

    /// `bar.warp.sync`: orders the lanes of a warp.
    pub fn warp_barrier(&mut self, warp: usize) {
        self.behind[warp][warp] = self.clocks[warp];
        self.advance(warp);
        self.lift(warp);
    }

    fn lift(&mut self, warp: usize) {
        let behind = &self.behind[warp];
        let engine = self.engine_used.then_some(behind[knowledge::ENGINE]);
        self.floor[warp] = behind[..self.warps]
            .iter()
            .copied()
            .chain(engine)
            .min()
            .unwrap_or(0);
    }

    /// A warp arrives at a barrier: what it hands to those that pass it.
    pub fn arrive(&mut self, warp: usize) -> Knowledge {
        let mut knowledge = Knowledge {
            behind: self.behind[warp],
            fenced: self.fenced[warp],
        };
        knowledge.behind[warp] = self.clocks[warp];
        self.advance(warp);
        knowledge
    }

    /// A warp passes a barrier to which this knowledge was brought.
    pub fn pass(&mut self, warp: usize, joined: &Knowledge) {
        knowledge::raise(&mut self.behind[warp], &joined.behind);
        knowledge::raise(&mut self.fenced[warp], &joined.fenced);
        self.lift(warp);
    }

    fn advance(&mut self, warp: usize) {
        self.clocks[warp] += 1;
        self.latest = self.latest.max(self.clocks[warp]);
    }

    #[inline(always)]
    fn cells(
        &mut self,
        address: u32,
        size: u32,
        mut f: impl FnMut(&Clocks<'_>, &mut Cell) -> Option<Finding>,
    ) -> Option<Finding> {
        let clocks = Clocks {
            first: self.first,
            clocks: &self.clocks,
            behind: &self.behind,
            readers: &self.readers,
            wanted: self.wanted,
        };
        let (mut at, end) = (address, address + size);
        let mut finding = None;
        while at < end {
            let word = at as usize / 4;
            let mut cell = self.words.get(word);
            let split = cell.read_thread == SPLIT;
            if !split && at.is_multiple_of(4) && end - at >= 4 {
                finding = finding.or(f(&clocks, &mut cell));
                self.words.set(word, &cell);
                at += 4;
                continue;
            }
            if !split {
                if self.bytes.len() <= word {
                    self.bytes.resize(self.words.len(), [Cell::default(); 4]);
                }
                self.bytes[word] = [cell; 4];
                for byte in &mut self.bytes[word][1..] {
                    self.readers.borrow_mut().copy(byte, self.first);
                }
                let split = Cell {
                    read_thread: SPLIT,
                    ..Cell::default()
                };
                self.words.set(word, &split);
            }
            finding = finding.or(f(&clocks, &mut self.bytes[word][at as usize % 4]));
            at += 1;
        }
        finding
    }

    /// A thread reads.
    #[inline(always)]
    pub fn read(&mut self, access: Access, address: u32, size: u32) -> Option<Finding> {
        self.cells(address, size, |clocks, cell| clocks.read(access, cell))
    }

    /// A thread writes.
    #[inline(always)]
    pub fn write(&mut self, access: Access, address: u32, size: u32) -> Option<Finding> {
        self.cells(address, size, |clocks, cell| clocks.write(access, cell))
    }

    /// An atomic operation: reads what must have been written, and writes.
    pub fn update(&mut self, access: Access, address: u32, size: u32) -> Option<Finding> {
        self.cells(address, size, |clocks, cell| {
            let unread = cell.write_clock < clocks.first && clocks.wanted.uninitialised;
            let finding = clocks.write(access, cell);
            if unread {
                Some(Finding::Uninitialised)
            } else {
                finding
            }
        })
    }

    /// Whether nobody has written one of these bytes, and it is looked at that.
    pub fn is_unwritten(&self, address: u32, size: u32) -> bool {
        let never = |at: u32| {
            let word = at as usize / 4;
            let cell = self.words.get(word);
            let cell = match cell.read_thread {
                SPLIT => self.bytes[word][at as usize % 4],
                _ => cell,
            };
            cell.write_clock < self.first
        };
        self.wanted.uninitialised && (address..address + size).any(never)
    }

    /// A thread starts an asynchronous copy to here.
    pub fn begin_copy(&mut self, access: Access, address: u32, size: u32) -> Option<Finding> {
        self.cells(address, size, |clocks, cell| {
            let finding = clocks.write(access, cell);
            cell.write_clock = u32::MAX;
            cell.write_thread = access.thread as u16 | IN_FLIGHT;
            finding
        })
    }

    /// The thread has waited for its copy.
    pub fn end_copy(&mut self, access: Access, address: u32, size: u32) {
        self.cells(address, size, |clocks, cell| {
            cell.write_clock = clocks.clocks[access.thread as usize / 32];
            cell.write_thread = access.thread as u16;
            cell.write_line = access.line;
            None
        });
    }
}
