//! What the CPU sides of the ops share: parallel loops, and arithmetic compiled for the CPU at hand.
//!
//! Every op computes in `f32` (reductions in `f64`); `f16` and `bf16` are widened and narrowed block by block.
//! `elementwise` holds loops over elements, `rows` loops over rows, `stream` stores past the caches and loads ahead; here stands what
//! splits work over the threads.

mod elementwise;
mod rows;
mod stream;

pub(crate) use elementwise::{Part, map, map_in_place, step, zip, zip_in_place};
pub(crate) use rows::{map_rows, reduce_rows, rows, sum_f64};
pub(crate) use stream::prefetch;

use std::ops::RangeInclusive;
use std::sync::{Mutex, PoisonError};

/// Elements of one parallel task: large enough to outweigh its start, small enough to share out evenly.
pub(crate) const TASK: usize = 32 * 1024;

/// Runs an expression in a copy compiled for the widest vectors that this CPU has (AVX-512, AVX2 or the baseline).
///
/// A macro, because only code that is inlined into such a copy is compiled that way, and a function cannot ask that of
/// the closure it is given. Closures in the expression, and functions that it calls, need `#[inline(always)]` likewise
/// unless they are a few lines.
macro_rules! vectorized {
    ($work:expr) => {
        $crate::cpu::dispatch(
            #[inline(always)]
            || $work,
        )
    };
}
pub(crate) use vectorized;

/// What [`vectorized`] expands to. The bound makes every closure a plain `FnOnce`; one that could run more often would
/// be called through a shim, which is not inlined, and the copy for wide vectors would be of the shim alone.
#[inline(always)]
pub(crate) fn dispatch<R>(work: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(work)
}

/// Runs several ops inside rayon's pool. Called from outside, each of them would have one thread more than there are cores
/// at work, and one woken where another runs.
pub(crate) fn in_pool<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    rayon::scope(|_| work())
}

/// Copies; both slices have one length.
pub(crate) fn copy<T: Copy + Send + Sync>(x: &[T], y: &mut [T]) {
    tasks(y, |at, y| y.copy_from_slice(&x[at..at + y.len()]));
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

/// Calls `work` with the place of each run of `task` elements and the run. The calling thread takes its share, so that
/// from outside rayon's pool no thread sleeps while another is woken to do its work.
pub(crate) fn share_out<T: Send>(y: &mut [T], task: usize, work: impl Fn(usize, &mut [T]) + Sync) {
    if y.len() <= task {
        return work(0, y);
    }
    let threads = rayon::current_num_threads().min(y.len().div_ceil(task));
    let runs = Mutex::new(y.chunks_mut(task).enumerate());
    let take = || runs.lock().unwrap_or_else(PoisonError::into_inner).next();
    let take_all = || {
        while let Some((i, y)) = take() {
            work(i * task, y);
        }
    };
    rayon::in_place_scope(|scope| {
        for _ in 1..threads {
            scope.spawn(|_| take_all());
        }
        take_all();
    });
}
