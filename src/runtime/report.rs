//! What kernels found wrong and nobody has heard of yet: an index out of range.
//!
//! The host cannot look at indices on a device without waiting for whatever makes them. So the kernel that reads them leaves
//! word in a few words of the host's memory, each stream has its own, and whoever waits for the stream anyway looks there
//! ([`check`]). The address is an ordinary argument: a launch of a captured graph reports at each replay.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use cudarc::driver::CudaStream;

use super::nccl;
use super::transfer::Mailbox;
use super::turn::lock;
use crate::error::{Error, Result};

/// Code, index and size, as `tell` in `cuda/index.cu` writes them; without a report the code is 0.
type Words = Mailbox<3>;

/// From a stream's first launch that may report on. A graph has its stream, so that its launches find theirs.
static MAILBOXES: Mutex<Vec<(Arc<CudaStream>, Words)>> = Mutex::new(Vec::new());
/// The length of [`MAILBOXES`], for those who have nothing to look at where it is 0.
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// The ops that may report: a code is a place in here, counted from 1, and the dimension in the upper half.
static OPS: Mutex<Vec<&'static str>> = Mutex::new(Vec::new());

/// For a launch whose kernel reads indices of a dimension: where it reports one that is out of range, and with which code.
pub(crate) fn mailbox(
    stream: &Arc<CudaStream>,
    op: &'static str,
    dim: usize,
) -> Result<(u64, i64)> {
    let mut mailboxes = lock(&MAILBOXES);
    let found = mailboxes.iter().find(|(of, _)| of == stream);
    let address = match found {
        Some((_, words)) => words.address(),
        None => {
            // of streams that nobody else has any more, and whose work is done
            let kept =
                |of: &Arc<CudaStream>| Arc::strong_count(of) > 1 || of.synchronize().is_err();
            mailboxes.retain(|(of, _)| kept(of));
            let words = Words::new(stream.context()).map_err(|e| Error::driver(op, e))?;
            let address = words.address();
            mailboxes.push((stream.clone(), words));
            COUNT.store(mailboxes.len(), Ordering::Relaxed);
            address
        }
    };
    let mut ops = lock(&OPS);
    let known = ops.iter().position(|other| *other == op);
    let place = known.unwrap_or_else(|| {
        ops.push(op);
        ops.len() - 1
    });
    Ok((address, place as i64 + 1 + ((dim as i64) << 32)))
}

/// What a kernel has reported since this was asked last, or how ranks have failed, as an error. The caller has waited for
/// the stream.
pub(crate) fn check(stream: &CudaStream) -> Result<()> {
    nccl::check(stream, "synchronize")?;
    if COUNT.load(Ordering::Relaxed) == 0 {
        return Ok(());
    }
    let mut mailboxes = lock(&MAILBOXES);
    let Some((_, words)) = mailboxes.iter_mut().find(|(of, _)| **of == *stream) else {
        return Ok(());
    };
    let [code, index, size] = words.take().map_err(|e| Error::driver("index", e))?;
    let place = (code & i64::from(u32::MAX)) as usize;
    let Some(place) = place.checked_sub(1) else {
        return Ok(());
    };
    let op = lock(&OPS).get(place).copied().unwrap_or("index");
    let (dim, size) = ((code >> 32) as usize, size as usize);
    Err(Error::Index {
        op,
        dim,
        size,
        index,
    })
}
