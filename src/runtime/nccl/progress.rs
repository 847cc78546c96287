//! Which of a rank's calls are not done, and since when.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use cudarc::driver::{CudaEvent, CudaStream, DriverError};

use super::call::Call;
use crate::runtime::turn::lock;

/// Calls that are looked after at a time: streams go on in order, so of more the last tell as well.
const PENDING: usize = 128;

/// A call that is not done, as far as is known.
#[derive(Clone, Copy, Debug)]
pub(super) struct UnderWay {
    pub(super) call: Call,
    /// Calls that all ranks make, this one included.
    pub(super) calls: u64,
    since: Instant,
}

impl UnderWay {
    fn new(call: Call, calls: u64) -> Self {
        let since = Instant::now();
        Self { call, calls, since }
    }

    fn is_late(&self, limit: Duration) -> bool {
        self.since.elapsed() > limit
    }
}

/// What a stream comes to behind a call.
trait Mark {
    /// Whether it has not come there yet.
    fn is_ahead(&self) -> bool;
}

impl Mark for CudaEvent {
    fn is_ahead(&self) -> bool {
        self.try_is_complete() == Ok(false)
    }
}

/// Calls that are in streams, in their order.
struct Pending<M>(VecDeque<(UnderWay, M)>);

impl<M: Mark> Pending<M> {
    fn push(&mut self, call: UnderWay, done: M) {
        if self.0.len() == PENDING {
            self.0.pop_front();
        }
        self.0.push_back((call, done));
    }

    /// The oldest that has taken longer. No mark is asked before: a driver that runs work when it is asked for would wait in
    /// here.
    fn late(&mut self, limit: Duration) -> Option<UnderWay> {
        while let Some((call, done)) = self.0.front().filter(|(call, _)| call.is_late(limit)) {
            if done.is_ahead() {
                return Some(*call);
            }
            self.0.pop_front();
        }
        None
    }
}

pub(super) struct Progress {
    /// The call that the host is in.
    on_host: Mutex<Option<UnderWay>>,
    pending: Mutex<Pending<CudaEvent>>,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self {
            on_host: Mutex::new(None),
            pending: Mutex::new(Pending(VecDeque::new())),
        }
    }

    /// Notes that the host is in a call, until [`Progress::out`].
    pub(super) fn within(&self, call: Call, calls: u64) {
        *lock(&self.on_host) = Some(UnderWay::new(call, calls));
    }

    pub(super) fn out(&self) {
        *lock(&self.on_host) = None;
    }

    /// Notes a call that is in the stream, to see when it ends.
    pub(super) fn queued(
        &self,
        call: Call,
        calls: u64,
        stream: &CudaStream,
    ) -> Result<(), DriverError> {
        let done = stream.record_event(None)?;
        lock(&self.pending).push(UnderWay::new(call, calls), done);
        Ok(())
    }

    /// The oldest call that has taken longer.
    pub(super) fn late(&self, limit: Duration) -> Option<UnderWay> {
        let on_host = lock(&self.on_host).filter(|call| call.is_late(limit));
        on_host.or_else(|| lock(&self.pending).late(limit))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use super::*;

    impl Mark for Rc<Cell<bool>> {
        fn is_ahead(&self) -> bool {
            self.get()
        }
    }

    #[test]
    fn the_oldest_that_is_not_done_is_late_and_of_many_the_last_are_kept() {
        let marks: Vec<_> = (0..3 * PENDING).map(|_| Rc::new(Cell::new(true))).collect();
        let mut pending = Pending(VecDeque::new());
        for (calls, mark) in (1..).zip(&marks) {
            pending.push(UnderWay::new(Call::AllGather, calls), mark.clone());
        }
        assert_eq!(pending.0.len(), PENDING);
        assert!(pending.late(Duration::from_secs(60)).is_none());
        std::thread::sleep(Duration::from_millis(1));
        let mut late = || pending.late(Duration::ZERO).map(|call| call.calls);
        assert_eq!(late(), Some(2 * PENDING as u64 + 1));
        // all but the last are done
        let (last, others) = marks.split_last().unwrap();
        others.iter().for_each(|mark| mark.set(false));
        assert_eq!(late(), Some(3 * PENDING as u64));
        last.set(false);
        assert_eq!(late(), None);
        assert!(pending.0.is_empty());
    }
}
