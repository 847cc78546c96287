//! The bytes of one allocation and their shadow: a byte for each byte, of the values in `mark`.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::sync::atomic::{AtomicBool, Ordering};

/// Bytes past the end that belong to nobody, so that neighbours do not touch.
const RED_ZONE: usize = 512;

/// What the shadow says of a byte.
pub mod mark {
    /// Nobody has written it.
    pub const NEVER: u8 = 0;
    /// Somebody has.
    pub const WRITTEN: u8 = 1;
    /// From here on: a kernel has stored what is undefined, and the number says which store (`check::undefined`).
    pub const UNDEFINED: u8 = 2;
}

/// One allocation. The bytes are reached through raw pointers only: kernels on many threads write them, and races
/// between those are the kernel's own, as on a device.
pub struct Buffer {
    bytes: usize,
    data: *mut u8,
    data_layout: Layout,
    shadow: *mut u8,
    shadow_layout: Layout,
    /// The shadow is all `mark::WRITTEN`.
    all_written: AtomicBool,
    /// The host reads and writes it without asking, so it stays all written.
    on_host: AtomicBool,
}

// SAFETY: the pointers are owned by this value alone and freed in drop; concurrent access through them is what a
// device's memory allows (see the type's comment).
unsafe impl Send for Buffer {}
// SAFETY: as above.
unsafe impl Sync for Buffer {}

impl Buffer {
    pub fn new(bytes: usize, align: usize) -> Option<Buffer> {
        let padded = bytes.checked_add(RED_ZONE)?;
        let data_layout = Layout::from_size_align(padded, align).ok()?;
        let shadow_layout = Layout::from_size_align(padded, 64).ok()?;
        // SAFETY: both layouts have a nonzero size.
        let (data, shadow) = unsafe { (alloc_zeroed(data_layout), alloc_zeroed(shadow_layout)) };
        let buffer = Buffer {
            bytes,
            data,
            data_layout,
            shadow,
            shadow_layout,
            all_written: AtomicBool::new(false),
            on_host: AtomicBool::new(false),
        };
        (!data.is_null() && !shadow.is_null()).then_some(buffer)
    }

    /// Bytes that somebody else owns and keeps alive; they count as written.
    pub fn foreign(address: u64, bytes: usize) -> Buffer {
        Buffer {
            bytes,
            data: address as *mut u8,
            data_layout: Layout::new::<()>(),
            shadow: std::ptr::null_mut(),
            shadow_layout: Layout::new::<()>(),
            all_written: AtomicBool::new(true),
            on_host: AtomicBool::new(true),
        }
    }

    /// From now on the host reads and writes it without asking.
    pub fn share_with_host(&self) {
        self.mark(self.base(), self.bytes);
        self.on_host.store(true, Ordering::Release);
    }

    /// Whether the host reads and writes it without asking.
    pub fn is_on_host(&self) -> bool {
        self.on_host.load(Ordering::Acquire)
    }

    pub fn is_foreign(&self) -> bool {
        self.data_layout.size() == 0
    }

