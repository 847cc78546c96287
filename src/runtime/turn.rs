//! Whose turn it is on a stream.
//!
//! A stream captures whoever queues on it, so every piece of work takes its [`turn`] first: while one thread captures,
//! others get an error instead of a place in its graph. This file alone knows which streams are captured, and by whom;
//! what else a capture means for memory and for values is kept by those who have it to do, each in an [`Open`], and
//! `capture` tells them when.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::thread::{self, ThreadId};

use cudarc::driver::CudaStream;
use cudarc::driver::sys::CUstreamCaptureStatus;

use crate::error::{Error, Result};

/// Which thread captures a stream's work, if one does. A lock for each stream: a launch may wait for what another stream does
/// (where ranks are threads), and that one's thread may be about to capture.
type Capturer = RwLock<Option<ThreadId>>;

/// Context and stream, by the driver's handles. These come again, so there are as many as streams have lived at a time.
type Key = (usize, usize);

static CAPTURERS: RwLock<BTreeMap<Key, &'static Capturer>> = RwLock::new(BTreeMap::new());
/// How many captures go on, for those who have nothing to do where it is 0.
static COUNT: AtomicUsize = AtomicUsize::new(0);

fn capturer(stream: &CudaStream) -> &'static Capturer {
    let context = stream.context().cu_ctx();
    let key = (context as usize, stream.cu_stream() as usize);
    let known = CAPTURERS.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = known.get(&key) {
        return known;
    }
    drop(known);
    let mut known = CAPTURERS.write().unwrap_or_else(PoisonError::into_inner);
    known
        .entry(key)
        .or_insert_with(|| Box::leak(Box::default()))
}

/// Nothing that holds these locks leaves a mess where it panics.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// While it lives no capture of its stream begins or ends, so that one piece of work is queued on one side of it.
pub(crate) struct Turn {
    by: RwLockReadGuard<'static, Option<ThreadId>>,
}

impl Turn {
    /// The turn of work that no thread may be refused: freeing memory.
    pub(super) fn any(stream: &CudaStream) -> Self {
        let by = capturer(stream).read();
        let by = by.unwrap_or_else(PoisonError::into_inner);
        Self { by }
    }
}

/// Lets one piece of work be queued on the stream, but not into another thread's capture. Turns are not taken inside
/// turns.
pub(crate) fn turn(stream: &CudaStream, op: &'static str) -> Result<Turn> {
    let turn = Turn::any(stream);
    match *turn.by {
        Some(by) if by != thread::current().id() => {
            let reason = "another thread captures this device's work";
            Err(Error::Capture { op, reason })
        }
        _ => Ok(turn),
    }
}

/// The turn of work that cannot be part of a graph; `reason` says why not.
pub(crate) fn turn_outside(
    stream: &CudaStream,
    op: &'static str,
    reason: &'static str,
) -> Result<Turn> {
    let turn = turn(stream, op)?;
    // the program may capture the stream on its own, too
    let status = stream.capture_status().map_err(|e| Error::driver(op, e))?;
    match status {
        CUstreamCaptureStatus::CU_STREAM_CAPTURE_STATUS_NONE => Ok(turn),
        _ => Err(Error::Capture { op, reason }),
    }
}

/// Whether a capture of the stream is going on.
pub(crate) fn is_captured(stream: &CudaStream) -> bool {
    COUNT.load(Ordering::Relaxed) > 0 && Turn::any(stream).by.is_some()
}

/// A turn inside this thread's own capture of the stream, if that is going on.
pub(super) fn turn_inside(stream: &CudaStream) -> Option<Turn> {
    if COUNT.load(Ordering::Relaxed) == 0 {
        return None;
    }
    let turn = Turn::any(stream);
    (*turn.by == Some(thread::current().id())).then_some(turn)
}

/// Begins this thread's capture of the stream with what `begin` does, between all turns. Where that fails there is none.
pub(super) fn begin(stream: &CudaStream, begin: impl FnOnce() -> Result<()>) -> Result<()> {
    let by = capturer(stream).write();
    let mut by = by.unwrap_or_else(PoisonError::into_inner);
    begin()?;
    *by = Some(thread::current().id());
    COUNT.fetch_add(1, Ordering::Relaxed);
    Ok(())
}

/// Ends the capture of the stream with what `end` does, between all turns.
pub(super) fn end<R>(stream: &CudaStream, end: impl FnOnce() -> R) -> R {
    let by = capturer(stream).write();
    let mut by = by.unwrap_or_else(PoisonError::into_inner);
    *by = None;
    COUNT.fetch_sub(1, Ordering::Relaxed);
    end()
}

/// What somebody keeps for each capture that is going on.
pub(super) struct Open<P>(Mutex<Vec<(Arc<CudaStream>, Arc<P>)>>);

impl<P> Open<P> {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// Keeps it while the stream is captured; called by what [`begin`] is given.
    pub(super) fn begin(&self, stream: &Arc<CudaStream>, part: &Arc<P>) {
        lock(&self.0).push((stream.clone(), part.clone()));
    }

    /// What is kept for the capture of the stream, if one is going on.
    pub(super) fn of(&self, turn: &Turn, stream: &CudaStream) -> Option<Arc<P>> {
        (*turn.by)?;
        let open = lock(&self.0);
        let found = open.iter().find(|(of, _)| **of == *stream);
        found.map(|(_, part)| part.clone())
    }

    /// Keeps it no longer; called by what [`end`] is given.
    pub(super) fn end(&self, stream: &CudaStream) {
        lock(&self.0).retain(|(of, _)| **of != *stream);
    }
}
