//! What is ordered by the warps' clocks, and how reads and writes change a cell.

use super::cell::{Access, Cell, Finding, IN_FLIGHT, MANY, ROW, STRONG, THREAD, Wanted};
use super::knowledge::{ENGINE, ENGINE_THREAD, Row, actor, is_tensor};
use super::readers::Readers;
use crate::check::bits;
use std::cell::RefCell;

/// The part of the shadow that says what is ordered.
pub(super) struct Clocks<'a> {
    pub(super) first: u32,
    pub(super) clocks: &'a [u32; 32],
    pub(super) behind: &'a [Row],
    pub(super) readers: &'a RefCell<Readers>,
    pub(super) wanted: Wanted,
}

impl Clocks<'_> {
    #[inline(always)]
    fn ordered(&self, warp: usize, thread: u16, clock: u32) -> bool {
        clock <= self.behind[warp][actor(thread)]
    }

    #[inline(always)]
    pub(super) fn read(&self, access: Access, cell: &mut Cell) -> Option<Finding> {
        let (me, warp) = (access.thread as u16, access.thread as usize / 32);
        let now = self.clocks[warp];
        let finding = self.unwritten(access, cell);
        let reader = me | if access.strong { STRONG } else { 0 };
        if cell.read_clock == now && cell.read_thread == reader {
            return finding;
        }
        if cell.read_clock == now && cell.read_thread == MANY {
            cell.read_warps |= 1 << warp;
            return finding;
        }
        self.note_read(access, cell, reader, now);
        finding
    }

    /// What is wrong with what there is to read.
    #[inline(always)]
    fn unwritten(&self, access: Access, cell: &Cell) -> Option<Finding> {
        let (me, warp) = (access.thread as u16, access.thread as usize / 32);
        if cell.write_clock < self.first {
            return self.wanted.uninitialised.then_some(Finding::Uninitialised);
        }
        if cell.write_thread & !STRONG == me
            || self.ordered(warp, cell.write_thread, cell.write_clock)
        {
            return None;
        }
        self.conflict_with_write(access, cell)
    }

    /// As `read`, by Tensor Cores on behalf of a thread that must be behind the writes.
    pub(super) fn read_tensor(
        &self,
        access: Access,
        reader: u16,
        now: u32,
        cell: &mut Cell,
    ) -> Option<Finding> {
        let finding = self.unwritten(access, cell);
        if cell.read_clock != now || cell.read_thread != reader {
            self.note_read(access, cell, reader, now);
        }
        finding
    }

    fn note_read(&self, access: Access, cell: &mut Cell, reader: u16, now: u32) {
        let (warp, actor) = (access.thread as usize / 32, actor(reader));
        let has_row = cell.read_thread & THREAD == ROW;
        // clocks of Tensor Cores are not those of warps: beside any other reader they need a row
        let tensor = is_tensor(reader) || is_tensor(cell.read_thread);
        let again = cell.read_clock == now && !has_row && !tensor;
        let past = cell.read_clock < self.first
            || cell.read_thread & THREAD == reader & THREAD
            || !again && self.reads_ordered(warp, cell);
        let weak_stays = cell.read_thread & STRONG == 0 && !past;
        let strong = if weak_stays { 0 } else { reader & STRONG };
        if past {
            if has_row {
                self.forget(cell);
            }
            cell.read_thread = reader;
            cell.read_warps = 1 << warp;
            cell.read_clock = now;
        } else if again {
            cell.read_thread = MANY | strong;
            cell.read_warps |= 1 << warp;
        } else {
            self.keep(cell, actor, now);
            cell.read_thread = ROW | strong;
        }
        cell.read_line = access.line;
    }

    fn reads_ordered(&self, warp: usize, cell: &Cell) -> bool {
        let behind = &self.behind[warp];
        match cell.read_thread & THREAD {
            MANY => bits(cell.read_warps).all(|w| cell.read_clock <= behind[w]),
            ROW => self.row_ordered(cell, behind),
            _ => self.ordered(warp, cell.read_thread, cell.read_clock),
        }
    }

    #[cold]
    fn row_ordered(&self, cell: &Cell, behind: &Row) -> bool {
        let readers = self.readers.borrow();
        let mut pairs = readers.clocks(cell).iter().zip(behind);
        pairs.all(|(read, seen)| read <= seen)
    }

    #[cold]
    fn keep(&self, cell: &mut Cell, actor: usize, now: u32) {
        self.readers.borrow_mut().add(cell, actor, now);
    }

    #[cold]
    fn forget(&self, cell: &Cell) {
        self.readers.borrow_mut().forget(cell, self.first);
    }

    #[inline(always)]
    pub(super) fn write(&self, access: Access, cell: &mut Cell) -> Option<Finding> {
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
            finding = finding.or_else(|| self.conflict_with_read(access, cell));
        }
        cell.write_clock = self.clocks[warp];
        cell.write_thread = me | if access.strong { STRONG } else { 0 };
        cell.write_line = access.line;
        if cell.read_thread & THREAD == ROW {
            self.forget(cell);
        }
        cell.read_clock = 0;
        finding
    }

    #[cold]
    fn conflict_with_read(&self, access: Access, cell: &Cell) -> Option<Finding> {
        let line = cell.read_line;
        if self.only_tensor_reads(access.thread as usize / 32, cell) {
            return self.wanted.wgmma.then_some(Finding::InUse { line });
        }
        let both_strong = access.strong && cell.read_thread & STRONG != 0;
        let thread = u32::from(cell.read_thread & THREAD);
        (self.wanted.races && !both_strong).then_some(Finding::Race {
            thread: (thread < u32::from(ROW)).then_some(thread),
            line,
            write: false,
        })
    }

    /// Whether a warp is behind the reads of all others but Tensor Cores.
    fn only_tensor_reads(&self, warp: usize, cell: &Cell) -> bool {
        if cell.read_thread & THREAD != ROW {
            return is_tensor(cell.read_thread);
        }
        let readers = self.readers.borrow();
        let mut warps = readers.clocks(cell)[..ENGINE]
            .iter()
            .zip(&self.behind[warp]);
        warps.all(|(read, seen)| read <= seen)
    }

    #[cold]
    fn conflict_with_write(&self, access: Access, cell: &Cell) -> Option<Finding> {
        let (thread, line) = (
            u32::from(cell.write_thread & THREAD & !IN_FLIGHT),
            cell.write_line,
        );
        if cell.write_thread & IN_FLIGHT != 0 || thread == ENGINE_THREAD {
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
