//! Copies between host and device that are done with the host's memory when they return.
//!
//! The driver may go on reading or writing pageable memory after `cuMemcpy*Async` has returned, so these wait; what must not
//! wait goes through [`Pinned`].

use std::sync::Arc;

use cudarc::driver::{CudaContext, CudaEvent, CudaStream};
use cudarc::driver::{DevicePtr, DevicePtrMut, DriverError, PinnedHostSlice, result};

use super::relaxed::relaxed;
use crate::element::Element;

/// The elements, once the stream's work before is done.
pub(crate) fn to_host<T: Element>(
    stream: &Arc<CudaStream>,
    x: &impl DevicePtr<T>,
) -> Result<Vec<T>, DriverError> {
    if T::NAME == bool::NAME {
        return bools(stream, x);
    }
    let copied = stream.clone_dtoh(x)?;
    stream.synchronize()?;
    Ok(copied)
}

/// The same where not every byte is a value: what no kernel has written yet, as a captured step's output, may be any.
fn bools<T: Element>(
    stream: &Arc<CudaStream>,
    x: &impl DevicePtr<T>,
) -> Result<Vec<T>, DriverError> {
    let mut bytes = vec![0_u8; x.len()];
    let (address, _used) = x.device_ptr(stream);
    // SAFETY: the buffer holds as many bytes as elements (`Element` has no wider bool), and the host's memory is as long and
    // not touched before `synchronize` has waited.
    unsafe { result::memcpy_dtoh_async(&mut bytes, address, stream.cu_stream()) }?;
    stream.synchronize()?;
    let wide: Vec<i64> = bytes.into_iter().map(i64::from).collect();
    let mut values = vec![T::default(); wide.len()];
    T::block_from_i64(&wide, &mut values);
    Ok(values)
}

/// Overwrites the elements once the stream's work before is done, and waits for it.
pub(crate) fn to_device<T: Element>(
    stream: &Arc<CudaStream>,
    data: &[T],
    y: &mut impl DevicePtrMut<T>,
) -> Result<(), DriverError> {
    stream.memcpy_htod(data, y)?;
    stream.synchronize()
}

/// Pinned words, and an event behind the last copy of them: cudarc's own is recorded only where it tracks buffers.
struct Block {
    words: PinnedHostSlice<i32>,
    copied: CudaEvent,
}

impl Block {
    fn new(context: &Arc<CudaContext>, words: usize) -> Result<Self, DriverError> {
        // SAFETY: of an i32 every bit pattern is a value, and `Pinned::copy` writes the words before it reads them.
        let words = unsafe { context.alloc_pinned::<i32>(words) }?;
        let copied = context.new_event(None)?;
        Ok(Self { words, copied })
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        let context = self.words.context();
        context.record_err(self.copied.synchronize());
    }
}

/// Words of the host that kernels write: they lie at one address for both, and what a kernel has written is there once the
/// kernel is done.
pub(crate) struct Mailbox<const WORDS: usize> {
    words: PinnedHostSlice<i64>,
    address: u64,
}

impl<const WORDS: usize> Mailbox<WORDS> {
    /// Full of zeros.
    pub(crate) fn new(context: &Arc<CudaContext>) -> Result<Self, DriverError> {
        relaxed(|| {
            // without flags: what is allocated write-combined has another address for kernels, and is slow to read.
            // SAFETY: of an i64 every bit pattern is a value, and the next line writes all words.
            let mut words = unsafe { context.alloc_pinned_with_flags::<i64>(WORDS, 0) }?;
            words.as_mut_slice()?.fill(0);
            let address = words.as_ptr()? as u64;
            Ok(Self { words, address })
        })
    }

    /// For kernels; of as many words.
    pub(crate) fn address(&self) -> u64 {
        self.address
    }

    /// What the words are, which are zeros then. The caller has waited for the kernels that write them.
    pub(crate) fn take(&mut self) -> Result<[i64; WORDS], DriverError> {
        let words = self.words.as_mut_slice()?;
        let taken = std::array::from_fn(|i| words[i]);
        words.fill(0);
        Ok(taken)
    }
}

/// Words that are written again and again, and copied without waiting but for the copy before the last.
pub(crate) struct Pinned {
    blocks: [Block; 2],
    next: usize,
}

impl Pinned {
    pub(crate) fn new(stream: &Arc<CudaStream>, words: usize) -> Result<Self, DriverError> {
        let block = || Block::new(stream.context(), words);
        let blocks = relaxed(|| Ok([block()?, block()?]))?;
        Ok(Self { blocks, next: 0 })
    }

    /// Puts a copy of the words, which are as many as there is room for, into the stream.
    pub(crate) fn copy(
        &mut self,
        stream: &Arc<CudaStream>,
        words: &[i32],
        y: &mut impl DevicePtrMut<i32>,
    ) -> Result<(), DriverError> {
        let block = &mut self.blocks[self.next];
        self.next = 1 - self.next;
        block.copied.synchronize()?;
        block.words.as_mut_slice()?.copy_from_slice(words);
        stream.memcpy_htod(&block.words, y)?;
        block.copied.record(stream)
    }
}
