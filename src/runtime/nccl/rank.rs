//! One rank's part of a communicator.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, TryLockError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use cudarc::driver::CudaStream;

use super::comm::Comm;
use super::library::{self, Code, IN_PROGRESS, SUCCESS, UniqueId};
use super::progress::{Progress, UnderWay};
use super::watch::{Watched, watch};
use crate::error::{Error, Result};
use crate::runtime::turn::lock;

/// How often a state is asked for that will change soon.
const SOON: Duration = Duration::from_micros(100);
/// How long a failure that NCCL has noticed waits for whoever knows which rank it is.
const WHO: Duration = Duration::from_millis(500);
/// How long the end of a communicator waits for what it has queued.
const END: Duration = Duration::from_secs(5);

/// What a rank knows of the others by other ways than NCCL, which does not say who is missing.
pub(crate) trait Peers: Send + Sync {
    /// This rank has begun so many calls that all ranks make, `op` the last; of none, that it has come.
    fn begun(&self, calls: u64, op: &'static str);
    /// Why its calls will not end, if that is known: a rank that is gone, or failed.
    fn failure(&self, calls: u64) -> Option<String>;
    /// Who has not come to a call that this rank has waited for too long.
    fn missing(&self, calls: u64) -> Option<String>;
    /// This rank has failed, which the others are to hear.
    fn failed(&self, why: &str);
    /// This rank has ended without a failure.
    fn left(&self, calls: u64);
}

/// One rank's part of a communicator, and the device's stream that its calls go to.
pub(crate) struct Rank {
    comm: Mutex<Option<Comm>>,
    pub(crate) stream: Arc<CudaStream>,
    pub(crate) rank: usize,
    pub(crate) ranks: usize,
    pub(crate) timeout: Duration,
    pub(super) peers: Box<dyn Peers>,
    failure: OnceLock<String>,
    pub(super) progress: Progress,
    pub(super) calls: AtomicU64,
}

impl Rank {
    /// The parts of these ranks in a communicator of `ranks`: all that this process has. It waits for the others.
    pub(crate) fn begin(
        id: UniqueId,
        ranks: usize,
        own: Vec<(usize, Arc<CudaStream>, Box<dyn Peers>)>,
        timeout: Duration,
    ) -> Result<Vec<Arc<Self>>> {
        const OP: &str = "Communicator";
        let mut begun = Vec::with_capacity(own.len());
        let mut first = Ok(());
        library::group_start()?;
        for (rank, stream, peers) in own {
            peers.begun(0, OP);
            let bound = stream.context().bind_to_thread();
            let made = bound
                .map_err(|e| Error::driver(OP, e))
                .and_then(|()| Comm::begin(id, ranks, rank));
            match made {
                Ok((comm, code)) => begun.push((rank, stream, peers, comm, code)),
                Err(error) => first = first.and(Err(error)),
            }
        }
        let ended = library::group_end()?;
        let mut all = Vec::with_capacity(begun.len());
        for (rank, stream, peers, comm, code) in begun {
            let made = Arc::new(Self {
                comm: Mutex::new(Some(comm)),
                stream,
                rank,
                ranks,
                timeout,
                peers,
                failure: OnceLock::new(),
                progress: Progress::new(),
                calls: AtomicU64::new(0),
            });
            // in a group nothing is known of one before the end
            let code = if code == SUCCESS { ended } else { code };
            let settled = made.settle(OP, code);
            first = first.and(settled);
            all.push(made);
        }
        first?;
        for rank in &all {
            let weak: Weak<dyn Watched> = Arc::<Self>::downgrade(rank);
            watch(weak);
        }
        Ok(all)
    }

    /// The first failure, as what `op` answers.
    pub(crate) fn check(&self, op: &'static str) -> Result<()> {
        self.failure
            .get()
            .map_or(Ok(()), |why| Err(self.error(op, why)))
    }

    /// Looks for a failure that has come since, and answers the first.
    pub(crate) fn look(&self, op: &'static str) -> Result<()> {
        let code = match self.comm.try_lock() {
            Ok(comm) => comm.as_ref().map_or(SUCCESS, Comm::async_error),
            Err(TryLockError::Poisoned(_) | TryLockError::WouldBlock) => SUCCESS,
        };
        if ![SUCCESS, IN_PROGRESS].contains(&code) {
            self.fail(self.why(code));
        } else if let Some(why) = self.peers.failure(self.calls()) {
            self.fail(why);
        }
        self.check(op)
    }

