//! Making, recording and waiting for events.

use super::capture;
use super::context::{by_handle, current, in_context};
use super::deferred;
use super::entry::{Out, api};
use super::error::{Error, Outcome};
use super::event::{EVENTS, Event, State, find};
use super::handles::{Handle, lock};
use super::machine::machine;
use super::queue;
use super::stream::Stream;
use super::work::Work;
use std::sync::{Arc, Mutex};

const DISABLE_TIMING: u32 = 2;
const INTERPROCESS: u32 = 4;

/// Marks the place that the stream's work has reached.
pub fn record(stream: &Arc<Stream>, event: &Arc<Event>) -> Outcome {
    if event.context != stream.context {
        return Err(Error::INVALID_HANDLE);
    }
    if let Some(place) = capture::position(stream)? {
        *lock(&event.state) = State::Captured(place);
        return Ok(());
    }
    event.mark();
    if deferred::on() {
        return queue::submit(stream, Work::Record(event.clone()));
    }
    Ok(())
}

/// Orders the stream's later work behind the event. Outside captures that is so already.
pub fn wait(stream: &Arc<Stream>, event: &Arc<Event>) -> Outcome {
    deferred::settle_event(event);
    match &*lock(&event.state) {
        State::Captured(place) => capture::join(stream, place),
        _ if stream.is_capturing() => {
            capture::invalidate_of(stream);
            Err(Error::STREAM_CAPTURE_ISOLATION)
        }
        _ => Ok(()),
    }
}

fn completed(event: &Arc<Event>) -> Outcome {
    deferred::settle_event(event);
    event.completed()
}

/// Milliseconds by the host's clock: nothing about a GPU's speed follows from them.
fn elapsed(result: Out<f32>, start: Handle, end: Handle) -> Outcome {
    result.check()?;
    let (start, end) = (find(start)?, find(end)?);
    for event in [&start, &end] {
        deferred::settle_event(event);
    }
    let devices = [&start, &end].map(|e| by_handle(e.context).map(|c| c.device.ordinal));
    if devices[0] != devices[1] {
        return Err(Error::INVALID_HANDLE);
    }
    let (start, end) = (start.time()?, end.time()?);
    let milliseconds = match end.checked_duration_since(start) {
        Some(time) => time.as_secs_f32() * 1e3,
        None => -start.duration_since(end).as_secs_f32() * 1e3,
    };
    result.set(milliseconds)
}

in_context! {
    fn cuEventCreate(result: Out<Handle>, flags: u32) {
        let context = current()?;
        result.check()?;
        if flags & !7 != 0 || (flags & INTERPROCESS != 0 && flags & DISABLE_TIMING == 0) {
            return Err(Error::INVALID_VALUE);
        }
        if flags & INTERPROCESS != 0 {
            return Err(Error::NOT_SUPPORTED);
        }
        let event = EVENTS.insert(|handle| Event {
            handle,
            context: context.handle,
            timed: flags & DISABLE_TIMING == 0,
            state: Mutex::new(State::NeverRecorded),
        });
        result.set(event.handle)
    }

    fn cuEventDestroy_v2(handle: Handle) {
        machine()?;
        let event = EVENTS.remove(handle)?;
        by_handle(event.context)?.check()
    }

    fn cuEventRecord(event: Handle, handle: Handle) {
        record(&queue::find(handle)?, &find(event)?)
    }

    fn cuEventRecordWithFlags(event: Handle, handle: Handle, _flags: u32) {
        record(&queue::find(handle)?, &find(event)?)
    }

    fn cuEventSynchronize(handle: Handle) {
        completed(&find(handle)?)
    }

    fn cuEventElapsedTime(result: Out<f32>, start: Handle, end: Handle) {
        elapsed(result, start, end)
    }

    fn cuEventElapsedTime_v2(result: Out<f32>, start: Handle, end: Handle) {
        elapsed(result, start, end)
    }

    fn cuStreamWaitEvent(handle: Handle, event: Handle, _flags: u32) {
        let stream = queue::find(handle)?;
        wait(&stream, &EVENTS.get(event)?)
    }
}

api! {
    fn cuEventQuery(handle: Handle) {
        let event = find(handle)?;
        if deferred::is_running(&event) {
            return Err(Error::NOT_READY);
        }
        completed(&event)
    }

    fn cuCtxRecordEvent(context: Handle, event: Handle) {
        record(&by_handle(context)?.legacy, &EVENTS.get(event)?)
    }

    fn cuCtxWaitEvent(context: Handle, event: Handle) {
        wait(&by_handle(context)?.legacy, &EVENTS.get(event)?)
    }
}
