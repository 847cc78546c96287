//! What memory tells of an address or an allocation.

use super::buffer::Buffer;
use std::sync::Arc;

/// Why memory could not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryError {
    /// Zero bytes asked for.
    ZeroSize,
    /// The device's limit, or the host's.
    OutOfMemory,
    /// The address is not the start of a live allocation, or the range is not inside one.
    InvalidAddress,
}

/// What is known of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Start of the allocation.
    pub base: u64,
    /// Its size in bytes.
    pub bytes: usize,
    /// Whether it was freed.
    pub freed: bool,
}

/// One live allocation as a running kernel sees it.
#[derive(Clone)]
pub struct Range {
    /// First address.
    pub base: u64,
    /// One past the last address.
    pub end: u64,
    /// Keeps the bytes alive as long as a kernel may touch them.
    pub(super) buffer: Arc<Buffer>,
    /// Whether it is looked at what was written.
    pub(super) marked: bool,
}

impl Range {
    /// One byte for each byte of the allocation, of the values in `mark`; null as long as all of it was written.
    #[inline]
    pub fn shadow(&self) -> *mut u8 {
        if self.marked {
            self.buffer.kernel_shadow()
        } else {
            std::ptr::null_mut()
        }
    }

    /// Whether the host reads it without asking.
    pub fn is_on_host(&self) -> bool {
        self.buffer.is_on_host()
    }

    /// Notes that a kernel has stored what is undefined; false where the host reads it without asking.
    pub fn store_undefined(&self, address: u64, bytes: usize, mark: u8) -> bool {
        !self.marked || self.buffer.unmark(address, bytes, mark)
    }
}
