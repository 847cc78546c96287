//! The shadow of a block's shared memory: who wrote and who read each word last, and what that orders.
//!
//! Every warp has a clock that advances when it passes a barrier, and knows for every other warp up to which of that
//! warp's clocks it is ordered behind. Two accesses to one word by different threads, at least one a write, of which
//! neither is ordered behind the other, are a race. Words that are accessed in parts are tracked by byte.

/// One word's (or byte's) last write and reads. Clocks below the block's first mean never.
#[derive(Clone, Copy, Default)]
struct Cell {
    write_clock: u32,
    read_clock: u32,
    /// Thread, with `STRONG` or `IN_FLIGHT`.
    write_thread: u16,
    /// Thread or `MANY`, with `STRONG` if no reader was weak.
    read_thread: u16,
    /// Warps that have read, if many threads did.
    read_warps: u32,
    write_line: u32,
    read_line: u32,
}

const STRONG: u16 = 1 << 15;
const IN_FLIGHT: u16 = 1 << 14;
const THREAD: u16 = 0x3FFF;
const MANY: u16 = THREAD;
/// In `read_thread` of a word: look at its bytes.
const SPLIT: u16 = THREAD - 1;

/// Who accesses.
#[derive(Clone, Copy)]
pub struct Access {
    pub thread: u32,
    /// Atomic or volatile: two such accesses do not race.
    pub strong: bool,
    pub line: u32,
}

/// What an access runs into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Nobody has written what is read.
    Uninitialised,
    /// Another access that nothing orders: its thread (if one), its line, whether it wrote.
    Race {
        thread: Option<u32>,
        line: u32,
        write: bool,
    },
    /// An asynchronous copy that its thread has not waited for.
    InFlight { thread: u32, line: u32 },
}

/// Which findings count.
#[derive(Clone, Copy, Default)]
pub struct Wanted {
    pub races: bool,
    pub uninitialised: bool,
    pub in_flight: bool,
}

/// The shadow with the warps' clocks.
#[derive(Default)]
pub struct SharedShadow {
    words: Vec<Cell>,
    /// Four cells for each word, used where the word is `SPLIT`.
    bytes: Vec<[Cell; 4]>,
    wanted: Wanted,
    /// Clocks below this belong to earlier blocks.
    first: u32,
    latest: u32,
    warps: usize,
    clocks: [u32; 32],
    /// For each warp the clock up to which it is ordered behind every warp.
    floor: [u32; 32],
    /// `behind[u][v]`: warp u is ordered behind what warp v did up to this clock.
    behind: Vec<[u32; 32]>,
}

/// What a warp knew when it arrived at a barrier.
pub type Knowledge = [u32; 32];

impl SharedShadow {
    /// Forgets the last block.
    pub fn reset(&mut self, bytes: usize, warps: usize, wanted: Wanted) {
        let words = bytes.div_ceil(4);
        if self.words.len() < words {
            self.words.resize(words, Cell::default());
        }
        self.wanted = wanted;
        self.first = self.latest + 1;
        self.latest = self.first + 1;
        self.warps = warps;
        self.clocks = [self.first + 1; 32];
        self.behind.clear();
        self.behind.resize(warps, [self.first - 1; 32]);
        self.floor = [self.first - 1; 32];
    }

    /// `bar.warp.sync`: orders the lanes of a warp.
    pub fn warp_barrier(&mut self, warp: usize) {
        self.behind[warp][warp] = self.clocks[warp];
        self.advance(warp);
        self.lift(warp);
    }

    fn lift(&mut self, warp: usize) {
        self.floor[warp] = self.behind[warp][..self.warps]
            .iter()
            .copied()
            .min()
            .unwrap_or(0);
    }

    /// A warp arrives at a barrier: what it hands to those that pass it.
    pub fn arrive(&mut self, warp: usize) -> Knowledge {
        let mut knowledge = self.behind[warp];
        knowledge[warp] = self.clocks[warp];
        self.advance(warp);
        knowledge
    }

    /// A warp passes a barrier to which this knowledge was brought.
    pub fn pass(&mut self, warp: usize, joined: &Knowledge) {
        for (mine, theirs) in self.behind[warp].iter_mut().zip(joined) {
            *mine = (*mine).max(*theirs);
        }
        self.lift(warp);
    }

