//! The accesses of a warp's lanes wherever they lie, in words. What is not plainly ordered is left to be looked at lane by
//! lane, and finds there what it would have found alone.

use super::SharedShadow;
use super::cell::MANY;
use super::cells::{RUN, Run};
use super::runs::{Now, simple};
use crate::check::bits;

/// Words that a warp's reads may lie apart to be looked at by runs: a bit for each in a mask.
const SPAN: usize = 64;

/// The words of some lanes' reads: which are read, which of them by several lanes, and the last lane to read each.
struct Span {
    read: u64,
    many: u64,
    lane: [u32; SPAN],
}

impl SharedShadow {
    /// Weak reads of `size` bytes by some lanes; the mask of those that are left comes back.
    #[inline(always)]
    pub fn read_lanes(
        &mut self,
        (warp, line): (u32, u32),
        at: &[u32; 32],
        size: u32,
        active: u32,
    ) -> u32 {
        let Some(now) = self.now(warp, line, size) else {
            return active;
        };
        let words = size as usize / 4;
        let (mut low, mut high) = (u32::MAX, 0);
        for address in at {
            // those of lanes that do not execute are some other lane's
            low = low.min(*address);
            high = high.max(*address);
        }
        let first = low as usize / 4;
        if (high as usize / 4 + words) - first > SPAN {
            return self.read_apart(now, at, words, active);
        }
        let span = Span::of(at, first, words, active);
        let mut fine = true;
        for start in (0..SPAN).step_by(RUN) {
            let read = span.read >> start & 0xFF;
            if read == 0 {
                continue;
            }
            fine &= match self.words.run(first + start) {
                Some(cells) => now.read_some(cells, &span, start),
                None => false,
            };
        }
        if fine {
            0
        } else {
            self.read_apart(now, at, words, active)
        }
    }

    #[inline(never)]
    fn read_apart(&mut self, now: Now, at: &[u32; 32], words: usize, active: u32) -> u32 {
        let mut left = 0;
        for lane in bits(active) {
            let word = at[lane] as usize / 4;
            let fine = (word..word + words).all(|word| self.read_word(now, lane as u32, word));
            left |= u32::from(!fine) << lane;
        }
        left
    }

    #[inline(always)]
    fn read_word(&mut self, now: Now, lane: u32, word: usize) -> bool {
        let mut cell = self.words.get(word);
        let again = cell.read_clock == now.clock;
        let (before, writer) = (cell.read_thread.into(), cell.write_thread.into());
        let ordered = again || now.ordered(cell.read_clock, before);
        if !now.behind(cell.write_clock, writer) || !ordered || !simple(before) {
            return false;
        }
        let reader = (now.warp * 32 + lane) as u16;
        if again && (cell.read_thread == MANY || cell.read_thread == reader) {
            self.words.add_reader(word, now.warp);
            return true;
        }
        let others = if again { cell.read_warps } else { 0 };
        cell.read_thread = if again { MANY } else { reader };
        cell.read_warps = others | 1 << now.warp;
        cell.read_clock = now.clock;
        cell.read_line = now.line;
        self.words.set(word, &cell);
        true
    }

    /// Weak writes of `size` bytes by some lanes; the mask of those that are left comes back. Of lanes that write the same
    /// word only the first is done with.
    pub fn write_lanes(
        &mut self,
        (warp, line): (u32, u32),
        at: &[u32; 32],
        size: u32,
        active: u32,
    ) -> u32 {
        let Some(now) = self.now(warp, line, size) else {
            return active;
        };
        let mut left = 0;
        for lane in bits(active) {
            let word = at[lane] as usize / 4;
            // all of them, also behind one that is left: who writes there next is not the first
            let fine = (word..word + size as usize / 4).fold(true, |fine, word| {
                self.write_word(now, lane as u32, word) & fine
            });
            left |= u32::from(!fine) << lane;
        }
        left
    }

    #[inline(always)]
    fn write_word(&mut self, now: Now, lane: u32, word: usize) -> bool {
        let mut cell = self.words.get(word);
        let (reader, writer) = (cell.read_thread.into(), cell.write_thread.into());
        let ordered = now.ordered(cell.write_clock, writer) & now.ordered(cell.read_clock, reader);
        if !ordered || !simple(reader) {
            return false;
        }
        cell.write_thread = (now.warp * 32 + lane) as u16;
        cell.write_clock = now.clock;
        cell.write_line = now.line;
        cell.read_clock = 0;
        self.words.set(word, &cell);
        true
    }
}

impl Span {
    fn of(at: &[u32; 32], first: usize, words: usize, active: u32) -> Span {
        let mut span = Span {
            read: 0,
            many: 0,
            lane: [0; SPAN],
        };
        let mask = (1u64 << words) - 1;
        for (lane, address) in at.iter().enumerate() {
            let word = *address as usize / 4 - first;
            let mask = if active >> lane & 1 != 0 { mask } else { 0 } << word;
            span.many |= span.read & mask;
            span.read |= mask;
            if mask != 0 {
                span.lane[word..word + words].fill(lane as u32);
            }
        }
        span
    }
}

impl Now {
    /// Reads of some of a run of words. False leaves all of them as they are.
    #[inline(always)]
    fn read_some(self, cells: Run<'_>, span: &Span, start: usize) -> bool {
        let bits = |mask: u64| (mask >> start & 0xFF) as u32;
        let (read, many) = (bits(span.read), bits(span.many));
        let mut fine = true;
        for c in 0..RUN {
            let (clock, reader) = (cells.read_clock[c], cells.read_thread[c]);
            let ordered = (clock == self.clock) | self.ordered(clock, reader);
            let written = self.behind(cells.write_clock[c], cells.write_thread[c]);
            fine &= (written & ordered & simple(reader)) | (read >> c & 1 == 0);
        }
        if !fine {
            return false;
        }
        let Some(lanes) = span.lane[start..].first_chunk::<RUN>() else {
            return false;
        };
        for (c, lane) in lanes.iter().enumerate() {
            let again = cells.read_clock[c] == self.clock;
            let reader = self.warp * 32 + lane;
            let alone = (many >> c & 1 == 0) & (!again | (cells.read_thread[c] == reader));
            let others = if again { cells.read_warps[c] } else { 0 };
            let is_read = read >> c & 1 != 0;
            let put = |old: u32, new: u32| if is_read { new } else { old };
            let thread = if alone { reader } else { u32::from(MANY) };
            cells.read_thread[c] = put(cells.read_thread[c], thread);
            cells.read_warps[c] = put(cells.read_warps[c], others | 1 << self.warp);
            cells.read_clock[c] = put(cells.read_clock[c], self.clock);
            cells.read_line[c] = put(cells.read_line[c], self.line);
        }
        true
    }
}
