//! Device memory: a device address is the host address of the bytes.
//!
//! Freed allocations stay in quarantine for a while, so that a use after free is told from a wild pointer. Every
//! allocation has a shadow, one byte for each byte, that says which bytes were ever written, and which of them hold what
//! was computed from bytes that were not.

mod buffer;
mod bytes;
mod found;
mod heap;
mod view;

use buffer::Buffer;
pub use buffer::mark;
pub use found::{Found, MemoryError, Range};
use heap::Heap;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, OnceLock, RwLock};

/// Alignment of every allocation, as the driver gives it.
const ALIGN: usize = 512;
/// Freed bytes that are held back before the oldest go.
const QUARANTINE_BYTES: usize = 64 << 20;
/// Freed allocations that are held back before the oldest go.
const QUARANTINE_COUNT: usize = 4096;

#[derive(Default)]
struct State {
    live: BTreeMap<u64, Arc<Buffer>>,
    freed: VecDeque<Arc<Buffer>>,
    used: usize,
    quarantined: usize,
    ranges: Option<Arc<[Range]>>,
}

/// The memory of one device.
pub struct Memory {
    state: RwLock<State>,
    limit: usize,
    heap: OnceLock<Option<Arc<Heap>>>,
    elsewhere: Vec<view::Elsewhere>,
}

impl Memory {
    /// Memory of `limit` bytes.
    pub fn new(limit: usize) -> Memory {
        Memory {
            state: RwLock::default(),
            limit,
            heap: OnceLock::new(),
            elsewhere: Vec::new(),
        }
    }

    /// The kernels' own heap, made when it is first asked for: before a launch, for that to see it.
    pub fn heap(&self) -> Option<&Heap> {
        let heap = self.heap.get_or_init(|| Heap::new(self).map(Arc::new));
        heap.as_deref()
    }

    /// Bytes in all.
    pub fn total(&self) -> usize {
        self.limit
    }

    /// Bytes not allocated.
    pub fn free_bytes(&self) -> usize {
        self.limit - self.read_state().used
    }

    fn read_state(&self) -> std::sync::RwLockReadGuard<'_, State> {
        self.state
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn write_state(&self) -> std::sync::RwLockWriteGuard<'_, State> {
        self.state
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Allocates bytes that count as never written.
    ///
    /// # Errors
    /// Zero bytes, or more than is left.
    pub fn alloc(&self, bytes: usize) -> Result<u64, MemoryError> {
        if bytes == 0 {
            return Err(MemoryError::ZeroSize);
        }
        let mut state = self.write_state();
        if bytes > self.limit - state.used {
            return Err(MemoryError::OutOfMemory);
        }
        let buffer = Buffer::new(bytes, ALIGN).ok_or(MemoryError::OutOfMemory)?;
        let address = buffer.base();
        state.live.insert(address, Arc::new(buffer));
        state.used += bytes;
        state.ranges = None;
        Ok(address)
    }

    /// Frees an allocation by its first address.
    ///
    /// # Errors
    /// The address starts no live allocation.
    pub fn free(&self, address: u64) -> Result<(), MemoryError> {
        let mut state = self.write_state();
        let buffer = state
            .live
            .remove(&address)
            .ok_or(MemoryError::InvalidAddress)?;
        state.ranges = None;
        if buffer.is_foreign() {
            return Ok(());
        }
        state.used -= buffer.bytes();
        state.quarantined += buffer.bytes();
        state.freed.push_back(buffer);
        while state.quarantined > QUARANTINE_BYTES || state.freed.len() > QUARANTINE_COUNT {
            let Some(oldest) = state.freed.pop_front() else {
                break;
            };
            state.quarantined -= oldest.bytes();
        }
        state.ranges = None;
        Ok(())
    }

    /// The allocation that holds `address`, live or in quarantine.
    pub fn find(&self, address: u64) -> Option<Found> {
        let state = self.read_state();
        if let Some(buffer) = holder(&state, address) {
            return Some(Found {
                base: buffer.base(),
                bytes: buffer.bytes(),
                freed: false,
            });
        }
        let freed = state.freed.iter().rev().find(|b| b.contains(address, 1))?;
        Some(Found {
            base: freed.base(),
            bytes: freed.bytes(),
            freed: true,
        })
    }

    /// Memory that the emulator has around `bytes` from `address`, whether they are anybody's or not: an allocation, live
    /// or freed, with what lies behind it. Its bytes count as written.
    pub fn room(&self, address: u64, bytes: usize) -> Option<Range> {
        let state = self.read_state();
        let below = state.live.range(..=address).next_back().map(|(_, b)| b);
        let buffers = below.into_iter().chain(state.freed.iter().rev());
        let buffer = buffers
            .filter(|b| b.base() <= address)
            .find(|b| address - b.base() + bytes as u64 <= b.room() as u64)?;
        Some(Range {
            base: buffer.base(),
            end: buffer.base() + buffer.room() as u64,
            buffer: buffer.clone(),
            marked: false,
        })
    }

    /// Whether `bytes` from `address` lie in one live allocation.
    pub fn contains(&self, address: u64, bytes: usize) -> bool {
        self.buffer(address, bytes).is_ok()
    }

    /// The live allocation nearest to an address that hit none, for reports.
    pub fn nearest(&self, address: u64) -> Option<Found> {
        let state = self.read_state();
        let below = state.live.range(..=address).next_back();
        let above = state.live.range(address..).next();
        let distance = |b: &Buffer| {
            if b.base() > address {
                b.base() - address
            } else {
                address.saturating_sub(b.base() + b.bytes() as u64)
            }
        };
        let near = below
            .into_iter()
            .chain(above)
            .map(|(_, b)| b)
            .min_by_key(|b| distance(b))?;
        Some(Found {
            base: near.base(),
            bytes: near.bytes(),
            freed: false,
        })
    }

    /// Takes in memory of the host's own, which counts as written and not against the limit. `free` forgets it.
    ///
    /// # Errors
    /// The range overlaps a live allocation.
    pub fn adopt(&self, address: u64, bytes: usize) -> Result<(), MemoryError> {
        let end = address
            .checked_add(bytes as u64)
            .ok_or(MemoryError::InvalidAddress)?;
        let mut state = self.write_state();
        let below = state.live.range(..end).next_back();
        if below.is_some_and(|(_, b)| b.base() + b.bytes() as u64 > address) {
            return Err(MemoryError::InvalidAddress);
        }
        let buffer = Buffer::foreign(address, bytes);
        state.live.insert(address, Arc::new(buffer));
        state.ranges = None;
        Ok(())
    }

    /// All live allocations by address, as a kernel that starts now may use them.
    pub fn ranges(&self) -> Arc<[Range]> {
        if let Some(ranges) = &self.read_state().ranges {
            return ranges.clone();
        }
        let mut state = self.write_state();
        let ranges: Arc<[Range]> = state
            .live
            .values()
            .map(|b| Range {
                base: b.base(),
                end: b.base() + b.bytes() as u64,
                buffer: b.clone(),
                marked: true,
            })
            .collect();
        state.ranges = Some(ranges.clone());
        ranges
    }

    fn buffer(&self, address: u64, bytes: usize) -> Result<Arc<Buffer>, MemoryError> {
        let state = self.read_state();
        holder(&state, address)
            .filter(|b| b.contains(address, bytes))
            .cloned()
            .ok_or(MemoryError::InvalidAddress)
    }
}

fn holder(state: &State, address: u64) -> Option<&Arc<Buffer>> {
    let (_, buffer) = state.live.range(..=address).next_back()?;
    buffer.contains(address, 1).then_some(buffer)
}

#[cfg(test)]
mod tests;
