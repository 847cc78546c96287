//! One call on its way through a stream: copy to the host, send, wait, copy to the device.

use crate::call::{Call, Kind};
use crate::comm::{Comm, lock, say};
use crate::driver::{Handle, HostFunction, driver};
use crate::types::{Code, Failure};
use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// What a receive buffer has where its call failed: NaN in every float, so that nobody takes it for a result.
const POISON: u8 = 0xff;

/// A call with its buffers.
pub struct Job {
    comm: Arc<Comm>,
    call: Call,
    stream: Handle,
    send: usize,
    receive: usize,
    given: *mut [u8],
    got: *mut [u8],
    ticket: Mutex<Option<u64>>,
    is_captured: AtomicBool,
}

// SAFETY: `given` and `got` are allocations of the job's own. They are reached by the work of one stream, whose order says
// when; between works nobody looks at them.
unsafe impl Send for Job {}
// SAFETY: as above.
unsafe impl Sync for Job {}

impl Drop for Job {
    fn drop(&mut self) {
        // SAFETY: made by `Box::into_raw` in `new`, and nobody else frees them.
        unsafe {
            drop(Box::from_raw(self.given));
            drop(Box::from_raw(self.got));
        }
    }
}

impl Job {
    /// A call that may be queued.
    ///
    /// # Errors
    /// Failed communicators, and buffers that are too short or of another device.
    pub fn new(
        comm: Arc<Comm>,
        call: Call,
        (send, receive): (usize, usize),
        stream: Handle,
    ) -> Result<Arc<Self>, Failure> {
        if let Some(failure) = comm.link.failure(comm.number) {
            return Err(failure);
        }
        let has_root = matches!(call.kind, Kind::Reduce | Kind::Broadcast) || call.is_pair();
        if has_root && !usize::try_from(call.root).is_ok_and(|root| root < comm.ranks) {
            let text = format!("rank {} of {} calls {call}", comm.rank, comm.ranks);
            return Err(Failure::new(Code::InvalidArgument, text));
        }
        let lengths = call
            .sent(comm.rank, comm.ranks)
            .zip(call.received(comm.rank, comm.ranks));
        let (given, got) = lengths.ok_or_else(|| {
            let text = format!("rank {} calls {call}: more bytes than there are", comm.rank);
            Failure::new(Code::InvalidArgument, text)
        })?;
        look(&comm, &call, "send", send, given)?;
        look(&comm, &call, "receive", receive, got)?;
        let room = |bytes| Box::into_raw(vec![POISON; bytes].into_boxed_slice());
        Ok(Arc::new(Self {
            comm,
            call,
            stream,
            send,
            receive,
            given: room(given),
            got: room(got),
            ticket: Mutex::new(None),
            is_captured: AtomicBool::new(false),
        }))
    }

    /// The communicator.
    pub fn comm(&self) -> &Arc<Comm> {
        &self.comm
    }

    /// Queues the first stage: what this rank gives goes to the hub.
    ///
    /// # Errors
    /// Those of the driver.
    pub fn give(self: &Arc<Self>) -> Result<(), Failure> {
        let driver = driver()?;
        driver.within(self.comm.context, || {
            let is_captured = driver.is_capturing(self.stream)?;
            self.is_captured.store(is_captured, Ordering::SeqCst);
            if !self.given.is_empty() {
                let to = self.given.cast();
                // SAFETY: `given` has as many bytes, and lives as long as `given_away` behind the copy.
                unsafe { driver.to_host(to, self.send, self.given.len(), self.stream) }?;
            }
            // A captured call does not come by itself: nobody can be hurried to it.
            if !is_captured {
                self.comm.queue(self.stream);
            }
            self.queue(given_away)
        })
    }