    pub(super) fn error(&self, op: &'static str, why: &str) -> Error {
        Error::distributed(op, [self.rank, self.ranks], why)
    }

    /// Calls that all ranks make, begun on this one.
    pub(super) fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    pub(super) fn comm(&self) -> MutexGuard<'_, Option<Comm>> {
        lock(&self.comm)
    }

    fn said(&self, code: Code) -> String {
        let comm = self.comm();
        let said = comm.as_ref().map(|comm| comm.said(code));
        said.unwrap_or_else(|| format!("NCCL answered {code}"))
    }

    /// What has failed: NCCL says that a rank is gone and not which, and may be sooner than who knows it.
    fn why(&self, code: Code) -> String {
        let (said, since) = (self.said(code), Instant::now());
        while since.elapsed() < WHO && self.failure.get().is_none() {
            if let Some(who) = self.peers.failure(self.calls()) {
                return who;
            }
            thread::sleep(SOON);
        }
        said
    }

    /// The first failure stays; the others hear of it.
    fn fail(&self, why: String) {
        if self.failure.set(why).is_ok() {
            self.peers.failed(&self.failure.wait()[..]);
        }
    }

    /// The oldest call that has not ended in time, in words.
    fn late(&self) -> Option<String> {
        let UnderWay { call, calls, .. } = self.progress.late(self.timeout)?;
        let in_time = self.in_time(calls);
        Some(format!("{call} (call {calls}) has not ended {in_time}"))
    }

    /// The limit, and who is behind, in words.
    fn in_time(&self, calls: u64) -> String {
        let who = self.peers.missing(calls);
        let who = who.map_or(String::new(), |who| format!(": {who}"));
        format!("within {} s{who}", self.timeout.as_secs_f64())
    }

    /// A code that is an error, as one; a call that is refused is no failure of the communicator.
    pub(super) fn refused(&self, op: &'static str, code: Code) -> Result<()> {
        if [SUCCESS, IN_PROGRESS].contains(&code) {
            return Ok(());
        }
        if library::is_refusal(code) {
            return Err(self.error(op, &self.said(code)));
        }
        self.fail(self.why(code));
        self.check(op)
    }

    /// Waits until a call is queued.
    pub(super) fn settle(&self, op: &'static str, code: Code) -> Result<()> {
        self.refused(op, code)?;
        let since = Instant::now();
        loop {
            let state = self.comm().as_ref().map_or(SUCCESS, Comm::async_error);
            self.refused(op, state)?;
            self.check(op)?;
            if state != IN_PROGRESS {
                return Ok(());
            }
            if let Some(why) = self.peers.failure(self.calls()) {
                self.fail(why);
            } else if since.elapsed() > self.timeout {
                let in_time = self.in_time(self.calls());
                self.fail(format!("{op} has not begun {in_time}"));
            }
            thread::sleep(SOON);
        }
    }
}

impl Watched for Rank {
    /// A failure, or a call that does not end, ends all of them.
    fn look_after(&self) {
        if self.look("watch").is_ok()
            && let Some(late) = self.late()
        {
            self.fail(late);
        }
        if self.failure.get().is_some() {
            // whoever is in a call has the lock; the next look finds it free
            let comm = self.comm.try_lock().ok().and_then(|mut comm| comm.take());
            comm.into_iter().for_each(Comm::abort);
        }
    }

    fn failure_on(&self, stream: &CudaStream, op: &'static str) -> Result<()> {
        match *self.stream == *stream {
            true => self.look(op),
            false => Ok(()),
        }
    }
}

impl Drop for Rank {
    fn drop(&mut self) {
        // dropped while a program ends by a panic it has not done what the others wait for
        if thread::panicking() {
            self.fail("it ended in a panic".into());
        }
        let Some(comm) = self.comm().take() else {
            return;
        };
        if self.failure.get().is_some() || self.stream.context().bind_to_thread().is_err() {
            return comm.abort();
        }
        self.peers.left(self.calls());
        let since = Instant::now();
        let mut code = comm.finalize();
        while code == IN_PROGRESS && since.elapsed() < END {
            thread::sleep(SOON);
            code = comm.async_error();
        }
        match code {
            SUCCESS => comm.destroy(),
            _ => comm.abort(),
        }
    }
}
