//! Communicators and their handles.

use crate::driver::{Handle, driver};
use crate::link::Link;
use crate::types::{Code, Failure, Op};
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::thread;

/// Locks, also where somebody has panicked: nothing is left half done under these locks.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The communicators of one connection, by the hub's numbers.
#[derive(Default)]
pub struct Family(Mutex<BTreeMap<u32, Weak<Comm>>>);

impl Family {
    /// Others wait for this rank's next call on a communicator: streams that hold it back are run.
    pub fn wanted(&self, number: u32) {
        let comm = lock(&self.0).get(&number).and_then(Weak::upgrade);
        if let Some(comm) = comm {
            comm.wanted.store(true, Ordering::SeqCst);
            comm.hurry();
        }
    }
}

/// One rank's part of a communicator.
pub struct Comm {
    /// The hub's number.
    pub number: u32,
    /// This rank.
    pub rank: usize,
    /// How many there are.
    pub ranks: usize,
    /// The device's ordinal.
    pub device: i32,
    /// The context that was current when it was made.
    pub context: Handle,
    /// The connection.
    pub link: Arc<Link>,
    /// Who shares the connection.
    pub family: Arc<Family>,
    /// Streams of calls that are queued and have not begun.
    unbegun: Mutex<Vec<Handle>>,
    wanted: AtomicBool,
    is_told: AtomicBool,
    /// The function that has ended it in order.
    ended: OnceLock<&'static str>,
    /// Operators that the program has made.
    pub ops: Mutex<Vec<Option<Op>>>,
}

impl Comm {
    /// A communicator, entered in its family.
    pub fn new(
        (number, rank, ranks): (u32, usize, usize),
        (device, context): (i32, Handle),
        link: Arc<Link>,
        family: Arc<Family>,
    ) -> Arc<Self> {
        let comm = Arc::new(Self {
            number,
            rank,
            ranks,
            device,
            context,
            link,
            family,
            unbegun: Mutex::default(),
            wanted: AtomicBool::new(false),
            is_told: AtomicBool::new(false),
            ended: OnceLock::new(),
            ops: Mutex::default(),
        });
        lock(&comm.family.0).insert(number, Arc::downgrade(&comm));
        comm
    }

    /// A call is about to be queued.
    pub fn queue(&self, stream: Handle) {
        lock(&self.unbegun).push(stream);
    }

    /// A queued call begins.
    pub fn begin(&self, stream: Handle) {
        let mut unbegun = lock(&self.unbegun);
        if let Some(at) = unbegun.iter().position(|&s| s == stream) {
            unbegun.remove(at);
        }
        if unbegun.is_empty() {
            self.wanted.store(false, Ordering::SeqCst);
        }
    }

    /// Runs the streams that hold calls back, where somebody waits for them.
    pub fn hurry(self: &Arc<Self>) {
        if self.wanted.load(Ordering::SeqCst) && !lock(&self.unbegun).is_empty() {
            let comm = Arc::clone(self);
            // Without a thread the others' time limit tells of it.
            let _ = thread::Builder::new().spawn(move || comm.settle());
        }
    }

    /// Runs the streams that have calls which have not begun; a program that begins to capture one meanwhile is not disturbed.
    pub fn settle(&self) {
        let mut streams = lock(&self.unbegun).clone();
        streams.dedup();
        if let Ok(driver) = driver() {
            for stream in streams {
                // A stream that has failed is its owner's to find.
                let _ = driver.within(self.context, || driver.run(stream));
            }
        }
    }

    /// Reports a failure of the communicator, once.
    pub fn tell(&self, failure: &Failure) {
        if !self.is_told.swap(true, Ordering::SeqCst) {
            say(&format!("rank {}", self.rank), &failure.text);
        }
    }

    /// Ends this rank's part in order, behind all that was queued; captured calls may still come.
    pub fn leave(&self, how: &'static str) {
        self.settle();
        let _ = self.ended.set(how);
        self.link.leave(self.number);
    }

