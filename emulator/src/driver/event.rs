//! Events. Work has run by the time an event is recorded, so an event is a moment of the host's clock, or a place in
//! a capture.

use super::context::by_handle;
use super::error::{Error, Outcome};
use super::handles::{Handle, Table, lock};
use super::machine::machine;
use super::stream::Place;
use std::sync::{Arc, Mutex};
use std::time::Instant;

pub struct Event {
    pub handle: Handle,
    pub context: Handle,
    pub timed: bool,
    pub state: Mutex<State>,
}

pub enum State {
    /// Counts as complete: waiting for it waits for nothing.
    NeverRecorded,
    At(Instant),
    Captured(Place),
}

pub static EVENTS: Table<Event> = Table::new();

impl Event {
    /// Sets the event's time, as a graph's node does.
    pub fn mark(&self) {
        *lock(&self.state) = State::At(Instant::now());
    }

    pub fn completed(&self) -> Outcome {
        match &*lock(&self.state) {
            State::Captured(_) => Err(Error::CAPTURED_EVENT),
            _ => Ok(()),
        }
    }

    pub fn time(&self) -> Outcome<Instant> {
        if !self.timed {
            return Err(Error::INVALID_HANDLE);
        }
        match &*lock(&self.state) {
            State::NeverRecorded => Err(Error::INVALID_HANDLE),
            State::At(time) => Ok(*time),
            State::Captured(_) => Err(Error::CAPTURED_EVENT),
        }
    }
}

/// An event whose context is free of errors.
pub fn find(handle: Handle) -> Outcome<Arc<Event>> {
    machine()?;
    let event = EVENTS.get(handle)?;
    by_handle(event.context)?.check()?;
    Ok(event)
}
