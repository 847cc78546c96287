//! What the library knows of a stream whose work is being captured as a graph: whose it is, where memory comes from
//! meanwhile, and what has to stay where it is for the replays.
//!
//! A stream captures whoever queues on it, so every piece of work takes its [`turn`] first: while one thread captures,
//! others get an error instead of a place in its graph.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::thread::ThreadId;

use cudarc::driver::sys::{
    self, CUdeviceptr, CUresult, CUstreamCaptureMode, CUstreamCaptureStatus,
};
use cudarc::driver::{CudaGraph, CudaStream, DriverError};

use crate::error::{Error, Result};
use crate::live::Lives;
use crate::memory::{Arena, Memory, free};

const OP: &str = "CudaGraph";

/// A capture that is going on, then what its graph keeps.
pub(crate) struct Capture {
    stream: Arc<CudaStream>,
    thread: ThreadId,
    pub(crate) arena: Arc<Arena>,
    pub(crate) lives: Lives,
    /// Memory from before the capture that the graph reads or writes, by address.
    touched: Mutex<HashMap<CUdeviceptr, Pin>>,
    /// Memory given up meanwhile: a stream that captures cannot free what it did not allocate.
    given_up: Mutex<Vec<CUdeviceptr>>,
}

/// Keeps memory, and its tensors from leaving it for other memory.
struct Pin(Arc<Memory>);

impl Pin {
    fn new(memory: &Arc<Memory>) -> Self {
        memory.graphs.fetch_add(1, Ordering::Relaxed);
        Self(memory.clone())
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        self.0.graphs.fetch_sub(1, Ordering::Relaxed);
    }
}

static CAPTURES: RwLock<Vec<Arc<Capture>>> = RwLock::new(Vec::new());
/// The length of [`CAPTURES`], for those who have nothing to do where it is 0.
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// Nothing that holds these locks leaves a mess where it panics.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// While it lives no capture begins or ends, so that one piece of work is queued on one side of it.
pub(crate) struct Turn {
    captures: RwLockReadGuard<'static, Vec<Arc<Capture>>>,
}

impl Turn {
    /// The turn of work that no thread may be refused: freeing memory.
    pub(crate) fn any() -> Self {
        let captures = CAPTURES.read().unwrap_or_else(PoisonError::into_inner);
        Self { captures }
    }

    /// The stream's capture, if there is one.
    pub(crate) fn capture(&self, stream: &CudaStream) -> Option<&Arc<Capture>> {
        self.captures.iter().find(|c| *c.stream == *stream)
    }
}

/// Lets one piece of work be queued on the stream, but not into another thread's capture. Turns are not taken inside
/// turns.
pub(crate) fn turn(stream: &CudaStream, op: &'static str) -> Result<Turn> {
    let turn = Turn::any();
    match turn.capture(stream) {
        Some(capture) if capture.thread != std::thread::current().id() => {
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
pub(crate) fn is_on(stream: &CudaStream) -> bool {
    COUNT.load(Ordering::Relaxed) > 0 && Turn::any().capture(stream).is_some()
}

/// Notes that work on the stream is about to read or write the memory: a graph that is being captured keeps it.
pub(crate) fn touch(stream: &CudaStream, memory: &Arc<Memory>) {
    if COUNT.load(Ordering::Relaxed) == 0 {
        return;
    }
    if let Some(capture) = Turn::any().capture(stream)
        && capture.thread == std::thread::current().id()
        && !memory.is_of(&capture.arena)
    {
        let mut touched = lock(&capture.touched);
        touched
            .entry(memory.address())
            .or_insert_with(|| Pin::new(memory));
    }
}

impl Capture {
    /// Takes memory that the stream cannot free now.
    pub(crate) fn give_up(&self, address: CUdeviceptr) {
        lock(&self.given_up).push(address);
    }
}

/// A capture that this thread has begun. Dropped, it ends without a graph.
pub(crate) struct Running {
    capture: Arc<Capture>,
    ended: bool,
}

impl Running {
    /// Begins to capture what is queued on the stream.
    pub(crate) fn begin(stream: &Arc<CudaStream>) -> Result<Self> {
        let context = stream.context();
        if context.is_managing_stream_synchronization() {
            let reason = "cudarc tracks the context's buffers with events, which a graph cannot wait for; \
                          disable_event_tracking ends that";
            return Err(Error::Capture { op: OP, reason });
        }
        if !context.has_async_alloc() {
            let reason = "this device has no memory pools";
            return Err(Error::Capture { op: OP, reason });
        }
        if is_on(stream) {
            let reason = "this device's work is captured already";
            return Err(Error::Capture { op: OP, reason });
        }
        let capture = Arc::new(Capture {
            stream: stream.clone(),
            thread: std::thread::current().id(),
            arena: Arena::new(stream)?,
            lives: Lives::new(stream)?,
            touched: Mutex::default(),
            given_up: Mutex::default(),
        });
        let mut captures = CAPTURES.write().unwrap_or_else(PoisonError::into_inner);
        // what the stricter modes forbid to this or to all threads, such as loading a kernel for its first launch,
        // does no harm here; what would, reading and writing by the host, is refused before it reaches the driver
        let mode = CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_RELAXED;
        stream
            .begin_capture(mode)
            .map_err(|e| Error::driver(OP, e))?;
        captures.push(capture.clone());
        COUNT.fetch_add(1, Ordering::Relaxed);
        let ended = false;
        Ok(Self { capture, ended })
    }

    /// Ends the capture: the graph, and what has to live as long as it.
    pub(crate) fn end(mut self) -> Result<(CudaGraph, Arc<Capture>)> {
        let graph = self.finish()?;
        Ok((graph, self.capture.clone()))
    }

    fn finish(&mut self) -> Result<CudaGraph> {
        self.ended = true;
        let capture = &self.capture;
        let graph = {
            let mut captures = CAPTURES.write().unwrap_or_else(PoisonError::into_inner);
            captures.retain(|other| !Arc::ptr_eq(other, capture));
            COUNT.fetch_sub(1, Ordering::Relaxed);
            // an error that cudarc could not answer when it happened, before it keeps the capture from ending
            let recorded = capture.stream.context().check_err();
            let graph = capture.stream.end_capture(sys::CUgraphInstantiate_flags(0));
            recorded.and(graph)
        };
        for address in lock(&capture.given_up).drain(..) {
            free(&capture.stream, address);
        }
        let closed = capture.arena.close();
        let graph = graph.map_err(|e| Error::driver(OP, e))?;
        closed?;
        graph.ok_or_else(|| Error::driver(OP, DriverError(CUresult::CUDA_ERROR_UNKNOWN)))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.ended {
            // the step's own error is what its caller hears of
            drop(self.finish());
        }
    }
}
