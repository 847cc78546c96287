//! What is known of every rank: how far it is, whether it has left, and the first failure of any.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::lifeline::Lifeline;
use crate::runtime::nccl::Peers;

/// How far a rank is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// Calls that all ranks make, begun on this one.
    pub(super) calls: u64,
    /// The last of them.
    pub(super) op: String,
    /// Whether it has ended without a failure.
    pub(super) left: bool,
}

impl Place {
    fn told(&self, rank: usize) -> String {
        let Self { calls, op, left } = self;
        let left = if *left { "has left" } else { "is" };
        match calls {
            0 => format!("rank {rank} {left} before its first call"),
            _ => format!("rank {rank} {left} at call {calls} ({op})"),
        }
    }
}

/// All ranks of a communicator, as far as this process knows.
pub(super) struct Board {
    places: Mutex<Vec<Place>>,
    failure: OnceLock<String>,
}

impl Board {
    pub(super) fn new(ranks: usize) -> Arc<Self> {
        Arc::new(Self {
            places: Mutex::new(vec![Place::default(); ranks]),
            failure: OnceLock::new(),
        })
    }

    pub(super) fn places(&self) -> MutexGuard<'_, Vec<Place>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is known of a rank; of one that there is not, nothing.
    pub(super) fn update(&self, rank: usize, change: impl FnOnce(&mut Place)) {
        if let Some(place) = self.places().get_mut(rank) {
            change(place);
        }
    }

    /// Keeps the first failure; whether this is it.
    pub(super) fn fail(&self, why: String) -> bool {
        self.failure.set(why).is_ok()
    }

    /// The ranks that are not as far as this, in words.
    fn behind(&self, calls: u64, only: impl Fn(&Place) -> bool) -> Option<String> {
        let places = self.places();
        let behind = places.iter().enumerate();
        let behind = behind.filter(|(_, place)| place.calls < calls && only(place));
        let told: Vec<_> = behind.map(|(rank, place)| place.told(rank)).collect();
        (!told.is_empty()).then(|| told.join(", "))
    }
}

/// A rank's own view of the board.
pub(super) struct Seat {
    pub(super) board: Arc<Board>,
    pub(super) rank: usize,
    /// To ranks in other processes.
    pub(super) lifeline: Option<Arc<Lifeline>>,
}

impl Peers for Seat {
    fn begun(&self, calls: u64, op: &'static str) {
        self.board.update(self.rank, |place| {
            place.calls = calls;
            place.op = op.into();
        });
    }

    fn failure(&self, calls: u64) -> Option<String> {
        let failure = self.board.failure.get().cloned();
        failure.or_else(|| self.board.behind(calls, |place| place.left))
    }

    fn missing(&self, calls: u64) -> Option<String> {
        self.board.behind(calls, |_| true)
    }

    fn failed(&self, why: &str) {
        let told = format!("rank {} failed: {why}", self.rank);
        if self.board.fail(told.clone())
            && let Some(lifeline) = &self.lifeline
        {
            lifeline.failed(&told);
        }
    }

    fn left(&self, _calls: u64) {
        self.board.update(self.rank, |place| place.left = true);
        if let Some(lifeline) = &self.lifeline {
            lifeline.left();
        }
    }
}
