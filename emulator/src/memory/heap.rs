//! What `malloc` of a kernel hands out: pieces of one allocation, which the device makes when a module first asks for it.
//!
//! Bounds are the whole heap's. A piece counts as never written when it is handed out and when it is freed, so that reads
//! of it show then.

use super::Memory;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// The limit that a driver starts with.
const BYTES: u64 = 8 << 20;
const ALIGN: u64 = 16;

/// Pieces by address, with their sizes.
#[derive(Default)]
struct Pieces {
    free: BTreeMap<u64, u64>,
    used: BTreeMap<u64, u64>,
}

/// The heap of a device.
pub struct Heap(Mutex<Pieces>);

impl Heap {
    /// None where the device's memory has no room.
    pub(super) fn new(memory: &Memory) -> Option<Heap> {
        let base = memory.alloc(BYTES as usize).ok()?;
        let pieces = Pieces {
            free: BTreeMap::from([(base, BYTES)]),
            ..Pieces::default()
        };
        Some(Heap(Mutex::new(pieces)))
    }

    fn pieces(&self) -> std::sync::MutexGuard<'_, Pieces> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first piece that is large enough; its address and size.
    fn take(&self, bytes: u64) -> Option<(u64, u64)> {
        let bytes = bytes.max(1).checked_next_multiple_of(ALIGN)?;
        let mut pieces = self.pieces();
        let (at, room) = pieces
            .free
            .iter()
            .map(|(at, room)| (*at, *room))
            .find(|(_, room)| *room >= bytes)?;
        pieces.free.remove(&at);
        if room > bytes {
            pieces.free.insert(at + bytes, room - bytes);
        }
        pieces.used.insert(at, bytes);
        Some((at, bytes))
    }

    /// Gives a piece back, joined to its free neighbours; its size.
    fn give(&self, address: u64) -> Option<u64> {
        let mut pieces = self.pieces();
        let bytes = pieces.used.remove(&address)?;
        let (mut at, mut room) = (address, bytes);
        if let Some(behind) = pieces.free.remove(&(at + room)) {
            room += behind;
        }
        let before = pieces.free.range(..at).next_back().map(|(a, r)| (*a, *r));
        if let Some((before, size)) = before.filter(|(before, size)| before + size == at) {
            (at, room) = (before, room + size);
        }
        pieces.free.insert(at, room);
        Some(bytes)
    }
}

impl Memory {
    /// `malloc` of a kernel: 0 where there is no room.
    pub fn heap_alloc(&self, bytes: u64) -> u64 {
        let Some((address, bytes)) = self.heap().and_then(|heap| heap.take(bytes)) else {
            return 0;
        };
        // it lies in the heap's live allocation
        let _ = self.mark_unwritten(address, bytes as usize);
        address
    }

    /// `free` of a kernel; false where `malloc` has not given out the address.
    pub fn heap_free(&self, address: u64) -> bool {
        let Some(bytes) = self.heap().and_then(|heap| heap.give(address)) else {
            return false;
        };
        let _ = self.mark_unwritten(address, bytes as usize);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_joined_again() {
        let memory = Memory::new(1 << 30);
        let all: Vec<u64> = (1..200).map(|n| memory.heap_alloc(n * 8)).collect();
        for (n, at) in all.iter().enumerate() {
            assert!(*at > 0 && at % ALIGN == 0);
            let end = at + 8 * (n as u64 + 1);
            assert!(all.iter().all(|other| other <= at || *other >= end));
        }
        assert_eq!(memory.heap_alloc(BYTES), 0, "there is no room");
        assert_eq!(memory.heap_alloc(u64::MAX), 0);
        for at in all.iter().step_by(2).chain(all.iter().skip(1).step_by(2)) {
            assert!(memory.heap_free(*at));
            assert!(!memory.heap_free(*at), "twice");
        }
        assert_eq!(memory.heap_alloc(BYTES), all[0]);
    }

    #[test]
    fn a_device_without_room_has_no_heap() {
        let memory = Memory::new(1 << 20);
        assert_eq!(memory.heap_alloc(16), 0);
        assert!(!memory.heap_free(16));
    }
}
