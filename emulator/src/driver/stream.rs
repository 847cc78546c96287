//! Streams. Work runs when it is enqueued, on the thread that enqueues it, so a stream is a lock that keeps its
//! work in order plus the state of a capture.

use super::capture::{self, Capturing};
use super::context::{self, Context, by_handle, current};
use super::device::Ordinal;
use super::entry::{HostCall, In, Out, api};
use super::error::{Error, Outcome};
use super::event::{self, EVENTS};
use super::handles::{Handle, Table, lock};
use super::host;
use super::work::{self, Work};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

pub struct Stream {
    /// 0 for default streams, which are not in the table.
    pub handle: Handle,
    pub context: Handle,
    flags: u32,
    priority: i32,
    id: u64,
    /// Held while work of this stream runs.
    order: Mutex<()>,
    pub capturing: Mutex<Option<Capturing>>,
    /// The nodes that `cuStreamGetCaptureInfo` pointed to last.
    pub shown_nodes: Mutex<Vec<Handle>>,
}

pub static STREAMS: Table<Stream> = Table::new();

pub const NON_BLOCKING: u32 = 1;
pub const GREATEST_PRIORITY: i32 = -5;
const LEGACY: Handle = 1;
const PER_THREAD: Handle = 2;

impl Stream {
    fn new(handle: Handle, context: Handle, flags: u32, priority: i32) -> Stream {
        static IDS: AtomicU64 = AtomicU64::new(1);
        Stream {
            handle,
            context,
            flags,
            priority,
            id: IDS.fetch_add(1, Ordering::Relaxed),
            order: Mutex::new(()),
            capturing: Mutex::new(None),
            shown_nodes: Mutex::default(),
        }
    }

    /// A default stream of a context.
    pub fn default_of(context: Handle) -> Stream {
        Stream::new(0, context, 0, 0)
    }

    pub fn is_blocking(&self) -> bool {
        self.flags & NON_BLOCKING == 0
    }

    pub fn is_capturing(&self) -> bool {
        lock(&self.capturing).is_some()
    }

    fn context(&self) -> Outcome<Arc<Context>> {
        context::CONTEXTS
            .get(self.context)
            .map_err(|_| Error::CONTEXT_IS_DESTROYED)
    }
}

/// The stream behind a handle, its context being free of errors.
pub fn find(handle: Handle) -> Outcome<Arc<Stream>> {
    let stream = match handle {
        0 | LEGACY => current()?.legacy.clone(),
        PER_THREAD => current()?.per_thread_stream(),
        _ => {
            super::device::device()?;
            STREAMS.get(handle)?
        }
    };
    stream.context()?.check()?;
    Ok(stream)
}

fn is_legacy(stream: &Stream, context: &Context) -> bool {
    std::ptr::eq(stream, &raw const *context.legacy)
}

/// Runs `work` in the stream's order, or records it where the stream is capturing.
pub fn submit(stream: &Arc<Stream>, work: Work) -> Outcome {
    let context = stream.context()?;
    if capture::record(stream, || work.clone())? {
        return Ok(());
    }
    if is_legacy(stream, &context) {
        capture::refuse_legacy_stream(&context)?;
    }
    let _order = lock(&stream.order);
    work::run(&work, &context)
}

/// Runs `work` as the synchronous calls do: in the default stream.
pub fn submit_synchronous(work: Work) -> Outcome {
    let context = current()?;
    submit(&context.legacy, work)?;
    context.check()
}

fn create(result: Out<Handle>, flags: u32, priority: i32) -> Outcome {
    let context = current()?;
    result.check()?;
    if flags & !NON_BLOCKING != 0 {
        return Err(Error::INVALID_VALUE);
    }
    let priority = priority.clamp(GREATEST_PRIORITY, 0);
    result.set(
        STREAMS
            .insert(|handle| Stream::new(handle, context.handle, flags, priority))
            .handle,
    )
}

/// `CUstreamCallback`.
type Callback = Option<extern "C" fn(Handle, u32, usize)>;

api! {
    fn cuStreamCreate(result: Out<Handle>, flags: u32) {
        create(result, flags, 0)
    }

    fn cuStreamCreateWithPriority(result: Out<Handle>, flags: u32, priority: i32) {
        create(result, flags, priority)
    }

    fn cuStreamDestroy_v2(handle: Handle) {
        super::device::device()?;
        let stream = STREAMS.remove(handle)?;
        capture::abandon_stream(&stream);
        stream.context()?.check()
    }

    fn cuStreamSynchronize(handle: Handle) {
        let stream = find(handle)?;
        capture::refuse_query(&stream)?;
        let _order = lock(&stream.order);
        stream.context()?.check()
    }

    fn cuStreamQuery(handle: Handle) {
        let stream = find(handle)?;
        capture::refuse_query(&stream)?;
        stream.context()?.check()
    }

    fn cuStreamWaitEvent(handle: Handle, event: Handle, _flags: u32) {
        let stream = find(handle)?;
        event::wait(&stream, &*EVENTS.get(event)?)
    }

    fn cuStreamGetCtx(handle: Handle, result: Out<Handle>) {
        result.set(find(handle)?.context)
    }

    fn cuStreamGetCtx_v2(handle: Handle, result: Out<Handle>, green: Out<Handle>) {
        green.set_if_wanted(0);
        result.set(find(handle)?.context)
    }

    fn cuStreamGetDevice(handle: Handle, result: Out<Ordinal>) {
        find(handle)?;
        result.set(0)
    }

    fn cuStreamGetFlags(handle: Handle, result: Out<u32>) {
        result.set(find(handle)?.flags)
    }

    fn cuStreamGetPriority(handle: Handle, result: Out<i32>) {
        result.set(find(handle)?.priority)
    }

    fn cuStreamGetId(handle: Handle, result: Out<u64>) {
        result.set(find(handle)?.id)
    }

    fn cuStreamAttachMemAsync(handle: Handle, address: u64, _length: usize, _flags: u32) {
        find(handle)?;
        super::device::device()?.heap.find(address).map(|_| ())
    }

    fn cuStreamCopyAttributes(to: Handle, from: Handle) {
        find(to)?;
        find(from).map(|_| ())
    }

    fn cuStreamSetAttribute(handle: Handle, _attribute: u32, value: In<u8>) {
        find(handle)?;
        if value.is_null() { Err(Error::INVALID_VALUE) } else { Ok(()) }
    }

    fn cuLaunchHostFunc(handle: Handle, function: Option<extern "C" fn(usize)>, argument: usize) {
        let stream = find(handle)?;
        submit(&stream, Work::Host(HostCall { function, argument }.check()?))
    }

    fn cuStreamAddCallback(handle: Handle, callback: Callback, argument: usize, flags: u32) {
        let stream = find(handle)?;
        let callback = callback.ok_or(Error::INVALID_VALUE)?;
        if flags != 0 {
            return Err(Error::INVALID_VALUE);
        }
        capture::refuse_query(&stream)?;
        let _order = lock(&stream.order);
        host::inside(|| callback(handle, 0, argument));
        Ok(())
    }

    fn cuCtxRecordEvent(context: Handle, event: Handle) {
        event::record(&by_handle(context)?.legacy, &*EVENTS.get(event)?)
    }

    fn cuCtxWaitEvent(context: Handle, event: Handle) {
        event::wait(&by_handle(context)?.legacy, &*EVENTS.get(event)?)
    }
}
