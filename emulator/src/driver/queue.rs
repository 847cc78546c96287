//! From a stream's handle to the stream, and work into it.

use super::capture;
use super::context::{CONTEXTS, Context, current};
use super::deferred;
use super::error::{Error, Outcome};
use super::handles::{Handle, lock};
use super::machine::machine;
use super::stream::{STREAMS, Stream};
use super::work::{self, Work};
use std::sync::Arc;

const LEGACY: Handle = 1;
const PER_THREAD: Handle = 2;

/// The context that a stream belongs to.
pub fn context_of(stream: &Stream) -> Outcome<Arc<Context>> {
    CONTEXTS
        .get(stream.context)
        .map_err(|_| Error::CONTEXT_IS_DESTROYED)
}

/// The stream behind a handle, its context being free of errors.
pub fn find(handle: Handle) -> Outcome<Arc<Stream>> {
    let stream = match handle {
        0 | LEGACY => current()?.legacy.clone(),
        PER_THREAD => current()?.per_thread_stream(),
        _ => {
            machine()?;
            STREAMS.get(handle)?
        }
    };
    context_of(&stream)?.check()?;
    Ok(stream)
}

fn is_legacy(stream: &Stream, context: &Context) -> bool {
    std::ptr::eq(stream, &raw const *context.legacy)
}

/// Runs `work` in the stream's order, or records it where the stream is capturing.
pub fn submit(stream: &Arc<Stream>, work: Work) -> Outcome {
    let context = context_of(stream)?;
    if capture::record(stream, || work.clone())? {
        return Ok(());
    }
    if is_legacy(stream, &context) {
        capture::refuse_legacy_stream(&context)?;
    }
    if deferred::on() {
        return deferred::put(stream, work, &context);
    }
    let _order = lock(&stream.order);
    work::run(&work, &context)
}

/// Runs `work` as the synchronous calls do: in the default stream.
pub fn submit_synchronous(work: Work) -> Outcome {
    let context = current()?;
    submit(&context.legacy, work)?;
    deferred::settle(&context.legacy);
    context.check()
}
