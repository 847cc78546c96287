//! Stream capture: work that is enqueued becomes nodes of a graph, in the order that streams and events give it.

use super::context::Context;
use super::error::{Error, Outcome};
use super::graph::{GRAPHS, Graph};
use super::handles::{Handle, lock};
use super::stream::{Place, Stream};
use super::work::Work;
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::ThreadId;

pub struct Capture {
    pub id: u64,
    mode: u32,
    thread: ThreadId,
    context: Handle,
    origin: Arc<Stream>,
    pub graph: Arc<Graph>,
    invalid: AtomicBool,
    streams: Mutex<Vec<Arc<Stream>>>,
}

static ACTIVE: Mutex<Vec<Arc<Capture>>> = Mutex::new(Vec::new());

const GLOBAL: u32 = 0;
const RELAXED: u32 = 2;

thread_local! {
    static THREAD_MODE: Cell<u32> = const { Cell::new(GLOBAL) };
}

impl Capture {
    pub fn check(&self) -> Outcome {
        if self.invalid.load(Ordering::Relaxed) {
            Err(Error::STREAM_CAPTURE_INVALIDATED)
        } else {
            Ok(())
        }
    }

    fn invalidate(&self) {
        self.invalid.store(true, Ordering::Relaxed);
    }

    /// Lets every stream go back to running its work.
    fn finish(self: &Arc<Self>) {
        lock(&ACTIVE).retain(|capture| !Arc::ptr_eq(capture, self));
        let streams = std::mem::take(&mut *lock(&self.streams));
        for stream in streams {
            *lock(&stream.capturing) = None;
        }
    }
}

/// The capture of a place. It may have ended, but only for places that were left behind.
pub fn of(place: &Place) -> Outcome<Arc<Capture>> {
    let active = lock(&ACTIVE);
    let found = active.iter().find(|capture| capture.id == place.capture);
    found.cloned().ok_or(Error::CAPTURED_EVENT)
}

/// Adds `work` to the graph if the stream is capturing, and says whether it was.
pub fn record(stream: &Stream, work: impl FnOnce() -> Work) -> Outcome<bool> {
    let mut capturing = lock(&stream.capturing);
    let Some(place) = capturing.as_mut() else {
        return Ok(false);
    };
    let capture = of(place)?;
    capture.check()?;
    place.after = vec![capture.graph.add(work(), &place.after)?];
    Ok(true)
}

/// Where the stream is in its capture, if it is in one.
pub fn position(stream: &Stream) -> Outcome<Option<Place>> {
    let place = lock(&stream.capturing).clone();
    if let Some(place) = &place {
        of(place)?.check()?;
    }
    Ok(place)
}

/// Makes the stream's later work depend on `place`; a stream that was not capturing becomes part of the capture.
pub fn join(stream: &Arc<Stream>, place: &Place) -> Outcome {
    let capture = of(place)?;
    capture.check()?;
    let mut capturing = lock(&stream.capturing);
    match capturing.as_mut() {
        None if stream.context != capture.context => return Err(Error::INVALID_HANDLE),
        None => {
            *capturing = Some(place.clone());
            lock(&capture.streams).push(stream.clone());
        }
        Some(own) if own.capture == place.capture => {
            let new = place
                .after
                .iter()
                .filter(|node| !own.after.contains(node))
                .copied();
            let new: Vec<_> = new.collect();
            own.after.extend(new);
        }
        Some(own) => {
            of(own)?.invalidate();
            capture.invalidate();
            return Err(Error::STREAM_CAPTURE_MERGE);
        }
    }
    Ok(())
}

/// Spoils the capture that the stream is part of, if any.
pub fn invalidate_of(stream: &Stream) {
    if let Some(place) = &*lock(&stream.capturing)
        && let Ok(capture) = of(place)
    {
        capture.invalidate();
    }
}

/// A stream that captures cannot be asked how far its work is.
pub fn refuse_query(stream: &Arc<Stream>) -> Outcome {
    if stream.is_capturing() {
        invalidate_of(stream);
        return Err(Error::STREAM_CAPTURE_UNSUPPORTED);
    }
    let context = super::context::by_handle(stream.context)?;
    if Arc::ptr_eq(&context.legacy, stream) {
        refuse_legacy_stream(&context)
    } else {
        Ok(())
    }
}

/// A whole context cannot be waited for while a stream of it captures.
pub fn refuse_synchronisation(context: &Context) -> Outcome {
    refuse(Error::STREAM_CAPTURE_UNSUPPORTED, |capture| {
        capture.context == context.handle
    })
}

