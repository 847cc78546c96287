//! A rank's connection to the hub.

use crate::call::Call;
use crate::hub::Address;
use crate::types::{Code, Failure};
use crate::wire::{Down, Member, Message, Up};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

#[derive(Default)]
struct Inbox {
    is_ready: bool,
    done: BTreeMap<u64, Vec<u8>>,
    failed: BTreeMap<u32, Failure>,
    left: BTreeSet<u32>,
    broken: Option<Failure>,
    last: u64,
}

/// What is done when others wait for this rank's next call on a communicator.
pub type Wanted = Box<dyn Fn(u32) + Send>;

/// The connection, of which all communicators that were split from the first make use.
pub struct Link {
    writer: Mutex<TcpStream>,
    inbox: Mutex<Inbox>,
    news: Condvar,
    /// How long an answer may take: the hub's own limit, and what a machine under load needs.
    patience: Duration,
}

fn broken(what: impl std::fmt::Display) -> Failure {
    let text = format!("the process that made the unique id does not answer: {what}");
    Failure::new(Code::RemoteError, text)
}

impl Link {
    /// Connects, and waits until all ranks have.
    ///
    /// # Errors
    /// What the hub says is wrong, or that there is none.
    pub fn connect(
        address: Address,
        ranks: u32,
        member: Member,
        limit: Duration,
        wanted: Wanted,
    ) -> Result<Arc<Self>, Failure> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, address.port)).map_err(broken)?;
        let _ = stream.set_nodelay(true);
        let mut reader = stream.try_clone().map_err(broken)?;
        let link = Arc::new(Self {
            writer: Mutex::new(stream),
            inbox: Mutex::default(),
            news: Condvar::new(),
            patience: limit.saturating_mul(2) + Duration::from_secs(5),
        });
        let key = address.key;
        link.say(&Up::Hello { key, ranks, member })
            .map_err(broken)?;
        let weak = Arc::downgrade(&link);
        let listen = move || loop {
            let message = Down::receive(&mut reader);
            let Some(link) = weak.upgrade() else { return };
            let mut inbox = link.inbox();
            match message {
                Ok(Down::Ready) => inbox.is_ready = true,
                Ok(Down::Done { ticket, data }) => _ = inbox.done.insert(ticket, data),
                Ok(Down::Failed { comm, failure }) => {
                    _ = inbox.failed.entry(comm).or_insert(failure)
                }
                Ok(Down::Left { comm }) => _ = inbox.left.insert(comm),
                Ok(Down::Wanted { comm }) => {
                    drop(inbox);
                    wanted(comm);
                    continue;
                }
                Err(error) => {
                    inbox.broken.get_or_insert_with(|| broken(error));
                    link.news.notify_all();
                    return;
                }
            }
            link.news.notify_all();
        };
        let name = thread::Builder::new().name("nccl rank".into());
        name.spawn(listen).map_err(broken)?;
        link.until(0, |inbox| inbox.is_ready.then_some(()))?;
        Ok(link)
    }

    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn say(&self, message: &Up) -> std::io::Result<()> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        message.send(&mut *writer)
    }

    /// Waits for what `look` finds; what has come is given also where the communicator has failed since.
    fn until<T>(
        &self,
        comm: u32,
        mut look: impl FnMut(&mut Inbox) -> Option<T>,
    ) -> Result<T, Failure> {
        let end = Instant::now() + self.patience;
        let mut inbox = self.inbox();
        loop {
            if let Some(found) = look(&mut inbox) {
                return Ok(found);
            }
            if let Some(failure) = inbox.failed.get(&comm).or(inbox.broken.as_ref()) {
                return Err(failure.clone());
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(broken("no word within the time limit"));
            }
            let waited = self.news.wait_timeout(inbox, left);
            inbox = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Makes a call; its result is asked for by the ticket.
    ///
    /// # Errors
    /// That the communicator has failed before.
    pub fn send(&self, comm: u32, call: Call, data: Vec<u8>) -> Result<u64, Failure> {
        let ticket = {
            let mut inbox = self.inbox();
            inbox.last += 1;
            inbox.last
        };
        if let Some(failure) = self.failure(comm) {
            return Err(failure);
        }
        let thread = thread_number();
        let message = Up::Call {
            comm,
            ticket,
            thread,
            call,
            data,
        };
        // Where the hub has hung up it has said why before, or is gone itself.
        if let Err(error) = self.say(&message) {
            return Err(self.failure(comm).unwrap_or_else(|| broken(error)));
        }
        Ok(ticket)
    }

    /// Waits for a call's result.
    ///
    /// # Errors
    /// The communicator's failure, and that the hub does not answer.
    pub fn wait(&self, comm: u32, ticket: u64) -> Result<Vec<u8>, Failure> {
        self.until(comm, |inbox| inbox.done.remove(&ticket))
    }

    /// What the communicator has failed of, so far.
    pub fn failure(&self, comm: u32) -> Option<Failure> {
        let inbox = self.inbox();
        inbox.failed.get(&comm).or(inbox.broken.as_ref()).cloned()
    }

    /// Ends this rank's part of a communicator in order; the hub's process waits for the others.
    pub fn leave(&self, comm: u32) {
        if self.say(&Up::Leave { comm }).is_ok() {
            // A failure, or silence, leaves nothing to wait for.
            let _ = self.until(comm, |inbox| inbox.left.remove(&comm).then_some(()));
        }
    }

    /// Gives up a communicator: calls that wait end now.
    pub fn abort(&self, comm: u32) {
        let aborted = || Failure::new(Code::RemoteError, "this rank has aborted the communicator");
        self.inbox().failed.entry(comm).or_insert_with(aborted);
        let _ = self.say(&Up::Abort { comm });
        self.news.notify_all();
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // wakes the thread that reads
        let writer = self
            .writer
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        let _ = writer.shutdown(Shutdown::Both);
    }
}

/// The kernel's number of this thread.
pub fn thread_number() -> u64 {
    // SAFETY: gettid takes nothing and cannot fail.
    unsafe { libc::gettid() }.unsigned_abs().into()
}
