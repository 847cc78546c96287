//! One rank's part of a communicator.

use std::any::Any;
use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, TryLockError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use cudarc::driver::CudaStream;

use super::library::{self, Call, Code, Comm, IN_PROGRESS, SUCCESS, UniqueId};
use super::overlap::Overlap;
use super::progress::{Progress, UnderWay};
use super::watch::{Watched, watch};
use crate::element::Element;
use crate::error::{Error, Result};
use crate::runtime::memory::DeviceSlice;
use crate::runtime::turn::{is_captured, lock, turn};

/// How often a state is asked for that will change soon.
const SOON: Duration = Duration::from_micros(100);
/// How long a failure that NCCL has noticed waits for whoever knows which rank it is.
const WHO: Duration = Duration::from_millis(500);
/// How long the end of a communicator waits for what it has queued.
const END: Duration = Duration::from_secs(5);

/// What a rank knows of the others by other ways than NCCL, which does not say who is missing.
pub(crate) trait Peers: Send + Sync {
    /// This rank has begun so many calls that all ranks make, `op` the last.
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
    peers: Box<dyn Peers>,
    failure: OnceLock<String>,
    progress: Progress,
    calls: AtomicU64,
}

/// What the calls between the beginning and the end of a thread's groups need.
#[derive(Default)]
struct Group {
    depth: usize,
    kept: Vec<Box<dyn Any>>,
    calls: Vec<(Arc<Rank>, &'static str, Arc<CudaStream>)>,
}

thread_local! {
    static GROUP: RefCell<Group> = RefCell::default();
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
                progress: Progress::default(),
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

    /// Puts a call into the device's stream, or into the one beside it: `given` is read, `got` written. In a group both
    /// happens at its end.
    pub(crate) fn call<T: Element>(
        self: &Arc<Self>,
        call: Call,
        (given, got): (DeviceSlice<T>, DeviceSlice<T>),
        count: usize,
        beside: Option<&mut Overlap>,
    ) -> Result<()> {
        let op = call.name();
        self.check(op)?;
        // looked at, not held: a driver that runs what is queued at once waits in here for the other ranks
        drop(turn(&self.stream, op)?);
        let context = self.stream.context();
        context.bind_to_thread().map_err(|e| Error::driver(op, e))?;
        if call.is_of_all() {
            let calls = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
            self.peers.begun(calls, op);
        }
        let stream = match &beside {
            Some(overlap) => overlap.stream().clone(),
            None => self.stream.clone(),
        };
        self.progress.within(op, self.calls());
        let comm = self.comm();
        let called = comm
            .as_ref()
            .map(|comm| comm.call(call, (&given, &got), count, &stream));
        drop(comm);
        self.progress.out();
        let code = called.ok_or_else(|| self.error(op, "its communicator has ended"))?;
        let code = code.ok_or_else(|| Error::shape(op, "buffers as long as the call", "less"));
        // what is on the way keeps its memory: until it is queued, or where another stream has it until that is joined
        let mut keep: Vec<Box<dyn Any + Send>> = vec![Box::new(given), Box::new(got)];
        if let Some(overlap) = beside {
            overlap.keep(keep.drain(..));
        }
        let grouped = GROUP.with_borrow_mut(|group| {
            if group.depth > 0 {
                let kept = keep.drain(..).map(|kept| kept as Box<dyn Any>);
                group.kept.extend(kept);
                group.calls.push((self.clone(), op, stream.clone()));
            }
            group.depth > 0
        });
        match grouped {
            true => self.refused(op, code?),
            false => self
                .settle(op, code?)
                .and_then(|()| self.queued(op, &stream)),
        }
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
    fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    fn comm(&self) -> MutexGuard<'_, Option<Comm>> {
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
        let UnderWay { op, calls, .. } = self.progress.late(self.timeout)?;
        let in_time = self.in_time(calls);
        Some(format!("{op} (call {calls}) has not ended {in_time}"))
    }

    /// The limit, and who is behind, in words.
    fn in_time(&self, calls: u64) -> String {
        let who = self.peers.missing(calls);
        let who = who.map_or(String::new(), |who| format!(": {who}"));
        format!("within {} s{who}", self.timeout.as_secs_f64())
    }

    /// A code that is an error, as one; a call that is refused is no failure of the communicator.
    fn refused(&self, op: &'static str, code: Code) -> Result<()> {
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
    fn settle(&self, op: &'static str, code: Code) -> Result<()> {
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

    /// Notes a call that is in the stream, to see when it ends.
    fn queued(&self, op: &'static str, stream: &CudaStream) -> Result<()> {
        // a graph's calls are queued by its replays
        if is_captured(&self.stream) {
            return Ok(());
        }
        let queued = self.progress.queued(op, self.calls(), stream);
        queued.map_err(|e| Error::driver(op, e))
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

/// Ends the thread's group, also where what is in it panics.
struct Running;

impl Running {
    fn end() -> Result<()> {
        let ended = GROUP.with_borrow_mut(|group| {
            group.depth -= 1;
            (group.depth == 0).then(|| std::mem::take(group))
        });
        let Some(group) = ended else {
            // of inner groups NCCL only counts
            return library::group_end().map(drop);
        };
        let mut ranks: Vec<&Arc<Rank>> = group.calls.iter().map(|(rank, ..)| rank).collect();
        ranks.sort_by_key(|rank| Arc::as_ptr(rank));
        ranks.dedup_by_key(|rank| Arc::as_ptr(rank));
        let code = {
            // nobody aborts one of them on the way; in one order, so that two groups do not wait for each other
            let _held: Vec<_> = ranks.iter().map(|rank| rank.comm()).collect();
            for (rank, op, _) in &group.calls {
                rank.progress.within(op, rank.calls());
            }
            let code = library::group_end();
            ranks.iter().for_each(|rank| rank.progress.out());
            code?
        };
        let mut first = Ok(());
        for (rank, op, stream) in &group.calls {
            let settled = rank.settle(op, code);
            first = first.and(settled.and_then(|()| rank.queued(op, stream)));
        }
        first
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // whoever drops it has an error, or a panic, of its own
        drop(Self::end());
    }
}

/// Calls of this thread that go to NCCL as one.
pub(crate) fn group<R>(work: impl FnOnce() -> Result<R>) -> Result<R> {
    library::group_start()?;
    GROUP.with_borrow_mut(|group| group.depth += 1);
    let running = Running;
    let made = work()?;
    std::mem::forget(running);
    Running::end().map(|()| made)
}
