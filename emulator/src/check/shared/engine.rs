//! Accesses of the copy engine, a part of the asynchronous proxy; and those of other blocks.
//!
//! The engine is an actor with a clock of its own: what it wrote is behind whoever waited for the barrier that the
//! copy was announced at. Reads of the asynchronous proxy see what ordinary instructions wrote only behind a proxy
//! fence, which may be anywhere on the way from the write to the read.

use super::cell::{Access, Cell, Finding, IN_FLIGHT};
use super::clocks::Clocks;
use super::knowledge::{self, ENGINE, ENGINE_THREAD, Knowledge, actor};
use super::{SharedShadow, cell};

impl SharedShadow {
    /// The engine is told to write here on behalf of a thread of this block, or of another block.
    pub fn begin_bulk(
        &mut self,
        issuer: Option<u32>,
        line: u32,
        address: u32,
        size: u32,
    ) -> Option<Finding> {
        if !self.engine_used {
            self.engine_used = true;
            for warp in 0..self.warps {
                self.lift(warp);
            }
        }
        self.cells(address, size, |clocks, cell| {
            let finding = issuer.and_then(|thread| {
                let access = Access {
                    thread,
                    strong: false,
                    line,
                };
                clocks.write(access, cell)
            });
            cell.write_clock = u32::MAX;
            cell.write_thread = ENGINE_THREAD as u16 | IN_FLIGHT;
            cell.write_line = line;
            cell.read_clock = 0;
            finding
        })
    }

    /// The bytes have arrived: what those know who wait for the barrier.
    pub fn end_bulk(&mut self, address: u32, size: u32) -> Knowledge {
        let now = self.engine_clock;
        self.cells(address, size, |_, cell| {
            cell.write_clock = now;
            cell.write_thread = ENGINE_THREAD as u16;
            None
        });
        let mut knowledge = Knowledge::default();
        knowledge.behind[ENGINE] = now;
        self.engine_clock += 1;
        self.latest = self.latest.max(self.engine_clock);
        knowledge
    }

    /// The engine reads on behalf of a thread, which waits for it later.
    pub fn read_async(&mut self, access: Access, address: u32, size: u32) -> Option<Finding> {
        self.read_in_proxy(access, address, size, |clocks, cell| {
            clocks.read(access, cell)
        })
    }

    /// The asynchronous proxy reads on behalf of a thread, by `read`.
    pub(super) fn read_in_proxy(
        &mut self,
        access: Access,
        address: u32,
        size: u32,
        read: impl Fn(&Clocks<'_>, &mut Cell) -> Option<Finding>,
    ) -> Option<Finding> {
        let (first, wanted) = (self.first, self.wanted.proxy_fences);
        let fenced = self.fenced[access.thread as usize / 32];
        self.cells(address, size, |clocks, cell| {
            let (clock, writer) = (cell.write_clock, cell.write_thread & cell::THREAD);
            if let Some(finding) = read(clocks, cell) {
                return Some(finding);
            }
            let unfenced = clock > first && clock > fenced[actor(writer)];
            let thread = u32::from(writer);
            (wanted && unfenced && thread < ENGINE_THREAD).then_some(Finding::NoProxyFence {
                thread,
                line: cell.write_line,
            })
        })
    }

    /// `fence.proxy.async`
    pub fn proxy_fence(&mut self, warp: usize) {
        let behind = self.behind[warp];
        knowledge::raise(&mut self.fenced[warp], &behind);
        self.fenced[warp][warp] = self.clocks[warp];
        self.advance(warp);
    }

    /// Another block of the cluster reads; what orders blocks is not tracked.
    pub fn foreign_read(&mut self, address: u32, size: u32) -> Option<Finding> {
        self.cells(address, size, |clocks, cell| {
            if cell.write_clock < clocks.first && clocks.wanted.uninitialised {
                return Some(Finding::Uninitialised);
            }
            in_flight(cell, clocks.wanted.in_flight)
        })
    }

    /// Another block of the cluster writes.
    pub fn foreign_write(&mut self, address: u32, size: u32) -> Option<Finding> {
        self.cells(address, size, |clocks, cell| {
            let finding = in_flight(cell, clocks.wanted.in_flight);
            cell.write_clock = clocks.first;
            cell.write_thread = 0;
            cell.read_clock = 0;
            finding
        })
    }
}

fn in_flight(cell: &cell::Cell, wanted: bool) -> Option<Finding> {
    let on_its_way = cell.write_clock == u32::MAX && cell.write_thread & IN_FLIGHT != 0;
    (wanted && on_its_way).then_some(Finding::InFlight {
        thread: ENGINE_THREAD,
        line: cell.write_line,
    })
}
