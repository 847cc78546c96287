//! What is undefined in memory: loads look there, stores leave it there.

use super::step::Step;
use crate::check::undefined;
use crate::exec::async_copy;
use crate::exec::load::modifier::{COUNT, WIDE};
use crate::exec::state::{Hit, Kind, Lanes, Mark, NONE, Put, Spot, Touch, space, spaces};
use crate::memory::{Range, mark};

/// Bytes of which a part of a copy is one.
const PIECE: u32 = 4;

impl Step<'_, '_> {
    /// Where an address of a state space is; nowhere for what is never undefined.
    pub(super) fn spot(&self, space: u8, address: u64, lane: usize) -> Option<Spot> {
        let own = self.c.block.rank;
        let shared = |at: u64| {
            let (rank, offset) = (at as u32 >> space::RANK_SHIFT, at as u32 & space::OFFSET);
            match rank.checked_sub(1) {
                Some(rank) if rank != own => Spot::Remote(rank, offset),
                _ => Spot::Shared(offset),
            }
        };
        Some(match (space, address & space::WINDOW) {
            (spaces::GLOBAL, _) => Spot::Global(address),
            (spaces::LOCAL, _) => Spot::Local(address as u32, lane),
            (spaces::SHARED | spaces::CLUSTER, _) => shared(address),
            (_, 0) => Spot::Global(address),
            (_, space::SHARED) => shared(address),
            (_, space::LOCAL) => Spot::Local(address as u32, lane),
            _ => return None,
        })
    }

    fn range(&self, address: u64, bytes: u32) -> Option<&Range> {
        let ranges = self.launch.ranges;
        let next = ranges.partition_point(|r| r.base <= address);
        let range = ranges.get(next.checked_sub(1)?)?;
        (address + u64::from(bytes) <= range.end).then_some(range)
    }

    /// The load that bytes come from, if one of them is undefined: one from before, or this one, of `size` bytes in all.
    pub(super) fn look(&mut self, spot: Spot, bytes: u32, lane: usize, size: u32) -> Option<u16> {
        match spot {
            Spot::Local(at, lane) => self.undefined.local(at, bytes, lane),
            Spot::Remote(rank, at) if rank < self.c.ranks() => {
                self.c.block_of(rank).undefined.get(at, bytes)
            }
            Spot::Remote(..) => None,
            Spot::Shared(at) => {
                let block = &self.c.block;
                if at
                    .checked_add(bytes)
                    .is_none_or(|end| end > block.shared_bytes)
                {
                    return None;
                }
                if let Some(load) = block.undefined.get(at, bytes) {
                    return Some(load);
                }
                block.shadow.is_unwritten(at, bytes).then(|| {
                    let what = format!("Uninitialized __shared__ memory read of size {size} bytes");
                    self.first(lane, what, vec![format!("Shared address 0x{at:x}")])
                })
            }
            Spot::Global(at) => {
                let range = self.range(at, bytes)?;
                let (shadow, base) = (range.shadow(), range.base);
                if shadow.is_null() {
                    return None;
                }
                // SAFETY: the bytes lie in this allocation, and its shadow is as long.
                let marks = unsafe {
                    std::slice::from_raw_parts(shadow.add((at - base) as usize), bytes as usize)
                };
                let found = *marks.iter().find(|m| **m != mark::WRITTEN)?;
                undefined::load_of(found).or_else(|| {
                    let (what, more) = self.c.of_unwritten(at, size);
                    Some(self.first(lane, what, more))
                })
            }
        }
    }

    /// The number of this load, which is the first to read something undefined.
    #[cold]
    fn first(&mut self, lane: usize, what: String, more: Vec<String>) -> u16 {
        let line = self.inst.line;
        let known = self.undefined.loads.iter().find(|(l, _)| *l == line);
        if let Some((_, load)) = known {
            return *load;
        }
        let (name, number) = (self.launch.kernel_name, self.launch.number);
        let load = undefined::load(name, number, line, || {
            self.c.fault_of(line, lane, &what, &more)
        });
        self.undefined.loads.push((line, load));
        load
    }

    /// Leaves bytes somewhere, when the instruction has run. Whether the launch goes on.
    pub(super) fn put(&mut self, spot: Spot, bytes: u32, lane: usize, load: Option<u16>) -> bool {
        if let (Spot::Global(at), Some(load)) = (spot, load)
            && self.range(at, bytes).is_some_and(Range::is_on_host)
        {
            let what = "what is stored where the host reads without asking";
            return self.c.uses_undefined(self.inst, lane, load, what);
        }
        self.undefined.puts.push(Put {
            spot,
            bytes,
            lane,
            load,
        });
        true
    }

    pub(super) fn put_all(&mut self) {
        let mut puts = std::mem::take(&mut self.undefined.puts);
        // of lanes at one place any may be the last
        puts.sort_by_key(|put| put.load.is_some());
        for put in &puts {
            match put.spot {
                Spot::Local(at, lane) => self.undefined.set_local(at, put.bytes, lane, put.load),
                Spot::Shared(at) => self.c.block.undefined.set(at, put.bytes, put.load),
                Spot::Remote(rank, at) if rank < self.c.ranks() => {
                    self.c.block_of(rank).undefined.set(at, put.bytes, put.load);
                }
                Spot::Remote(..) => {}
                Spot::Global(at) => self.put_global(at, put),
            }
        }
        puts.clear();
        self.undefined.puts = puts;
    }