/// The default stream waits for all blocking streams, so none of them may be capturing.
pub fn refuse_legacy_stream(context: &Context) -> Outcome {
    refuse(Error::STREAM_CAPTURE_IMPLICIT, |capture| {
        capture.context == context.handle
            && lock(&capture.streams)
                .iter()
                .any(|stream| stream.is_blocking())
    })
}

/// Calls that may wait for the device are not for threads that capture, nor, by default, for others meanwhile.
pub fn refuse_unsafe_call() -> Outcome {
    let thread = std::thread::current().id();
    let mode = THREAD_MODE.get();
    refuse(Error::STREAM_CAPTURE_UNSUPPORTED, |capture| match mode {
        RELAXED => false,
        _ if capture.thread == thread => capture.mode != RELAXED,
        _ => mode == GLOBAL && capture.mode == GLOBAL,
    })
}

fn refuse(error: Error, conflicts: impl Fn(&Capture) -> bool) -> Outcome {
    let active = lock(&ACTIVE);
    let mut answer = Ok(());
    for capture in active.iter().filter(|capture| conflicts(capture)) {
        capture.invalidate();
        answer = Err(error);
    }
    answer
}

/// Ends the captures of a stream that is destroyed.
pub fn abandon_stream(stream: &Arc<Stream>) {
    let place = lock(&stream.capturing).clone();
    if let Some(capture) = place.and_then(|place| of(&place).ok()) {
        capture.invalidate();
        if Arc::ptr_eq(&capture.origin, stream) {
            capture.finish();
            let _ = GRAPHS.remove(capture.graph.handle);
        }
    }
}

/// Ends the captures of a context that is destroyed.
pub fn abandon_context(context: Handle) {
    let gone: Vec<_> = lock(&ACTIVE)
        .iter()
        .filter(|capture| capture.context == context)
        .cloned()
        .collect();
    for capture in gone {
        capture.invalidate();
        capture.finish();
    }
}

/// Starts a capture, into a new graph or one that is there.
pub fn begin(
    stream: Arc<Stream>,
    mode: u32,
    graph: Option<Arc<Graph>>,
    after: Vec<Handle>,
) -> Outcome {
    static IDS: AtomicU64 = AtomicU64::new(1);
    if mode > RELAXED {
        return Err(Error::INVALID_VALUE);
    }
    if Arc::ptr_eq(&super::context::by_handle(stream.context)?.legacy, &stream) {
        return Err(Error::STREAM_CAPTURE_UNSUPPORTED);
    }
    let mut capturing = lock(&stream.capturing);
    if capturing.is_some() {
        return Err(Error::ILLEGAL_STATE);
    }
    let capture = Arc::new(Capture {
        id: IDS.fetch_add(1, Ordering::Relaxed),
        mode,
        thread: std::thread::current().id(),
        context: stream.context,
        origin: stream.clone(),
        graph: graph.unwrap_or_else(Graph::create),
        invalid: AtomicBool::new(false),
        streams: Mutex::new(vec![stream.clone()]),
    });
    *capturing = Some(Place {
        capture: capture.id,
        after,
    });
    lock(&ACTIVE).push(capture);
    Ok(())
}

/// Ends the capture that began in this stream and answers its graph.
pub fn end(stream: &Arc<Stream>) -> Outcome<Arc<Graph>> {
    let place = lock(&stream.capturing)
        .clone()
        .ok_or(Error::ILLEGAL_STATE)?;
    let capture = of(&place)?;
    if !Arc::ptr_eq(&capture.origin, stream) {
        capture.invalidate();
        return Err(Error::STREAM_CAPTURE_UNMATCHED);
    }
    if capture.mode != RELAXED && capture.thread != std::thread::current().id() {
        return Err(Error::STREAM_CAPTURE_WRONG_THREAD);
    }
    let streams = lock(&capture.streams).clone();
    let others: Vec<Handle> = streams
        .iter()
        .filter(|other| !Arc::ptr_eq(other, stream))
        .flat_map(|other| {
            lock(&other.capturing)
                .as_ref()
                .map(|place| place.after.clone())
        })
        .flatten()
        .collect();
    capture.finish();
    let joined = capture.graph.ancestors(&place.after);
    let verdict = capture.check().and_then(|()| {
        let all_joined = others.iter().all(|node| joined.contains(node));
        if all_joined {
            Ok(())
        } else {
            Err(Error::STREAM_CAPTURE_UNJOINED)
        }
    });
    if verdict.is_err() {
        let _ = GRAPHS.remove(capture.graph.handle);
    }
    verdict.map(|()| capture.graph.clone())
}

/// Sets the calling thread's mode and answers the one before.
pub fn exchange_mode(mode: u32) -> Outcome<u32> {
    if mode > RELAXED {
        return Err(Error::INVALID_VALUE);
    }
    Ok(THREAD_MODE.replace(mode))
}
