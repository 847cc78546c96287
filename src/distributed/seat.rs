//! What a rank hears of the others, and they of it: by the board that ranks of one process have, by lifelines from others.

use std::sync::Arc;

use super::board::Board;
use super::lifeline::Lifeline;
use crate::runtime::nccl::Peers;

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
        let failure = self.board.failure();
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
