//! The accesses of a warp's lanes in one go, where they lie as programs mostly have them: eight lanes side by side, or
//! at one address. What is not plainly ordered is left to be looked at lane by lane. Lanes that lie otherwise: `lanes.rs`.

use super::SharedShadow;
use super::cell::{MANY, THREAD};
use super::cells::{RUN, Run};

/// How the accesses of each eight lanes lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// All at one address.
    Same,
    /// Each behind the one before.
    Side,
}

/// Accesses of all lanes of a warp, aligned to their size, eight by eight alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Eights {
    /// Address of the first of each eight.
    pub first: [u32; 4],
    pub size: u32,
    pub pattern: Pattern,
}

/// Clocks that the accesses of a warp are held against.
#[derive(Clone, Copy)]
pub(super) struct Now {
    first: u32,
    pub(super) floor: u32,
    /// The warp's own clock up to which its lanes are ordered: later than `floor` behind a barrier of the warp alone.
    own: u32,
    pub(super) clock: u32,
    pub(super) warp: u32,
    pub(super) line: u32,
}

/// Whether a cell's readers are one thread or many with one clock, not those that want a closer look.
#[inline(always)]
pub(super) fn simple(read_thread: u32) -> bool {
    let thread = read_thread & u32::from(THREAD);
    (thread < 1024) | (thread == u32::from(MANY))
}

impl SharedShadow {
    /// Weak reads; the mask of the lanes that are left comes back.
    #[inline(always)]
    pub fn read_eights(&mut self, warp: u32, line: u32, eights: &Eights) -> u32 {
        let Some(now) = self.now(warp, line, eights.size) else {
            return u32::MAX;
        };
        let words = eights.size as usize / 4;
        let mut left = 0;
        for (eight, first) in eights.first.into_iter().enumerate() {
            let (lane, word) = (8 * eight, first as usize / 4);
            let mut fine = true;
            for run in 0..words {
                fine &= match eights.pattern {
                    Pattern::Same => self.read_by_many(now, word + run),
                    Pattern::Side => match self.words.run(word + run * RUN) {
                        Some(cells) => now.read(cells, lane + run * RUN / words, words),
                        None => false,
                    },
                };
            }
            left |= if fine { 0 } else { 0xFF << lane };
        }
        left
    }

    /// Weak writes of lanes side by side. False where one is left; others may then be noted already.
    #[inline(always)]
    pub fn write_eights(&mut self, warp: u32, line: u32, eights: &Eights) -> bool {
        let Some(now) = self.now(warp, line, eights.size) else {
            return false;
        };
        let words = eights.size as usize / 4;
        let mut fine = eights.pattern == Pattern::Side;
        for (eight, first) in eights.first.into_iter().enumerate() {
            for run in 0..words {
                fine &= match self.words.run(first as usize / 4 + run * RUN) {
                    Some(cells) => now.write(cells, 8 * eight + run * RUN / words, words),
                    None => false,
                };
            }
        }
        fine
    }

    /// None where lanes must be looked at one by one.
    #[inline(always)]
    pub(super) fn now(&self, warp: u32, line: u32, size: u32) -> Option<Now> {
        let now = Now {
            first: self.first,
            floor: self.floor[warp as usize],
            own: self.behind[warp as usize][warp as usize],
            clock: self.clocks[warp as usize],
            warp,
            line,
        };
        (now.floor >= now.first && matches!(size, 4 | 8 | 16)).then_some(now)
    }

    /// A read of one word by eight lanes or more.
    #[inline(always)]
    fn read_by_many(&mut self, now: Now, word: usize) -> bool {
        let mut cell = self.words.get(word);
        let again = cell.read_clock == now.clock;
        let (reader, writer) = (cell.read_thread.into(), cell.write_thread.into());
        let ordered = again || now.ordered(cell.read_clock, reader);
        if !now.behind(cell.write_clock, writer) || !ordered || !simple(reader) {
            return false;
        }
        if again && cell.read_thread == MANY {
            self.words.add_reader(word, now.warp);
            return true;
        }
        let others = if again { cell.read_warps } else { 0 };
        cell.read_warps = others | 1 << now.warp;
        cell.read_thread = MANY;
        cell.read_clock = now.clock;
        cell.read_line = now.line;
        self.words.set(word, &cell);
        true
    }
}

impl Now {
    /// Whether something has been written, and the warp is behind that.
    #[inline(always)]
    pub(super) fn behind(self, write_clock: u32, write_thread: u32) -> bool {
        (write_clock >= self.first) & self.ordered(write_clock, write_thread)
    }

    /// Whether the warp is behind what a thread did at a clock.
    #[inline(always)]
    pub(super) fn ordered(self, clock: u32, thread: u32) -> bool {
        let own = (thread & u32::from(THREAD)) / 32 == self.warp;
        (clock <= self.floor) | (own & (clock <= self.own))
    }

    /// The thread that accesses a cell of a run.
    #[inline(always)]
    fn thread(self, lane: usize, cell: usize, words: usize) -> u32 {
        self.warp * 32 + (lane + cell / words) as u32
    }

    /// Reads of a run of words, `words` of them by each lane. False leaves all of them as they are.
    #[inline(always)]
    fn read(self, cells: Run<'_>, lane: usize, words: usize) -> bool {
        let mut fine = true;
        for c in 0..RUN {
            let (clock, reader) = (cells.read_clock[c], cells.read_thread[c]);
            let ordered = (clock == self.clock) | self.ordered(clock, reader);
            let written = self.behind(cells.write_clock[c], cells.write_thread[c]);
            fine &= written & ordered & simple(reader);
        }
        if !fine {
            return false;
        }
        for c in 0..RUN {
            let again = cells.read_clock[c] == self.clock;
            let reader = self.thread(lane, c, words);
            let alone = !again | (cells.read_thread[c] == reader);
            let others = if again { cells.read_warps[c] } else { 0 };
            cells.read_thread[c] = if alone { reader } else { u32::from(MANY) };
            cells.read_warps[c] = others | 1 << self.warp;
        }
        *cells.read_clock = [self.clock; RUN];
        *cells.read_line = [self.line; RUN];
        true
    }

    /// Writes of a run of words. False leaves all of them as they are.
    #[inline(always)]
    fn write(self, cells: Run<'_>, lane: usize, words: usize) -> bool {
        let mut fine = true;
        for c in 0..RUN {
            // below the first clock is never
            let written = self.ordered(cells.write_clock[c], cells.write_thread[c]);
            let read = self.ordered(cells.read_clock[c], cells.read_thread[c]);
            fine &= written & read & simple(cells.read_thread[c]);
        }
        if !fine {
            return false;
        }
        for c in 0..RUN {
            cells.write_thread[c] = self.thread(lane, c, words);
        }
        *cells.write_clock = [self.clock; RUN];
        *cells.write_line = [self.line; RUN];
        *cells.read_clock = [0; RUN];
        true
    }
}
