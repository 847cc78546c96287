//! What a driver hands to a cooperative launch: memory of which `%envreg1` and `%envreg2` are the address's high and low
//! half. Cooperative groups have the barrier of `grid.sync()` there, in its second word.

use super::config::LaunchConfig;
use crate::memory::Memory;
use std::sync::atomic::AtomicU32;

const WORDS: usize = 4;

/// The memory of one launch.
pub struct Workspace<'a> {
    memory: &'a Memory,
    words: Box<[AtomicU32; WORDS]>,
}

impl<'a> Workspace<'a> {
    /// None for launches that are not cooperative.
    pub fn new(config: &LaunchConfig, memory: &'a Memory) -> Option<Workspace<'a>> {
        if !config.cooperative {
            return None;
        }
        let bytes = size_of::<[u32; WORDS]>();
        let words = [bytes as u32, 0, 0, 0].map(AtomicU32::new);
        let words = Box::new(words);
        memory.adopt(words.as_ptr() as u64, bytes).ok()?;
        Some(Workspace { memory, words })
    }

    /// Where kernels find it.
    pub fn address(&self) -> u64 {
        self.words.as_ptr() as u64
    }
}

impl Drop for Workspace<'_> {
    fn drop(&mut self) {
        // adopted in `new`
        let _ = self.memory.free(self.address());
    }
}
