//! Which of a rank's calls are not done, and since when.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use cudarc::driver::{CudaEvent, CudaStream, DriverError};

use crate::runtime::turn::lock;

/// Calls that are looked after at a time: streams go on in order, so of more the last tell as well.
const PENDING: usize = 128;

/// A call that is not done, as far as is known.
#[derive(Clone, Copy)]
pub(super) struct UnderWay {
    pub(super) op: &'static str,
    /// Calls that all ranks make, this one included.
    pub(super) calls: u64,
    since: Instant,
}

impl UnderWay {
    fn new(op: &'static str, calls: u64) -> Self {
        let since = Instant::now();
        Self { op, calls, since }
    }
}

#[derive(Default)]
pub(super) struct Progress {
    /// The call that the host is in.
    on_host: Mutex<Option<UnderWay>>,
    pending: Mutex<VecDeque<(UnderWay, CudaEvent)>>,
}

impl Progress {
    /// Notes that the host is in a call, until [`Progress::out`].
    pub(super) fn within(&self, op: &'static str, calls: u64) {
        *lock(&self.on_host) = Some(UnderWay::new(op, calls));
    }

    pub(super) fn out(&self) {
        *lock(&self.on_host) = None;
    }

    /// Notes a call that is in the stream, to see when it ends.
    pub(super) fn queued(
        &self,
        op: &'static str,
        calls: u64,
        stream: &CudaStream,
    ) -> Result<(), DriverError> {
        let done = stream.record_event(None)?;
        let mut pending = lock(&self.pending);
        if pending.len() == PENDING {
            pending.pop_front();
        }
        pending.push_back((UnderWay::new(op, calls), done));
        Ok(())
    }

    /// The oldest call that has taken longer.
    pub(super) fn late(&self, limit: Duration) -> Option<UnderWay> {
        let is_late = |call: &UnderWay| call.since.elapsed() > limit;
        if let Some(on_host) = lock(&self.on_host).filter(is_late) {
            return Some(on_host);
        }
        // no event is asked before: a driver that runs work when it is asked for would wait in here
        let mut pending = lock(&self.pending);
        while let Some((call, done)) = pending.front().filter(|(call, _)| is_late(call)) {
            if done.try_is_complete() == Ok(false) {
                return Some(*call);
            }
            pending.pop_front();
        }
        None
    }
}
