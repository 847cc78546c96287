//! Contexts: the primary one, created ones, and each thread's stack of current ones. A context keeps the first
//! error of the work that ran in it, and from then on answers nothing else, as on hardware.

use super::error::{Error, Outcome};
use super::handles::{Handle, Table, lock};
use super::machine::{Device, machine};
use super::stream::Stream;
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::ThreadId;

/// Declares exported functions that need a current context, as [`super::entry::api`] does the others: where the
/// thread has none they answer `CUDA_ERROR_INVALID_CONTEXT` before they look at anything else. They are those whose
/// documentation lists that error, but for the ones that name their context or device.
macro_rules! in_context {
    ($($(#[$meta:meta])* fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $body:block)*) => {
        $crate::driver::entry::api! {$(
            $(#[$meta])*
            fn $name($($arg: $ty),*) {
                $crate::driver::context::top()?;
                $body
            }
        )*}
    };
}
pub(crate) use in_context;

/// Stack size, printf buffer, heap, sync depth, pending launches, L2 granularity, persisting L2, and three more.
pub type Limits = [usize; 10];

const DEFAULT_LIMITS: Limits = [1024, 1 << 20, 8 << 20, 2, 2048, 64, 0, 0, 0, 0];

pub struct Context {
    pub handle: Handle,
    pub device: &'static Device,
    pub primary: bool,
    pub flags: AtomicU32,
    /// The first error of the work that ran here; 0 while all is well.
    error: AtomicU32,
    /// The default stream (handles 0 and 1).
    pub legacy: Arc<Stream>,
    per_thread: Mutex<HashMap<ThreadId, Arc<Stream>>>,
    pub limits: Mutex<Limits>,
    /// Contexts of other devices whose memory kernels of this one reach.
    pub peers: Mutex<Vec<Handle>>,
}

pub static CONTEXTS: Table<Context> = Table::new();

thread_local! {
    /// The calling thread's contexts, the current one last.
    pub static STACK: RefCell<Vec<Handle>> = const { RefCell::new(Vec::new()) };
}

impl Context {
    pub fn create(device: &'static Device, primary: bool, flags: u32) -> Arc<Context> {
        CONTEXTS.insert(|handle| Context {
            handle,
            device,
            primary,
            flags: AtomicU32::new(flags),
            error: AtomicU32::new(0),
            legacy: Arc::new(Stream::default_of(handle)),
            per_thread: Mutex::default(),
            limits: Mutex::new(DEFAULT_LIMITS),
            peers: Mutex::default(),
        })
    }

    /// The sticky error, if there is one.
    pub fn check(&self) -> Outcome {
        match self.error.load(Ordering::Acquire) {
            0 => Ok(()),
            code => Err(Error(code)),
        }
    }

    /// Keeps `error` for every later call.
    pub fn poison(&self, error: Error) {
        let _ = self
            .error
            .compare_exchange(0, error.0, Ordering::AcqRel, Ordering::Relaxed);
    }

    /// The stream behind handle 2, which each thread has for itself.
    pub fn per_thread_stream(&self) -> Arc<Stream> {
        let mut streams = lock(&self.per_thread);
        let own = streams.entry(std::thread::current().id());
        own.or_insert_with(|| Arc::new(Stream::default_of(self.handle)))
            .clone()
    }
}

/// A context by handle, poisoned or not.
pub fn by_handle(handle: Handle) -> Outcome<Arc<Context>> {
    machine()?;
    CONTEXTS.get(handle).map_err(|_| Error::INVALID_CONTEXT)
}

/// The calling thread's context, poisoned or not.
pub fn top() -> Outcome<Arc<Context>> {
    machine()?;
    let handle = STACK
        .with_borrow(|stack| stack.last().copied())
        .ok_or(Error::INVALID_CONTEXT)?;
    CONTEXTS
        .get(handle)
        .map_err(|_| Error::CONTEXT_IS_DESTROYED)
}

/// The calling thread's context, or its sticky error.
pub fn current() -> Outcome<Arc<Context>> {
    let context = top()?;
    context.check()?;
    Ok(context)
}
