//! A thread that looks after every communicator of the process: the host may wait for a stream that a rank which is gone
//! keeps from ending.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::thread;
use std::time::Duration;

use cudarc::driver::CudaStream;

use super::rank::Rank;
use crate::error::Result;
use crate::runtime::turn::lock;

const EVERY: Duration = Duration::from_millis(50);

struct Watched {
    ranks: Vec<Weak<Rank>>,
    /// Whether there is a thread.
    running: bool,
}

static WATCHED: Mutex<Watched> = Mutex::new(Watched {
    ranks: Vec::new(),
    running: false,
});
/// The length of the list, for those who have nothing to look at where it is 0.
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// Looks after a rank until it is dropped.
pub(super) fn watch(rank: &Arc<Rank>) {
    let mut watched = lock(&WATCHED);
    watched.ranks.push(Arc::downgrade(rank));
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
    let found = ranks.find(|rank| *rank.stream == *stream && rank.look(op).is_err());
    found.map_or(Ok(()), |rank| rank.check(op))
}