    /// Reads of whole words by the active lanes of a warp. Deals with those that are plainly ordered and differ from
    /// the word's last reads in nothing but the reader; the mask of the others comes back.
    #[inline(always)]
    pub fn read_words(&mut self, warp: u32, active: u32, at: &[u32; 32], strong: bool) -> u32 {
        let (now, floor) = (self.clocks[warp as usize], self.floor[warp as usize]);
        let window = floor.wrapping_sub(self.first);
        let mut left = 0;
        if floor < self.first || strong {
            return active;
        }
        for (lane, address) in at.iter().enumerate() {
            let Some(cell) = self.words.get_mut(*address as usize / 4) else {
                return active;
            };
            let reader = (warp * 32 + lane as u32) as u16;
            let written = cell.write_clock.wrapping_sub(self.first) <= window;
            let read =
                cell.read_clock == now && (cell.read_thread == MANY || cell.read_thread == reader);
            if written && read {
                cell.read_warps |= 1 << warp;
            } else {
                left |= 1 << lane;
            }
        }
        left & active
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
            wanted: self.wanted,
        };
        let word = address as usize / 4;
        if size == 4 && address.is_multiple_of(4) && self.words[word].read_thread != SPLIT {
            return f(&clocks, &mut self.words[word]);
        }
        let (mut at, end) = (address, address + size);
        let mut finding = None;
        while at < end {
            let word = at as usize / 4;
            if at.is_multiple_of(4) && end - at >= 4 && self.words[word].read_thread != SPLIT {
                finding = finding.or(f(&clocks, &mut self.words[word]));
                at += 4;
                continue;
            }
            if self.words[word].read_thread != SPLIT {
                if self.bytes.len() <= word {
                    self.bytes.resize(self.words.len(), [Cell::default(); 4]);
                }
                self.bytes[word] = [self.words[word]; 4];
                self.words[word] = Cell {
                    read_thread: SPLIT,
                    ..Cell::default()
                };
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

/// The part of the shadow that says what is ordered.
struct Clocks<'a> {
    first: u32,
    clocks: &'a [u32; 32],
    behind: &'a [[u32; 32]],
    wanted: Wanted,
}

impl Clocks<'_> {
    #[inline(always)]
    fn ordered(&self, warp: usize, thread: u16, clock: u32) -> bool {
        clock <= self.behind[warp][(usize::from(thread & THREAD) / 32) & 31]
    }

    #[inline(always)]
    fn read(&self, access: Access, cell: &mut Cell) -> Option<Finding> {
        let (me, warp) = (access.thread as u16, access.thread as usize / 32);
        let now = self.clocks[warp];
        let mut finding = None;
        if cell.write_clock < self.first {
            if self.wanted.uninitialised {
                finding = Some(Finding::Uninitialised);
            }
        } else if cell.write_thread & !STRONG != me
            && !self.ordered(warp, cell.write_thread, cell.write_clock)
        {
            finding = self.conflict_with_write(access, cell);
        }
        let reader = me | if access.strong { STRONG } else { 0 };
        if cell.read_clock == now && cell.read_thread == reader {
            return finding;
        }
        if cell.read_clock == now && cell.read_thread == MANY {
            cell.read_warps |= 1 << warp;
            return finding;
        }
        self.note_read(access, cell, reader, warp, now);
        finding
    }

    fn note_read(&self, access: Access, cell: &mut Cell, reader: u16, warp: usize, now: u32) {
        let past = cell.read_clock < self.first
            || cell.read_thread & THREAD == reader & THREAD
            || self.reads_ordered(warp, cell);
        let weak_stays = cell.read_thread & STRONG == 0 && !past;
        if past {
            cell.read_thread = reader;
            cell.read_warps = 1 << warp;
            cell.read_clock = now;
        } else {
            cell.read_thread = MANY | if weak_stays { 0 } else { reader & STRONG };
            cell.read_warps |= 1 << warp;
            cell.read_clock = cell.read_clock.max(now);
        }
        cell.read_line = access.line;
    }

    fn reads_ordered(&self, warp: usize, cell: &Cell) -> bool {
        if cell.read_thread & THREAD != MANY {
            return self.ordered(warp, cell.read_thread, cell.read_clock);
        }
        super::bits(cell.read_warps).all(|w| cell.read_clock <= self.behind[warp][w])
    }

    #[inline(always)]
    fn write(&self, access: Access, cell: &mut Cell) -> Option<Finding> {
        let (me, warp) = (access.thread as u16, access.thread as usize / 32);
        let mut finding = None;
        if cell.write_clock >= self.first
            && cell.write_thread & !STRONG != me
            && !self.ordered(warp, cell.write_thread, cell.write_clock)
        {
            finding = self.conflict_with_write(access, cell);
        }
        if cell.read_clock >= self.first
            && cell.read_thread & THREAD != me
            && !self.reads_ordered(warp, cell)
        {
            let both_strong = access.strong && cell.read_thread & STRONG != 0;
            if self.wanted.races && !both_strong && finding.is_none() {
                let thread = (cell.read_thread & THREAD != MANY)
                    .then_some(u32::from(cell.read_thread & THREAD));
                finding = Some(Finding::Race {
                    thread,
                    line: cell.read_line,
                    write: false,
                });
            }
        }
        cell.write_clock = self.clocks[warp];
        cell.write_thread = me | if access.strong { STRONG } else { 0 };
        cell.write_line = access.line;
        cell.read_clock = 0;
        finding
    }

    #[cold]
    fn conflict_with_write(&self, access: Access, cell: &Cell) -> Option<Finding> {
        let (thread, line) = (
            u32::from(cell.write_thread & THREAD & !IN_FLIGHT),
            cell.write_line,
        );
        if cell.write_thread & IN_FLIGHT != 0 {
            return self
                .wanted
                .in_flight
                .then_some(Finding::InFlight { thread, line });
        }
        let both_strong = access.strong && cell.write_thread & STRONG != 0;
        (self.wanted.races && !both_strong).then_some(Finding::Race {
            thread: Some(thread),
            line,
            write: true,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Wanted = Wanted {
        races: true,
        uninitialised: true,
        in_flight: true,
    };

    fn by(thread: u32) -> Access {
        Access {
            thread,
            strong: false,
            line: thread,
        }
    }

    fn block_barrier(shadow: &mut SharedShadow, warps: std::ops::Range<usize>) {
        let mut joined = [0; 32];
        for w in warps.clone() {
            for (j, k) in joined.iter_mut().zip(shadow.arrive(w)) {
                *j = k.max(*j);
            }
        }
        for w in warps {
            shadow.pass(w, &joined);
        }
    }

    #[test]
    fn a_barrier_orders_and_its_absence_is_a_race() {
        let mut s = SharedShadow::default();
        s.reset(64, 2, ALL);
        assert_eq!(s.read(by(0), 0, 4), Some(Finding::Uninitialised));
        s.reset(64, 2, ALL);
        assert_eq!(s.write(by(0), 0, 4), None);
        assert_eq!(s.read(by(0), 0, 4), None);
        assert_eq!(
            s.read(by(33), 0, 4),
            Some(Finding::Race {
                thread: Some(0),
                line: 0,
                write: true
            })
        );
        s.reset(64, 2, ALL);
        s.write(by(0), 0, 4);
        block_barrier(&mut s, 0..2);
        assert_eq!(s.read(by(33), 0, 4), None);
        assert_eq!(s.read(by(34), 0, 4), None);
        assert_eq!(
            s.write(by(33), 0, 4),
            Some(Finding::Race {
                thread: None,
                line: 34,
                write: false
            })
        );
        block_barrier(&mut s, 0..2);
        assert_eq!(s.write(by(1), 0, 4), None);
    }

    #[test]
    fn lanes_of_a_warp_need_a_warp_barrier() {
        let mut s = SharedShadow::default();
        s.reset(64, 1, ALL);
        s.write(by(0), 8, 4);
        assert!(s.read(by(1), 8, 4).is_some());
        s.reset(64, 1, ALL);
        s.write(by(0), 8, 4);
        s.warp_barrier(0);
        assert_eq!(s.read(by(1), 8, 4), None);
    }

    #[test]
    fn a_named_barrier_orders_only_its_warps() {
        let mut s = SharedShadow::default();
        s.reset(64, 3, ALL);
        s.write(by(0), 0, 4);
        block_barrier(&mut s, 0..2);
        assert_eq!(s.read(by(32), 0, 4), None);
        assert!(s.read(by(64), 0, 4).is_some());
    }

    #[test]
    fn bytes_of_one_word_do_not_race() {
        let mut s = SharedShadow::default();
        s.reset(64, 1, ALL);
        assert_eq!(s.write(by(0), 0, 2), None);
        assert_eq!(s.write(by(1), 2, 2), None);
        assert!(s.write(by(2), 3, 1).is_some());
        assert_eq!(s.read(by(0), 4, 1), Some(Finding::Uninitialised));
    }

    #[test]
    fn copies_are_in_flight_until_waited_for() {
        let mut s = SharedShadow::default();
        s.reset(64, 1, ALL);
        s.begin_copy(by(0), 0, 16);
        assert!(matches!(
            s.read(by(0), 4, 4),
            Some(Finding::InFlight { .. })
        ));
        s.end_copy(by(0), 0, 16);
        assert_eq!(s.read(by(0), 4, 4), None);
        assert!(s.read(by(1), 4, 4).is_some());
    }

    #[test]
    fn strong_accesses_do_not_race_with_each_other() {
        let mut s = SharedShadow::default();
        s.reset(64, 2, ALL);
        let strong = |thread| Access {
            strong: true,
            ..by(thread)
        };
        s.write(strong(0), 0, 4);
        assert_eq!(s.update(strong(40), 0, 4), None);
        assert_eq!(s.read(strong(1), 0, 4), None);
        assert!(s.read(by(2), 0, 4).is_some());
    }
}
