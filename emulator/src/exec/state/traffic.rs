//! Traffic of global memory: sectors of 32 bytes, and which bytes were touched at all.

use super::lanes::Lanes;
use super::trace::Access;
use crate::memory::Range;
use cuda_emulator_counts::{Global, SECTOR};
use std::collections::HashSet;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The bytes of each allocation that a launch has touched, a bit for each; made when the first is.
pub struct Touched(Vec<Allocation>);

struct Allocation {
    base: u64,
    end: u64,
    bits: OnceLock<Vec<AtomicU64>>,
}

impl Touched {
    /// For allocations in the order of their addresses.
    pub fn new(ranges: &[Range]) -> Touched {
        let allocation = |range: &Range| Allocation {
            base: range.base,
            end: range.end,
            bits: OnceLock::new(),
        };
        Touched(ranges.iter().map(allocation).collect())
    }

    fn mark(&self, at: u64, bytes: u64) {
        let next = self.0.partition_point(|a| a.base <= at);
        let Some(found) = next.checked_sub(1).map(|i| &self.0[i]) else {
            return;
        };
        if at + bytes > found.end {
            return; // out of bounds: the instruction will say so, or nobody checks
        }
        let words = (found.end - found.base).div_ceil(64) as usize;
        let bits = found
            .bits
            .get_or_init(|| (0..words).map(|_| AtomicU64::new(0)).collect());
        let (mut first, last) = (at - found.base, at - found.base + bytes);
        while first < last {
            let count = (64 - first % 64).min(last - first);
            let mask = u64::MAX >> (64 - count) << (first % 64);
            bits[(first / 64) as usize].fetch_or(mask, Relaxed);
            first += count;
        }
    }

    /// How many bytes were touched, by all if `scale` makes a count of those that ran one of all: what each of them touches
    /// alone grows with their number, up to the whole allocation.
    fn bytes(&self, scale: &impl Fn(u64) -> u64) -> u64 {
        let touched = |allocation: &Allocation| {
            let words = allocation.bits.get()?.iter();
            let bytes = words.map(|w| u64::from(w.load(Relaxed).count_ones())).sum();
            Some(scale(bytes).min(allocation.end - allocation.base))
        };
        self.0.iter().filter_map(touched).sum()
    }
}

/// Requests so far.
#[derive(Default)]
pub struct Traffic {
    requests: u64,
    sectors: u64,
    block_sectors: u64,
    bytes: u64,
    /// Room for the sectors of one request.
    found: Vec<u64>,
}

impl Traffic {
    /// Counts a request; `block` has the sectors that its block has touched before.
    pub fn count(&mut self, access: &Access, touched: &Touched, block: &mut HashSet<u64>) {
        let bytes = u64::from(access.bytes);
        let sectors = |lane: usize| {
            let at = access.at[lane];
            at / SECTOR..=at.saturating_add(bytes - 1) / SECTOR
        };
        distinct(access.lanes, &mut self.found, sectors);
        self.requests += 1;
        self.sectors += self.found.len() as u64;
        for sector in &self.found {
            self.block_sectors += u64::from(block.insert(*sector));
        }
        self.bytes += bytes * u64::from(access.lanes.count_ones());
        for lane in Lanes(access.lanes) {
            touched.mark(access.at[lane], bytes);
        }
    }

    pub fn add(&mut self, other: &Traffic) {
        self.requests += other.requests;
        self.sectors += other.sectors;
        self.block_sectors += other.block_sectors;
        self.bytes += other.bytes;
    }

    /// The counts of these requests, which touched `touched`, as `scale` has them.
    pub fn counts(&self, touched: &Touched, scale: &impl Fn(u64) -> u64) -> Global {
        Global {
            requests: scale(self.requests),
            sectors: scale(self.sectors),
            block_sectors: scale(self.block_sectors),
            bytes: scale(self.bytes),
            unique: touched.bytes(scale),
        }
    }
}

/// The different values of `f` over lanes, sorted.
fn distinct(lanes: u32, values: &mut Vec<u64>, f: impl Fn(usize) -> std::ops::RangeInclusive<u64>) {
    values.clear();
    for lane in Lanes(lanes) {
        values.extend(f(lane));
    }
    values.sort_unstable();
    values.dedup();
}
