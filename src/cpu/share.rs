//! Splits work over rayon's threads. Where results depend on the cuts, they follow from shapes alone (`parts`).

use std::ops::RangeInclusive;
use std::sync::{Mutex, PoisonError};

use super::TASK;

/// Runs several ops inside rayon's pool. Called from outside, each of them would have one thread more than there are cores
/// at work, and one woken where another runs.
pub(crate) fn in_pool<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    rayon::scope(|_| work())
}

/// Splits `y` over the threads: `work` gets the place of its part and the part. A short slice stays on this thread.
pub(crate) fn tasks<T: Send>(y: &mut [T], work: impl Fn(usize, &mut [T]) + Sync) {
    // long runs of memory for each thread, and enough of them for the threads to end together
    let task = TASK.max(y.len().div_ceil(8 * rayon::current_num_threads()));
    share_out(y, task, work);
}

/// The length of about equal parts of `len`, `others` times as many in all: none longer than `range` ends, and where there
/// are few, as many more as threads often share out evenly, unless they were then shorter than it starts.
///
/// For work whose result may depend on where it is cut, in the last bits. So this must not ask how many threads there are.
pub(crate) fn parts(len: usize, range: RangeInclusive<usize>, others: usize) -> usize {
    const MANY: usize = 64;
    let fewest = len.div_ceil((*range.end()).max(1)).max(1);
    let shared = |threads: usize| {
        let parts = (fewest..).find(|parts| (others * parts).is_multiple_of(threads))?;
        (len.div_ceil(parts) >= *range.start()).then_some(parts)
    };
    let more = match others.saturating_mul(fewest) {
        ..MANY => [16, 8, 4, 2].into_iter().find_map(shared),
        _ => None,
    };
    len.div_ceil(more.unwrap_or(fewest)).max(1)
}

/// Calls `work` with the place of each run of `task` elements and the run.
pub(crate) fn share_out<T: Send>(y: &mut [T], task: usize, work: impl Fn(usize, &mut [T]) + Sync) {
    let runs = y.chunks_mut(task).enumerate();
    share(runs, |(i, y)| work(i * task, y));
}

/// Calls `work` with each of the runs. The calling thread takes its share, so that from outside rayon's pool no thread
/// sleeps while another is woken to do its work.
pub(crate) fn share<R>(runs: impl ExactSizeIterator<Item = R> + Send, work: impl Fn(R) + Sync) {
    share_with(runs, || (), |(), run| work(run));
}

/// [`share`], with a value that each thread makes once and uses in all that it does.
pub(crate) fn share_with<R, S>(
    runs: impl ExactSizeIterator<Item = R> + Send,
    init: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, R) + Sync,
) {
    if runs.len() < 2 {
        let mut state = init();
        return runs.for_each(|run| work(&mut state, run));
    }
    let threads = rayon::current_num_threads().min(runs.len());
    let runs = Mutex::new(runs);
    let take = || runs.lock().unwrap_or_else(PoisonError::into_inner).next();
    at_once(threads, &|| {
        let mut state = init();
        while let Some(run) = take() {
            work(&mut state, run);
        }
    });
}

/// What `work` makes of each of the runs, in their order.
pub(crate) fn collect<R, U: Send>(
    runs: impl ExactSizeIterator<Item = R> + Send,
    work: impl Fn(R) -> U + Sync,
) -> Vec<U> {
    let mut made: Vec<Option<U>> = Vec::new();
    made.resize_with(runs.len(), || None);
    share(runs.zip(made.iter_mut()), |(run, made)| {
        *made = Some(work(run));
    });
    made.into_iter().flatten().collect()
}

/// Calls `work` on so many threads. It is compiled once, for all that is shared out: with rayon's own iterators in their place
/// each loop of each op for each type brings the whole machinery along, a quarter of this crate's code.
fn at_once(threads: usize, work: &(dyn Fn() + Sync)) {
    rayon::in_place_scope(|scope| {
        for _ in 1..threads {
            scope.spawn(|_| work());
        }
        work();
    });
}
