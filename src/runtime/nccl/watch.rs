//! A thread that looks after every communicator of the process: the host may wait for a stream that a rank which is gone
//! keeps from ending.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, Weak};
use std::thread;
use std::time::Duration;

use cudarc::driver::CudaStream;

use crate::error::Result;
use crate::runtime::turn::lock;

const EVERY: Duration = Duration::from_millis(50);

/// A rank, as whoever looks after it sees it.
pub(super) trait Watched: Send + Sync {
    /// Ends what has failed, or takes too long.
    fn look_after(&self);
    /// The rank's failure, where it has this stream.
    fn failure_on(&self, stream: &CudaStream, op: &'static str) -> Result<()>;
}

struct All {
    ranks: Vec<Weak<dyn Watched>>,
    /// Whether there is a thread.
    running: bool,
}

static WATCHED: Mutex<All> = Mutex::new(All {
    ranks: Vec::new(),
    running: false,
});
/// The length of the list, for those who have nothing to look at where it is 0.
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// Looks after a rank until it is dropped.
pub(super) fn watch(rank: Weak<dyn Watched>) {
    let mut watched = lock(&WATCHED);
    watched.ranks.push(rank);
    COUNT.store(watched.ranks.len(), Ordering::Relaxed);
    if !watched.running {
        let thread = thread::Builder::new().name("warpsmith ranks".into());
        // without a thread failures are found by who makes calls and waits
        watched.running = thread.spawn(look_after_all).is_ok();
    }
}

fn look_after_all() {
    loop {
        thread::sleep(EVERY);
        let ranks = {
            let mut watched = lock(&WATCHED);
            watched.ranks.retain(|rank| rank.strong_count() > 0);
            COUNT.store(watched.ranks.len(), Ordering::Relaxed);
            watched.running = !watched.ranks.is_empty();
            if !watched.running {
                return;
            }
            watched.ranks.clone()
        };
        for rank in ranks.iter().filter_map(Weak::upgrade) {
            rank.look_after();
        }
    }
}

/// A failure of what ranks do together on this stream, for whoever has waited for it: what it computed is then no result.
pub(crate) fn check(stream: &CudaStream, op: &'static str) -> Result<()> {
    if COUNT.load(Ordering::Relaxed) == 0 {
        return Ok(());
    }
    let ranks = lock(&WATCHED).ranks.clone();
    let mut ranks = ranks.iter().filter_map(Weak::upgrade);
    ranks.try_for_each(|rank| rank.failure_on(stream, op))
}
