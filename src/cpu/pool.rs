//! CPU buffers that are used again instead of freed: the fresh pages of a new buffer cost more than most ops.
//!
//! On CUDA the driver's stream-ordered memory pool does the same (see `runtime/memory.rs`).

use std::any::Any;
use std::collections::VecDeque;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};

use half::{bf16, f16};

use crate::element::Element;
use crate::error::{Error, Result};

/// Smaller buffers are cheap to allocate.
const SMALLEST: usize = 16 * 1024;
/// What a pool keeps at most; the buffer unused for longest goes first.
const MOST: usize = 1 << 30;

static F32: Pool<f32> = Pool::new();
static F16: Pool<f16> = Pool::new();
static BF16: Pool<bf16> = Pool::new();
static I64: Pool<i64> = Pool::new();
static I32: Pool<i32> = Pool::new();
static U8: Pool<u8> = Pool::new();
static BOOL: Pool<bool> = Pool::new();

/// The pool of each element.
static POOLS: [&dyn AnyPool; 7] = [&F32, &F16, &BF16, &I64, &I32, &U8, &BOOL];

trait AnyPool: Any + Sync {
    fn clear(&self);
}

impl<T: Element> AnyPool for Pool<T> {
    fn clear(&self) {
        *self.lock() = (VecDeque::new(), 0);
    }
}

/// Frees what the pools keep.
pub(crate) fn clear_pools() {
    POOLS.iter().for_each(|pool| pool.clear());
}

/// The pool of an element.
fn pool<T: Element>() -> Option<&'static Pool<T>> {
    let mut pools = POOLS.iter();
    pools.find_map(|pool| (*pool as &dyn Any).downcast_ref())
}

/// Returned buffers of one element type, the last used at the back.
struct Pool<T> {
    free: Mutex<(VecDeque<Vec<T>>, usize)>,
}

impl<T: Element> Pool<T> {
    const fn new() -> Self {
        Self {
            free: Mutex::new((VecDeque::new(), 0)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, (VecDeque<Vec<T>>, usize)> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, len: usize) -> Option<Vec<T>> {
        let mut free = self.lock();
        let at = free.0.iter().rposition(|buffer| buffer.len() == len)?;
        free.1 -= len * size_of::<T>();
        free.0.remove(at)
    }

    fn put(&self, buffer: Vec<T>) {
        let bytes = buffer.len() * size_of::<T>();
        if !(SMALLEST..=MOST).contains(&bytes) {
            return;
        }
        let mut free = self.lock();
        free.0.push_back(buffer);
        free.1 += bytes;
        while free.1 > MOST {
            match free.0.pop_front() {
                Some(oldest) => free.1 -= oldest.len() * size_of::<T>(),
                None => break,
            }
        }
    }
}

/// Where buffers begin: at a multiple of a cache line, so that no vector of a loop over them straddles two.
const ALIGNMENT: usize = 64;

/// Pages of 2 MiB, where Linux gives them only to who asks: fewer faults at first touch, fewer misses of the TLB after.
#[cfg(target_os = "linux")]
fn ask_for_huge_pages<T>(start: *mut T, bytes: usize) {
    const PAGE: usize = 4096;
    let skip = start.cast::<u8>().align_offset(PAGE);
    if let Some(whole) = bytes.checked_sub(skip)
        && whole >= 2 << 20
    {
        // SAFETY: the range lies inside one allocation (`skip` and `whole` were just taken from its length), and the
        // advice changes no contents; where it is refused, nothing is lost.
        unsafe {
            libc::madvise(
                start.cast::<u8>().add(skip).cast(),
                whole,
                libc::MADV_HUGEPAGE,
            )
        };
    }
}
#[cfg(not(target_os = "linux"))]
fn ask_for_huge_pages<T>(_: *mut T, _: usize) {}

/// A CPU buffer that goes back to its pool when dropped.
pub(crate) struct Buffer<T: Element> {
    /// Longer than `len` by what it may take to reach the first aligned element.
    data: Vec<T>,
    start: usize,
    len: usize,
}

impl<T: Element> Buffer<T> {
    /// A buffer whose values are left over from an earlier use; the caller writes every one.
    pub(crate) fn stale(len: usize) -> Result<Self> {
        let padded = len.saturating_add(ALIGNMENT / size_of::<T>());
        let data = match pool::<T>().and_then(|pool| pool.take(padded)) {
            Some(data) => data,
            None => {
                let mut fresh = Vec::new();
                let bytes = padded.saturating_mul(size_of::<T>());
                fresh
                    .try_reserve_exact(padded)
                    .map_err(|_| Error::OutOfMemory {
                        device: "cpu".into(),
                        bytes,
                    })?;
                ask_for_huge_pages(fresh.as_mut_ptr(), bytes);
                fresh.resize(padded, T::default());
                fresh
            }
        };
        // an offset past the padding is what `align_offset` answers where it cannot tell
        let start = data.as_ptr().align_offset(ALIGNMENT).min(padded - len);
        Ok(Self { data, start, len })
    }

    pub(crate) fn from_vec(data: Vec<T>) -> Self {
        let len = data.len();
        Self {
            data,
            start: 0,
            len,
        }
    }
}

impl<T: Element> Drop for Buffer<T> {
    fn drop(&mut self) {
        if let Some(pool) = pool::<T>() {
            pool.put(std::mem::take(&mut self.data));
        }
    }
}

impl<T: Element> Deref for Buffer<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.data[self.start..self.start + self.len]
    }
}

impl<T: Element> DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.data[self.start..self.start + self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_buffer_comes_back_by_length() -> Result<()> {
        // a length no other test uses, since the pool is the process's
        let mut first = Buffer::<f32>::stale(54_321)?;
        first[7] = 3.0;
        let address = first.as_ptr();
        drop(first);
        assert_ne!(Buffer::<f32>::stale(54_322)?.as_ptr(), address);
        let again = Buffer::<f32>::stale(54_321)?;
        assert_eq!((again.as_ptr(), again[7]), (address, 3.0));
        assert_eq!(again.as_ptr() as usize % ALIGNMENT, 0);
        Ok(())
    }

    #[test]
    fn every_element_has_a_pool() {
        assert!(pool::<f32>().is_some() && pool::<f16>().is_some());
        assert!(pool::<bf16>().is_some() && pool::<i64>().is_some());
        assert!(pool::<i32>().is_some() && pool::<u8>().is_some());
        assert!(pool::<bool>().is_some());
    }

    #[test]
    fn the_oldest_goes_when_the_pool_is_full() {
        let pool = Pool::<i32>::new();
        let third = MOST / size_of::<i32>() / 3;
        for len in [third, third + 1, third - 1, third + 2] {
            // capacity without pages: `vec!` of zeros is not touched
            pool.put(vec![0; len]);
        }
        assert!(pool.take(third).is_none());
        assert!(pool.take(third + 2).is_some());
    }
}
