//! `CUDA_EMULATOR_STREAMS=deferred`: what is put into a stream waits until somebody waits for it, the latest that
//! hardware may begin. A copy then reads the host's memory long after the call, and writes it late.

use super::context::{CONTEXTS, Context};
use super::entry::say;
use super::error::Outcome;
use super::event::Event;
use super::handles::{Handle, lock};
use super::machine::machine;
use super::stream::Stream;
use super::work::{Work, run_all};
use std::sync::{Arc, Mutex, Once};

struct Pending {
    stream: Arc<Stream>,
    work: Vec<Work>,
}

/// Of streams that have any, in the order of their first.
static PENDING: Mutex<Vec<Pending>> = Mutex::new(Vec::new());

/// Whether streams defer.
pub fn on() -> bool {
    machine().is_ok_and(|device| device.deferred)
}

/// Puts work at the end of a stream. The default stream waits for the blocking ones of its context, and they for it.
pub fn put(stream: &Arc<Stream>, work: Work, context: &Context) -> Outcome {
    static TOLD_AT_EXIT: Once = Once::new();
    context.check()?;
    let is_legacy = Arc::ptr_eq(stream, &context.legacy);
    if is_legacy || stream.is_blocking() {
        settle_where(|other| {
            let blocks = other.context == context.handle && other.is_blocking();
            blocks && is_legacy != (other.id == context.legacy.id)
        });
    }
    // SAFETY: the function takes and gives nothing, and this library is never unloaded before the process ends.
    TOLD_AT_EXIT.call_once(|| unsafe {
        libc::atexit(at_exit);
    });
    let mut pending = lock(&PENDING);
    match pending.iter_mut().find(|p| p.stream.id == stream.id) {
        Some(found) => found.work.push(work),
        None => pending.push(Pending {
            stream: stream.clone(),
            work: vec![work],
        }),
    }
    Ok(())
}

/// Runs what waits in the stream, and in those that it waits for.
pub fn settle(stream: &Stream) {
    if !on() {
        return;
    }
    let legacy = CONTEXTS.get(stream.context).map(|c| c.legacy.id);
    let is_legacy = legacy == Ok(stream.id);
    settle_where(|other| {
        let before = is_legacy && other.context == stream.context && other.is_blocking();
        other.id == stream.id || before
    });
}

/// Runs what waits in a context's streams.
pub fn settle_context(context: Handle) {
    if on() {
        settle_where(|stream| stream.context == context);
    }
}

/// Runs all that waits.
pub fn settle_all() {
    if on() {
        settle_where(|_| true);
    }
}

/// Runs what waits in the streams that are to record the event.
pub fn settle_event(event: &Arc<Event>) {
    if !on() {
        return;
    }
    let records = |work: &Work| matches!(work, Work::Record(e) if Arc::ptr_eq(e, event));
    let pending = lock(&PENDING);
    let streams = pending.iter().filter(|p| p.work.iter().any(records));
    let ids: Vec<u64> = streams.map(|p| p.stream.id).collect();
    drop(pending);
    settle_where(|stream| ids.contains(&stream.id));
}

fn settle_where(which: impl Fn(&Stream) -> bool) {
    let streams: Vec<Arc<Stream>> = lock(&PENDING)
        .iter()
        .filter(|p| which(&p.stream))
        .map(|p| p.stream.clone())
        .collect();
    for stream in streams {
        run(&stream);
    }
}

fn run(stream: &Stream) {
    let _order = lock(&stream.order);
    let taken = {
        let mut pending = lock(&PENDING);
        let at = pending.iter().position(|p| p.stream.id == stream.id);
        at.map(|at| pending.remove(at).work)
    };
    let (Some(list), Ok(context)) = (taken, CONTEXTS.get(stream.context)) else {
        return;
    };
    run_all(&list, &context, "that waited in a stream");
}

extern "C" fn at_exit() {
    let left: usize = lock(&PENDING).iter().map(|p| p.work.len()).sum();
    if left > 0 {
        say(format_args!(
            "{left} pieces of work never ran: nobody waited for their streams"
        ));
    }
}