    fn put_global(&mut self, at: u64, put: &Put) {
        let mark = match put.load {
            Some(load) => self.store_number(load, put.lane),
            None => mark::WRITTEN,
        };
        let Some(range) = self.range(at, put.bytes) else {
            return;
        };
        if put.load.is_some() {
            range.store_undefined(at, put.bytes as usize, mark);
            // they may say that all of it was written
            self.c.hits = [Hit::EMPTY; 8];
        } else if !range.shadow().is_null() {
            // SAFETY: the bytes lie in this allocation, and its shadow is as long.
            unsafe {
                let shadow = range.shadow().add((at - range.base) as usize);
                shadow.write_bytes(mark, put.bytes as usize);
            }
        }
    }

    fn store_number(&mut self, load: u16, lane: usize) -> u8 {
        let line = self.inst.line;
        let mut known = self.undefined.stores.iter();
        if let Some((.., mark)) = known.find(|(l, from, _)| (*l, *from) == (line, load)) {
            return *mark;
        }
        let (name, number) = (self.launch.kernel_name, self.launch.number);
        let mark = undefined::store(name, number, (line, load), || {
            let mut told = vec!["What was computed from it is stored".to_owned()];
            told.extend(self.c.whereabouts(line, lane));
            told
        });
        self.undefined.stores.push((line, load, mark));
        mark
    }

    /// Lanes' addresses in a state space.
    fn places(&self) -> Vec<(usize, u64)> {
        let i = self.inst;
        let at = self.c.addresses(i.r[0], i.m[WIDE] != 0, i.imm);
        self.c.lanes().map(|lane| (lane, at[lane])).collect()
    }

    pub(super) fn load(&mut self) -> bool {
        let i = self.inst;
        let count = u32::from(i.m[COUNT]);
        if i.r[0] == NONE {
            // a kernel's parameter
            for element in 1..=count {
                self.result(i.r[element as usize], Mark::NONE);
            }
            return true;
        }
        if !self.defined(i.r[0], "the address of a load") {
            return false;
        }
        let (places, bytes) = (self.places(), i.a);
        for element in 0..count {
            let mut mark = Mark::NONE;
            for (lane, at) in &places {
                let at = at + u64::from(element * bytes);
                let spot = self.spot(i.m[spaces::SAID], at, *lane);
                let found = spot.and_then(|spot| self.look(spot, bytes, *lane, bytes * count));
                if let Some(load) = found {
                    let lanes = 1 << lane;
                    mark = mark.and(Mark { lanes, load });
                }
            }
            self.result(i.r[element as usize + 1], mark);
        }
        true
    }

    pub(super) fn store(&mut self) -> bool {
        let (i, bytes) = (self.inst, self.inst.a);
        if !self.defined(i.r[0], "the address of a store") {
            return false;
        }
        let places = self.places();
        for element in 0..u32::from(i.m[COUNT]) {
            let mark = self.row(i.r[element as usize + 1]);
            for (lane, at) in &places {
                let at = at + u64::from(element * bytes);
                let load = (mark.lanes >> lane & 1 != 0).then_some(mark.load);
                match self.spot(i.m[spaces::SAID], at, *lane) {
                    // the access itself notes what is written there
                    Some(Spot::Global(_)) if load.is_none() => {}
                    Some(spot) if !self.put(spot, bytes, *lane, load) => return false,
                    _ => {}
                }
            }
        }
        true
    }

    /// `keeps`: what comes there depends on what was there.
    pub(super) fn atomic(&mut self, keeps: bool) -> bool {
        let i = self.inst;
        if !self.defined(i.r[0], "the address of an atomic operation") {
            return false;
        }
        let Touch::Lanes { bytes, .. } = self.launch.program.traces[self.pc as usize].touch else {
            return true;
        };
        let (bytes, operands) = (u32::from(bytes), self.row(i.r[2]).and(self.row(i.r[3])));
        let mut old = Mark::NONE;
        for (lane, at) in self.places() {
            let Some(spot) = self.spot(i.m[spaces::SAID], at, lane) else {
                continue;
            };
            let lanes = 1 << lane;
            let found = self.look(spot, bytes, lane, bytes);
            if let Some(load) = found {
                old = old.and(Mark { lanes, load });
            }
            let operand = (operands.lanes & lanes != 0).then_some(operands.load);
            if !self.put(spot, bytes, lane, operand.or(found.filter(|_| keeps))) {
                return false;
            }
        }
        self.result(i.r[1], old);
        true
    }

    /// `cp.async`: what arrives later counts from now on.
    pub(super) fn copy(&mut self) -> bool {
        for row in self.rows(false) {
            if !self.defined(row, "what an asynchronous copy does") {
                return false;
            }
        }
        let mut parts = vec![];
        async_copy::accesses(self.c, self.inst, |space, kind, at, lanes, bytes| {
            parts.push((space, kind, at, lanes, bytes));
        });
        let Some((_, _, targets, ..)) = parts.first().copied() else {
            return true;
        };
        for (space, kind, at, lanes, bytes) in parts {
            for lane in Lanes(lanes) {
                for piece in (0..bytes).step_by(PIECE as usize) {
                    let size = PIECE.min(bytes - piece);
                    let found = match kind {
                        Kind::Read => {
                            let spot = self.spot(space, at[lane] + u64::from(piece), lane);
                            spot.and_then(|spot| self.look(spot, size, lane, bytes))
                        }
                        _ => None,
                    };
                    if kind == Kind::Read && found.is_none() {
                        continue;
                    }
                    let target = targets[lane] + u64::from(piece);
                    if let Some(spot) = self.spot(spaces::GENERIC, target | space::SHARED, lane) {
                        self.put(spot, size, lane, found);
                    }
                }
            }
        }
        true
    }
}