    pub fn base(&self) -> u64 {
        self.data as u64
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Bytes that lie behind `base`, the red zone among them.
    pub fn room(&self) -> usize {
        if self.is_foreign() {
            self.bytes
        } else {
            self.bytes + RED_ZONE
        }
    }

    pub fn contains(&self, address: u64, bytes: usize) -> bool {
        let Some(offset) = address.checked_sub(self.base()) else {
            return false;
        };
        let offset = offset as usize;
        offset <= self.bytes && bytes <= self.bytes - offset
    }

    /// The shadow for kernels: null once everything was written.
    pub fn kernel_shadow(&self) -> *mut u8 {
        if self.all_written.load(Ordering::Acquire) {
            std::ptr::null_mut()
        } else {
            self.shadow
        }
    }

    fn offset(&self, address: u64, bytes: usize) -> usize {
        assert!(
            self.contains(address, bytes),
            "range outside the allocation"
        );
        (address - self.base()) as usize
    }

    pub fn write(&self, address: u64, data: &[u8]) {
        let offset = self.offset(address, data.len());
        // SAFETY: `offset` asserted that the range is inside; `data` may lie in it, hence `copy`.
        unsafe { std::ptr::copy(data.as_ptr(), self.data.add(offset), data.len()) }
    }

    pub fn read(&self, address: u64, out: &mut [u8]) {
        let offset = self.offset(address, out.len());
        // SAFETY: `offset` asserted that the range is inside; `out` may lie in it, hence `copy`.
        unsafe { std::ptr::copy(self.data.add(offset), out.as_mut_ptr(), out.len()) }
    }

    pub fn fill(&self, address: u64, pattern: &[u8], count: usize) {
        let offset = self.offset(address, pattern.len() * count);
        // SAFETY: `offset` asserted that `pattern.len() * count` bytes are inside.
        unsafe {
            let target = self.data.add(offset);
            if pattern.iter().all(|b| *b == pattern[0]) {
                target.write_bytes(pattern[0], pattern.len() * count);
                return;
            }
            for i in 0..count {
                target
                    .add(i * pattern.len())
                    .copy_from_nonoverlapping(pattern.as_ptr(), pattern.len());
            }
        }
    }

    /// Copies bytes and their written marks; `self` and `from` may be one buffer.
    pub fn copy_with_marks(&self, target: u64, from: &Buffer, source: u64, bytes: usize) {
        let (t, s) = (self.offset(target, bytes), from.offset(source, bytes));
        let from_all = from.all_written.load(Ordering::Acquire);
        // SAFETY: both offsets were asserted; `copy` allows overlap.
        unsafe {
            std::ptr::copy(from.data.add(s), self.data.add(t), bytes);
            if from_all {
                if !self.is_foreign() {
                    self.shadow.add(t).write_bytes(mark::WRITTEN, bytes);
                }
            } else if !self.is_on_host() {
                std::ptr::copy(from.shadow.add(s), self.shadow.add(t), bytes);
                self.all_written.store(false, Ordering::Release);
            }
        }
    }

    /// Marks a range as written.
    pub fn mark(&self, address: u64, bytes: usize) {
        if self.all_written.load(Ordering::Acquire) {
            return;
        }
        let offset = self.offset(address, bytes);
        // SAFETY: `offset` asserted that the range is inside, and the shadow is as long as the data.
        unsafe { self.shadow.add(offset).write_bytes(mark::WRITTEN, bytes) }
        if bytes == self.bytes {
            self.all_written.store(true, Ordering::Release);
        }
    }

    /// Marks a range as not written, or as written with what is undefined. False where the host would read it without
    /// asking: there nothing is marked.
    pub fn unmark(&self, address: u64, bytes: usize, as_what: u8) -> bool {
        let offset = self.offset(address, bytes);
        if self.is_on_host() {
            return false;
        }
        // the marks first: as long as all counts as written nobody looks at them
        // SAFETY: `offset` asserted that the range is inside, and the shadow is as long as the data.
        unsafe { self.shadow.add(offset).write_bytes(as_what, bytes) }
        self.all_written.store(false, Ordering::Release);
        true
    }

    /// The first byte of a range that holds what is undefined: its address, its mark, and how many have that mark.
    pub fn undefined(&self, address: u64, bytes: usize) -> Option<(u64, u8, usize)> {
        if self.all_written.load(Ordering::Acquire) {
            return None;
        }
        let offset = self.offset(address, bytes);
        // SAFETY: `offset` asserted that the range is inside, and the shadow is as long as the data.
        let marks = unsafe { std::slice::from_raw_parts(self.shadow.add(offset), bytes) };
        let at = marks.iter().position(|m| *m >= mark::UNDEFINED)?;
        let alike = marks.iter().filter(|m| **m == marks[at]).count();
        Some((address + at as u64, marks[at], alike))
    }

    pub fn is_written(&self, address: u64, bytes: usize) -> bool {
        if self.all_written.load(Ordering::Acquire) {
            return true;
        }
        let offset = self.offset(address, bytes);
        // SAFETY: `offset` asserted that the range is inside, and the shadow is as long as the data.
        (0..bytes).all(|i| unsafe { self.shadow.add(offset + i).read() == mark::WRITTEN })
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if self.is_foreign() {
            return;
        }
        // SAFETY: allocated in `new` with these layouts; null where that failed.
        unsafe {
            if !self.data.is_null() {
                dealloc(self.data, self.data_layout);
            }
            if !self.shadow.is_null() {
                dealloc(self.shadow, self.shadow_layout);
            }
        }
    }
}
