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
    /// One byte for each byte of the allocation, nonzero if written; null if all of it was written.
    pub shadow: *mut u8,
    /// Keeps the bytes alive as long as a kernel may touch them.
    pub(super) _buffer: Arc<Buffer>,
}

// SAFETY: `shadow` points into the `Arc`'d buffer beside it, which is kept alive by it; writes through it are
// single-byte stores of 1, made by kernels only.
unsafe impl Send for Range {}
// SAFETY: as above.
unsafe impl Sync for Range {}
