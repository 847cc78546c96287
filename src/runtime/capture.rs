//! Captures a stream's work as a graph: tells those who give out memory and values when that begins and ends, and keeps
//! what has to stay where it is for the replays.

use std::sync::Arc;

use cudarc::driver::sys::{self, CUresult, CUstreamCaptureMode};
use cudarc::driver::{CudaGraph, CudaStream, DriverError};

use super::arena::{ARENAS, Arena};
use super::live::{LIVES, Lives};
use super::memory::{PINS, Pins};
use super::turn;
use crate::error::{Error, Result};

const OP: &str = "CudaGraph";

/// What a capture uses, then what its graph keeps.
pub(crate) struct Capture {
    stream: Arc<CudaStream>,
    lives: Arc<Lives>,
    arena: Arc<Arena>,
    pins: Arc<Pins>,
}

impl Capture {
    fn new(stream: &Arc<CudaStream>) -> Result<Self> {
        Ok(Self {
            stream: stream.clone(),
            lives: Arc::new(Lives::new(stream)?),
            arena: Arena::new(stream)?,
            pins: Arc::default(),
        })
    }

    fn begin(&self) {
        LIVES.begin(&self.stream, &self.lives);
        ARENAS.begin(&self.stream, &self.arena);
        PINS.begin(&self.stream, &self.pins);
    }

    fn end(&self) {
        LIVES.end(&self.stream);
        ARENAS.end(&self.stream);
        PINS.end(&self.stream);
    }

    /// Bytes of the graph's own memory.
    pub(crate) fn memory(&self) -> usize {
        self.arena.bytes()
    }

    /// Gives every live value its next and calls `launch`; where either fails nothing has been counted.
    pub(crate) fn replay(&self, launch: impl FnOnce() -> Result<()>) -> Result<()> {
        self.lives.next(&self.stream, launch)
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
        if turn::is_captured(stream) {
            let reason = "this device's work is captured already";
            return Err(Error::Capture { op: OP, reason });
        }
        let capture = Arc::new(Capture::new(stream)?);
        turn::begin(stream, || {
            // what the stricter modes forbid to this or to all threads, such as loading a kernel for its first launch,
            // does no harm here; what would, reading and writing by the host, is refused before it reaches the driver
            let mode = CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_RELAXED;
            let begun = stream.begin_capture(mode);
            begun.map_err(|e| Error::driver(OP, e))?;
            capture.begin();
            Ok(())
        })?;
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
        let graph = turn::end(&capture.stream, || {
            capture.end();
            // an error that cudarc could not answer when it happened, before it keeps the capture from ending
            let recorded = capture.stream.context().check_err();
            let graph = capture.stream.end_capture(sys::CUgraphInstantiate_flags(0));
            recorded.and(graph)
        });
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
