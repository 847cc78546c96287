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
    /// Where a thread is at what was before: the events that it will have recorded.
    running: Option<Vec<Arc<Event>>>,
}

/// Of streams that have any, or whose last a thread is at, in the order of their first.
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
        settle_where(|Pending { stream: other, .. }| {
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
            running: None,
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
    settle_where(|Pending { stream: other, .. }| {
        let before = is_legacy && other.context == stream.context && other.is_blocking();
        other.id == stream.id || before
    });
}

/// Runs what waits in a context's streams.
pub fn settle_context(context: Handle) {
    if on() {
        settle_where(|pending| pending.stream.context == context);
    }
}

/// Runs all that waits. What another thread is at may be waiting for this one, so nobody waits for that.
pub fn settle_all() {
    if on() {
        settle_where(|pending| pending.running.is_none());
    }
}

/// Whether another thread is at what comes before the event, so that whoever asks and does not wait hears that it is not done.
pub fn is_running(event: &Arc<Event>) -> bool {
    on() && lock(&PENDING).iter().any(|pending| {
        let mut running = pending.running.iter().flatten();
        running.any(|e| Arc::ptr_eq(e, event))
    })
}

/// Whether another thread is at the stream's work.
pub fn is_at(stream: &Stream) -> bool {
    let is_it = |p: &Pending| p.stream.id == stream.id && p.running.is_some();
    on() && lock(&PENDING).iter().any(is_it)
}

/// Runs what waits in the streams that are to record the event, or waits for who is at it.
pub fn settle_event(event: &Arc<Event>) {
    if !on() {
        return;
    }
    let is_it = |e: &Arc<Event>| Arc::ptr_eq(e, event);
    settle_where(|pending| {
        let running = pending.running.iter().flatten();
        recorded(&pending.work).chain(running).any(is_it)
    });
}

fn recorded(work: &[Work]) -> impl Iterator<Item = &Arc<Event>> {
    work.iter().filter_map(|work| match work {
        Work::Record(event) => Some(event),
        _ => None,
    })
}

fn settle_where(which: impl Fn(&Pending) -> bool) {
    let streams: Vec<Arc<Stream>> = lock(&PENDING)
        .iter()
        .filter(|p| which(p))
        .map(|p| p.stream.clone())
        .collect();
    for stream in streams {
        run(&stream);
    }
}

/// Runs what waits in a stream, behind what a thread is at.
fn run(stream: &Stream) {
    let _order = lock(&stream.order);
    let own = |p: &Pending| p.stream.id == stream.id;
    let list = {
        let mut pending = lock(&PENDING);
        let Some(found) = pending.iter_mut().find(|p| own(p)) else {
            return;
        };
        let list = std::mem::take(&mut found.work);
        found.running = Some(recorded(&list).cloned().collect());
        list
    };
    if let Ok(context) = CONTEXTS.get(stream.context) {
        run_all(&list, &context, "that waited in a stream");
    }
    let mut pending = lock(&PENDING);
    if let Some(at) = pending.iter().position(own) {
        pending[at].running = None;
        if pending[at].work.is_empty() {
            pending.remove(at);
        }
    }
}

extern "C" fn at_exit() {
    let left: usize = lock(&PENDING).iter().map(|p| p.work.len()).sum();
    if left > 0 {
        say(format_args!(
            "{left} pieces of work never ran: nobody waited for their streams"
        ));
    }
}
