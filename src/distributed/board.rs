//! What is known of every rank: how far it is, whether it has left, and the first failure of any.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// How far a rank is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// Calls that all ranks make, begun on this one.
    pub(super) calls: u64,
    /// The last of them; nothing where it has not come to the communicator yet.
    pub(super) op: String,
    /// Whether it has ended without a failure.
    pub(super) left: bool,
}

impl Place {
    fn told(&self, rank: usize) -> String {
        let Self { calls, op, left } = self;
        let left = if *left { "has left" } else { "is" };
        match calls {
            0 if op.is_empty() => format!("rank {rank} has not come to it"),
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

    /// The first failure.
    pub(super) fn failure(&self) -> Option<String> {
        self.failure.get().cloned()
    }

    /// The ranks that are not as far as this, in words.
    pub(super) fn behind(&self, calls: u64, only: impl Fn(&Place) -> bool) -> Option<String> {
        let places = self.places();
        let behind = places.iter().enumerate();
        let behind = behind.filter(|(_, place)| {
            let is_behind = place.calls < calls || place.op.is_empty();
            is_behind && only(place)
        });
        let told: Vec<_> = behind.map(|(rank, place)| place.told(rank)).collect();
        (!told.is_empty()).then(|| told.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_behind_is_told_in_words() {
        let board = Board::new(3);
        for (rank, calls) in [(0, 2), (1, 1), (3, 9)] {
            board.update(rank, |place| {
                place.calls = calls;
                place.op = "all_reduce".into();
            });
        }
        board.update(2, |place| {
            place.op = "Communicator".into();
            place.left = true;
        });
        let all = |_: &Place| true;
        assert_eq!(
            board.behind(2, all).as_deref(),
            Some("rank 1 is at call 1 (all_reduce), rank 2 has left before its first call")
        );
        assert_eq!(
            board.behind(2, |place| place.left).as_deref(),
            Some("rank 2 has left before its first call")
        );
        assert_eq!(board.behind(0, all), None);
        assert_eq!(
            Board::new(1).behind(0, all).as_deref(),
            Some("rank 0 has not come to it")
        );
    }

    #[test]
    fn the_first_failure_stays() {
        let board = Board::new(1);
        assert_eq!(board.failure(), None);
        assert!(board.fail("one".into()) && !board.fail("another".into()));
        assert_eq!(board.failure().as_deref(), Some("one"));
    }
}
