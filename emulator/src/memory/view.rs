//! What kernels see where there are several devices: the memory of their own, and of the others what is shared.

use super::Memory;
use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};

/// Memory of another device that is not shared.
pub(super) struct Elsewhere {
    base: u64,
    end: u64,
    why: Arc<str>,
}

impl Memory {
    /// All that this memory holds now, to which [`Memory::add`] adds. Bytes and marks are the same, whoever writes them;
    /// what is allocated or freed in one later does not show in the other.
    pub fn view(&self) -> Memory {
        // made now, so that both have the same
        self.heap();
        let state = self.read_state();
        Memory {
            state: std::sync::RwLock::new(super::State {
                live: state.live.clone(),
                freed: VecDeque::clone(&state.freed),
                used: state.used,
                ..Default::default()
            }),
            limit: self.limit,
            heap: OnceLock::from(self.heap.get().cloned().flatten()),
            elsewhere: Vec::new(),
        }
    }

    /// Adds those of another memory's allocations that `admits` picks by their first address. Whoever touches another is
    /// told `why` not.
    pub fn add(&mut self, other: &Memory, why: &str, admits: impl Fn(u64) -> bool) {
        let why: Arc<str> = why.into();
        let state = self.state.get_mut();
        let state = state.unwrap_or_else(std::sync::PoisonError::into_inner);
        // not held while `admits` asks a book of allocations, which whoever frees one holds first
        let live = other.read_state().live.clone();
        for (base, buffer) in live {
            if admits(base) {
                state.live.insert(base, buffer);
            } else {
                self.elsewhere.push(Elsewhere {
                    base,
                    end: base + buffer.bytes() as u64,
                    why: why.clone(),
                });
            }
        }
    }

    /// Why an address that is in none of the allocations is not, if it is another device's.
    pub fn why_not(&self, address: u64) -> Option<&str> {
        let mut all = self.elsewhere.iter();
        let found = all.find(|e| (e.base..e.end).contains(&address));
        found.map(|e| &*e.why)
    }

    /// Copies from another device's memory, the written marks with the bytes.
    ///
    /// # Errors
    /// A range is not inside one live allocation.
    pub fn copy_from(
        &self,
        target: u64,
        other: &Memory,
        source: u64,
        bytes: usize,
    ) -> Result<(), super::MemoryError> {
        let (from, to) = (other.buffer(source, bytes)?, self.buffer(target, bytes)?);
        to.copy_with_marks(target, &from, source, bytes);
        Ok(())
    }
}