    /// What has ended it in order.
    pub fn ended(&self) -> Option<&'static str> {
        self.ended.get().copied()
    }
}

/// Reports who did what wrong, and keeps it for `ncclGetLastError`. Without a driver it goes to stderr alone.
pub fn say(whose: &str, what: &str) {
    let text = format!("{whose}: {what}");
    match driver() {
        Ok(driver) => driver.found(whose, what),
        Err(_) => {
            let line = format!("cuda-emulator: NCCL: {text}\n");
            let _ = std::io::stderr().write_all(line.as_bytes());
        }
    }
    *lock(&LAST) = text.replace('\0', " ");
}

/// What was last reported.
pub static LAST: Mutex<String> = Mutex::new(String::new());

/// What a handle stands for.
#[derive(Clone)]
pub enum Entry {
    /// Its group has not ended.
    Forming,
    /// It waits for the other ranks, behind the call that began it.
    Beginning,
    /// It waited so, in vain.
    Failed(Failure),
    /// A communicator.
    Live(Arc<Comm>),
    /// What ended it, and the rank that it was: a stone over it, so that later uses are told from inventions.
    Ended(&'static str, Option<usize>),
}

static HANDLES: Mutex<Vec<Entry>> = Mutex::new(Vec::new());
/// Handles lie in the first page, where nothing can be read by mistake.
const STEP: usize = 1;

/// A new handle.
pub fn reserve() -> usize {
    let mut handles = lock(&HANDLES);
    handles.push(Entry::Forming);
    handles.len() * STEP
}

/// Gives a handle another meaning, and says which it had.
pub fn replace(handle: usize, entry: Entry) -> Option<Entry> {
    let mut handles = lock(&HANDLES);
    let place = handles.get_mut((handle / STEP).checked_sub(1)?)?;
    Some(std::mem::replace(place, entry))
}

/// What a handle stands for now.
pub fn entry(handle: usize) -> Option<Entry> {
    let at = (handle / STEP).wrapping_sub(1);
    lock(&HANDLES).get(at).cloned()
}

/// What has become of one that was [`Entry::Beginning`]; where it was aborted since, that stays.
pub fn settle(handle: usize, entry: Entry) {
    let mut handles = lock(&HANDLES);
    let place = handles.get_mut((handle / STEP).wrapping_sub(1));
    if let Some(place @ Entry::Beginning) = place {
        *place = entry;
    } else {
        // a communicator that nobody has any more hangs up, which is not to be done under the lock
        drop(handles);
        drop(entry);
    }
}

/// The communicator of a handle.
///
/// # Errors
/// That it is none, or not yet, or no more.
pub fn find(handle: usize) -> Result<Arc<Comm>, Failure> {
    match entry(handle) {
        Some(Entry::Live(comm)) => Ok(comm),
        Some(Entry::Ended(how, rank)) => {
            let of = rank.map_or(String::new(), |rank| format!(" of rank {rank}"));
            let text = format!("a communicator{of} is used after {how}");
            Err(Failure::new(Code::InvalidUsage, text))
        }
        Some(Entry::Forming) => {
            let text = "a communicator is used before the ncclGroupEnd that completes it";
            Err(Failure::new(Code::InvalidUsage, text))
        }
        Some(Entry::Beginning) => {
            let text =
                "a communicator is used before ncclCommGetAsyncError has said that it is made";
            Err(Failure::new(Code::InvalidUsage, text))
        }
        Some(Entry::Failed(failure)) => Err(failure),
        None => Err(Failure::new(
            Code::InvalidArgument,
            "this is no communicator",
        )),
    }
}

/// Whether the handle's communicator was ended by `how`.
pub fn finalized(handle: usize, how: &str) -> bool {
    matches!(entry(handle), Some(Entry::Ended(by, _)) if by == how)
}