    /// Queues the second: the hub's answer comes to the device.
    ///
    /// # Errors
    /// Those of the driver.
    pub fn take(self: &Arc<Self>) -> Result<(), Failure> {
        let driver = driver()?;
        driver.within(self.comm.context, || {
            self.queue(taken)?;
            if self.got.is_empty() {
                return Ok(());
            }
            let from = self.got.cast::<u8>();
            // SAFETY: `got` has as many bytes, and lives as long as `ended` behind the copy.
            unsafe { driver.to_device(self.receive, from, self.got.len(), self.stream) }?;
            self.queue(ended)
        })
    }

    /// Queues a function of this job, which then lives as long as the function can be called.
    fn queue(self: &Arc<Self>, function: HostFunction) -> Result<(), Failure> {
        let held = Arc::into_raw(Arc::clone(self)).cast_mut().cast();
        // SAFETY: `function` is one of those below, which take a job that lives; `release` gives back what `into_raw` gave.
        let queued = unsafe { driver()?.host(self.stream, function, held, release) };
        if queued.is_err() {
            // The copy before it may be queued, and needs its memory.
            std::mem::forget(Arc::clone(self));
        }
        queued
    }
}

/// A buffer is of the communicator's device and as long as the call needs.
fn look(
    comm: &Comm,
    call: &Call,
    which: &str,
    address: usize,
    bytes: usize,
) -> Result<(), Failure> {
    if bytes == 0 {
        return Ok(());
    }
    let wrong = |what: String| {
        let text = format!(
            "rank {} (device {}) calls {call}: its {which} buffer {what}",
            comm.rank, comm.device
        );
        Err(Failure::new(Code::InvalidArgument, text))
    };
    let driver = driver()?;
    let place = driver.within(comm.context, || Ok(driver.place(address)))?;
    match place {
        None => wrong(format!("{address:#x} is no memory of the device")),
        Some((device, _)) if device != comm.device => wrong(format!("is of device {device}")),
        Some((_, room)) if room < bytes => wrong(format!(
            "has {room} bytes to the end of its allocation, and {bytes} are needed"
        )),
        Some(_) => Ok(()),
    }
}

fn job<'a>(argument: *mut c_void) -> &'a Job {
    // SAFETY: `queue` hands each function a pointer to a job that lives until it is released.
    unsafe { &*argument.cast_const().cast::<Job>() }
}

extern "C" fn release(argument: *mut c_void) {
    // SAFETY: `queue` has it from `Arc::into_raw`, and this is called once.
    drop(unsafe { Arc::from_raw(argument.cast_const().cast::<Job>()) });
}

extern "C" fn given_away(argument: *mut c_void) {
    let job = job(argument);
    if !job.is_captured.load(Ordering::SeqCst) {
        job.comm.begin(job.stream);
    } else if let Some(how) = job.comm.ended() {
        let text = format!("{} is replayed after {how}", job.call);
        say(&format!("rank {}", job.comm.rank), &text);
        return;
    }
    // SAFETY: the copy into `given` is done, in the stream's order, and nothing writes there meanwhile.
    let data = unsafe { &*job.given }.to_vec();
    match job.comm.link.send(job.comm.number, job.call, data) {
        Ok(ticket) => *lock(&job.ticket) = Some(ticket),
        Err(failure) => job.comm.tell(&failure),
    }
}

extern "C" fn taken(argument: *mut c_void) {
    let job = job(argument);
    let ticket = lock(&job.ticket).take();
    let got = ticket.map(|ticket| job.comm.link.wait(job.comm.number, ticket));
    // SAFETY: the copy out of `got` comes behind this, in the stream's order, and that of an earlier launch before it.
    let to = unsafe { &mut *job.got };
    match got {
        Some(Ok(data)) if data.len() == to.len() => return to.copy_from_slice(&data),
        Some(Ok(_)) => {
            let text = format!("{} got another length than it says", job.call);
            job.comm.tell(&Failure::new(Code::InternalError, text));
        }
        Some(Err(failure)) => job.comm.tell(&failure),
        // told when it was to be sent
        None => {}
    }
    to.fill(POISON);
}

/// Keeps the job until the copy before it is done.
extern "C" fn ended(_argument: *mut c_void) {}
