//! Which values are undefined: they, or what they were computed from, were loaded where nobody has written.
//!
//! A warp keeps this from its first such load on, and so do all warps of a block from the first store of an undefined
//! value into its shared memory. Registers are marked by row and lane, memory by byte.

use super::lanes::Lanes;
use std::collections::HashMap;

/// The lanes in which something is undefined, and the number of the load that it comes from (`check::undefined`); where it
/// comes from several, of one of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    pub lanes: u32,
    pub load: u16,
}

impl Mark {
    pub const NONE: Mark = Mark { lanes: 0, load: 0 };

    /// What depends on this and on another.
    pub fn and(self, other: Mark) -> Mark {
        Mark {
            lanes: self.lanes | other.lanes,
            load: if self.lanes != 0 {
                self.load
            } else {
                other.load
            },
        }
    }

    /// In these lanes only.
    pub fn within(self, lanes: u32) -> Mark {
        Mark {
            lanes: self.lanes & lanes,
            ..self
        }
    }

    /// In these lanes, where it is anywhere.
    pub fn spread(self, lanes: u32) -> Mark {
        Mark {
            lanes: if self.lanes == 0 { 0 } else { lanes },
            ..self
        }
    }

    pub fn is_none(self) -> bool {
        self.lanes == 0
    }
}

/// A byte of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spot {
    Global(u64),
    /// Of the own block.
    Shared(u32),
    /// Shared memory of another block of the cluster, by its rank.
    Remote(u32, u32),
    /// Local memory of a lane.
    Local(u32, usize),
}

/// What an instruction leaves in memory: bytes from a place, and the load that they come from if they are undefined.
#[derive(Clone, Copy, Debug)]
pub struct Put {
    pub spot: Spot,
    pub bytes: u32,
    pub lane: usize,
    pub load: Option<u16>,
}

/// What a warp knows.
#[derive(Default)]
pub struct Undefined {
    /// By the byte offset of a row in the register file, a quarter of it: predicates have four bytes.
    rows: Vec<Mark>,
    /// By address in local memory, where there is anything.
    local: HashMap<u32, Mark>,
    /// Of the predicate under which instructions run.
    pub guard: Mark,
    /// What the running instruction leaves in rows, by offset in the register file, and in memory.
    pub results: Vec<(u32, Mark)>,
    pub puts: Vec<Put>,
    /// Numbers of loads by line, and of stores by line and load, so that they are looked up once.
    pub loads: Vec<(u32, u16)>,
    pub stores: Vec<(u32, u16, u8)>,
}

impl Undefined {
    pub fn row(&self, at: u32) -> Mark {
        self.rows.get(at as usize / 4).copied().unwrap_or_default()
    }

    pub fn set_row(&mut self, at: u32, mark: Mark) {
        let at = at as usize / 4;
        if at >= self.rows.len() {
            if mark.is_none() {
                return;
            }
            self.rows.resize(at + 1, Mark::NONE);
        }
        self.rows[at] = mark;
    }

    /// The load that bytes of a lane's local memory come from, if one of them is undefined.
    pub fn local(&self, at: u32, bytes: u32, lane: usize) -> Option<u16> {
        if self.local.is_empty() {
            return None;
        }
        let marks = (at..at + bytes).filter_map(|at| self.local.get(&at));
        let mut found = marks.filter(|mark| mark.lanes >> lane & 1 != 0);
        found.next().map(|mark| mark.load)
    }

    pub fn set_local(&mut self, at: u32, bytes: u32, lane: usize, load: Option<u16>) {
        if load.is_none() && self.local.is_empty() {
            return;
        }
        for at in at..at + bytes {
            match load {
                Some(load) => {
                    let lanes = 1 << lane;
                    let mark = self.local.entry(at).or_default();
                    *mark = Mark { lanes, load }.and(*mark);
                }
                None => {
                    if let Some(mark) = self.local.get_mut(&at) {
                        mark.lanes &= !(1 << lane);
                    }
                }
            }
        }
        self.local.retain(|_, mark| !mark.is_none());
    }

    /// Lanes' local memory is copied: arguments and results of calls.
    pub fn copy_local(&mut self, lanes: u32, from: u32, to: u32, bytes: u32) {
        for lane in Lanes(lanes) {
            for n in 0..bytes {
                let load = self.local(from + n, 1, lane);
                self.set_local(to + n, 1, lane, load);
            }
        }
    }
}

/// The bytes of a block's shared memory that hold what is undefined, by load; empty as long as none ever did.
#[derive(Default)]
pub struct UndefinedShared(Vec<Option<u16>>);

impl UndefinedShared {
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Whether there was any.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The load that some of these bytes come from, if one is undefined.
    pub fn get(&self, at: u32, bytes: u32) -> Option<u16> {
        let (start, end) = (at as usize, (at + bytes) as usize);
        let known = self.0.get(start.min(self.0.len())..end.min(self.0.len()))?;
        known.iter().find_map(|load| *load)
    }

    /// Somebody has written these bytes.
    pub fn set(&mut self, at: u32, bytes: u32, load: Option<u16>) {
        let (start, end) = (at as usize, (at + bytes) as usize);
        if load.is_some() && self.0.len() < end {
            self.0.resize(end, None);
        }
        let end = end.min(self.0.len());
        if start < end {
            self.0[start..end].fill(load);
        }
    }
}
