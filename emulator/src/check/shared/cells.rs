//! The cells of all words, each of their fields in a row of its own: eight words' clocks fill a vector.

use super::cell::Cell;

/// Cells in a run, the words that are looked at together.
pub(super) const RUN: usize = 8;

#[derive(Default)]
pub(super) struct Cells {
    write_clock: Vec<u32>,
    read_clock: Vec<u32>,
    /// As wide as clocks, so that a thread lies in a vector where its clock does.
    write_thread: Vec<u32>,
    read_thread: Vec<u32>,
    read_warps: Vec<u32>,
    write_line: Vec<u32>,
    read_line: Vec<u32>,
}

/// The fields of words behind each other.
pub(super) struct Run<'a> {
    pub(super) write_clock: &'a mut [u32; RUN],
    pub(super) read_clock: &'a mut [u32; RUN],
    pub(super) write_thread: &'a mut [u32; RUN],
    pub(super) read_thread: &'a mut [u32; RUN],
    pub(super) read_warps: &'a mut [u32; RUN],
    pub(super) write_line: &'a mut [u32; RUN],
    pub(super) read_line: &'a mut [u32; RUN],
}

impl Cells {
    pub(super) fn len(&self) -> usize {
        self.write_clock.len()
    }

    pub(super) fn resize(&mut self, words: usize) {
        for row in [
            &mut self.write_clock,
            &mut self.read_clock,
            &mut self.write_thread,
            &mut self.read_thread,
            &mut self.read_warps,
            &mut self.write_line,
            &mut self.read_line,
        ] {
            row.resize(words, 0);
        }
    }

    #[inline(always)]
    pub(super) fn get(&self, word: usize) -> Cell {
        Cell {
            write_clock: self.write_clock[word],
            read_clock: self.read_clock[word],
            write_thread: self.write_thread[word] as u16,
            read_thread: self.read_thread[word] as u16,
            read_warps: self.read_warps[word],
            write_line: self.write_line[word],
            read_line: self.read_line[word],
        }
    }

    #[inline(always)]
    pub(super) fn set(&mut self, word: usize, cell: &Cell) {
        self.write_clock[word] = cell.write_clock;
        self.read_clock[word] = cell.read_clock;
        self.write_thread[word] = cell.write_thread.into();
        self.read_thread[word] = cell.read_thread.into();
        self.read_warps[word] = cell.read_warps;
        self.write_line[word] = cell.write_line;
        self.read_line[word] = cell.read_line;
    }

    /// A warp has read a word beside others.
    #[inline(always)]
    pub(super) fn add_reader(&mut self, word: usize, warp: u32) {
        self.read_warps[word] |= 1 << warp;
    }

    /// A word and the seven behind it, if there are so many.
    #[inline(always)]
    pub(super) fn run(&mut self, word: usize) -> Option<Run<'_>> {
        Some(Run {
            write_clock: run(&mut self.write_clock, word)?,
            read_clock: run(&mut self.read_clock, word)?,
            write_thread: run(&mut self.write_thread, word)?,
            read_thread: run(&mut self.read_thread, word)?,
            read_warps: run(&mut self.read_warps, word)?,
            write_line: run(&mut self.write_line, word)?,
            read_line: run(&mut self.read_line, word)?,
        })
    }
}

#[inline(always)]
fn run(row: &mut [u32], word: usize) -> Option<&mut [u32; RUN]> {
    row.get_mut(word..)?.first_chunk_mut()
}
