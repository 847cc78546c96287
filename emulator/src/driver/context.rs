//! Contexts: the primary one, created ones, and each thread's stack of current ones. A context keeps the first
//! error of the work that ran in it, and from then on answers nothing else, as on hardware.

use super::capture;
use super::context_config::{DEFAULT_LIMITS, Limits};
use super::device::{self, Ordinal, device};
use super::entry::{In, Out, api};
use super::error::{Error, Outcome};
use super::event::EVENTS;
use super::function::FUNCTIONS;
use super::handles::{Handle, Table, lock};
use super::module::MODULES;
use super::stream::{STREAMS, Stream};
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::ThreadId;

pub struct Context {
    pub handle: Handle,
    primary: bool,
    flags: AtomicU32,
    /// The first error of the work that ran here; 0 while all is well.
    error: AtomicU32,
    /// The default stream (handles 0 and 1).
    pub legacy: Arc<Stream>,
    per_thread: Mutex<HashMap<ThreadId, Arc<Stream>>>,
    pub limits: Mutex<Limits>,
}

pub static CONTEXTS: Table<Context> = Table::new();

static PRIMARY: Mutex<Primary> = Mutex::new(Primary {
    context: None,
    users: 0,
    flags: 0,
});

struct Primary {
    context: Option<Arc<Context>>,
    users: u32,
    flags: u32,
}

thread_local! {
    static STACK: RefCell<Vec<Handle>> = const { RefCell::new(Vec::new()) };
}

impl Context {
    fn create(primary: bool, flags: u32) -> Arc<Context> {
        CONTEXTS.insert(|handle| Context {
            handle,
            primary,
            flags: AtomicU32::new(flags),
            error: AtomicU32::new(0),
            legacy: Arc::new(Stream::default_of(handle)),
            per_thread: Mutex::default(),
            limits: Mutex::new(DEFAULT_LIMITS),
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

    /// Frees all that belongs to the context.
    fn destroy(&self) {
        let handle = self.handle;
        let _ = CONTEXTS.remove(handle);
        capture::abandon_context(handle);
        STREAMS.retain(|stream| stream.context != handle);
        EVENTS.retain(|event| event.context != handle);
        FUNCTIONS.retain(|function| function.context != handle);
        MODULES.retain(|module| module.context != handle);
        if let Ok(device) = device() {
            device.heap.free_context(handle);
        }
    }
}

/// A context by handle, poisoned or not.
pub fn by_handle(handle: Handle) -> Outcome<Arc<Context>> {
    device()?;
    CONTEXTS.get(handle).map_err(|_| Error::INVALID_CONTEXT)
}

/// The calling thread's context, poisoned or not.
fn top() -> Outcome<Arc<Context>> {
    device()?;
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

/// The context of `handle`, or the current one for null.
fn named_or_current(handle: Handle) -> Outcome<Arc<Context>> {
    if handle == 0 {
        top()
    } else {
        by_handle(handle)
    }
}

fn create(result: Out<Handle>, flags: u32, ordinal: Ordinal) -> Outcome {
    device::check(ordinal)?;
    result.check()?;
    let context = Context::create(false, flags);
    STACK.with_borrow_mut(|stack| stack.push(context.handle));
    result.set(context.handle)
}

api! {
    fn cuDevicePrimaryCtxRetain(result: Out<Handle>, ordinal: Ordinal) {
        device::check(ordinal)?;
        result.check()?;
        let mut primary = lock(&PRIMARY);
        primary.users += 1;
        let flags = primary.flags;
        let context = primary.context.get_or_insert_with(|| Context::create(true, flags));
        result.set(context.handle)
    }

    fn cuDevicePrimaryCtxRelease_v2(ordinal: Ordinal) {
        device::check(ordinal)?;
        let mut primary = lock(&PRIMARY);
        primary.users = primary.users.checked_sub(1).ok_or(Error::INVALID_CONTEXT)?;
        if primary.users == 0
            && let Some(context) = primary.context.take()
        {
            context.destroy();
        }
        Ok(())
    }

    fn cuDevicePrimaryCtxReset_v2(ordinal: Ordinal) {
        device::check(ordinal)?;
        let mut primary = lock(&PRIMARY);
        primary.users = 0;
        if let Some(context) = primary.context.take() {
            context.destroy();
        }
        Ok(())
    }

    fn cuDevicePrimaryCtxSetFlags_v2(ordinal: Ordinal, flags: u32) {
        device::check(ordinal)?;
        let mut primary = lock(&PRIMARY);
        primary.flags = flags;
        if let Some(context) = &primary.context {
            context.flags.store(flags, Ordering::Relaxed);
        }
        Ok(())
    }

    fn cuDevicePrimaryCtxGetState(ordinal: Ordinal, flags: Out<u32>, active: Out<i32>) {
        device::check(ordinal)?;
        let primary = lock(&PRIMARY);
        flags.set(primary.flags)?;
        active.set(i32::from(primary.context.is_some()))
    }

    fn cuCtxCreate_v2(result: Out<Handle>, flags: u32, ordinal: Ordinal) {
        create(result, flags, ordinal)
    }

    fn cuCtxCreate_v3(result: Out<Handle>, _affinity: In<u8>, count: i32, flags: u32, ordinal: Ordinal) {
        if count != 0 {
            return Err(Error::UNSUPPORTED_EXEC_AFFINITY);
        }
        create(result, flags, ordinal)
    }

    fn cuCtxCreate_v4(result: Out<Handle>, parameters: In<u8>, flags: u32, ordinal: Ordinal) {
        if !parameters.is_null() {
            return Err(Error::NOT_SUPPORTED);
        }
        create(result, flags, ordinal)
    }

    fn cuCtxDestroy_v2(handle: Handle) {
        let context = by_handle(handle)?;
        if context.primary {
            return Err(Error::INVALID_CONTEXT);
        }
        STACK.with_borrow_mut(|stack| {
            if stack.last() == Some(&handle) {
                stack.pop();
            }
        });
        context.destroy();
        Ok(())
    }

    fn cuCtxPushCurrent_v2(handle: Handle) {
        by_handle(handle)?;
        STACK.with_borrow_mut(|stack| stack.push(handle));
        Ok(())
    }

    fn cuCtxPopCurrent_v2(result: Out<Handle>) {
        device()?;
        let handle = STACK.with_borrow_mut(Vec::pop).ok_or(Error::INVALID_CONTEXT)?;
        result.set_if_wanted(handle);
        Ok(())
    }

    fn cuCtxSetCurrent(handle: Handle) {
        device()?;
        if handle != 0 {
            by_handle(handle)?;
        }
        STACK.with_borrow_mut(|stack| {
            stack.pop();
            if handle != 0 {
                stack.push(handle);
            }
        });
        Ok(())
    }

    fn cuCtxGetCurrent(result: Out<Handle>) {
        device()?;
        result.set(STACK.with_borrow(|stack| stack.last().copied().unwrap_or(0)))
    }

    fn cuCtxGetDevice(result: Out<Ordinal>) {
        top()?;
        result.set(0)
    }

    fn cuCtxGetFlags(result: Out<u32>) {
        result.set(top()?.flags.load(Ordering::Relaxed))
    }

    fn cuCtxSetFlags(flags: u32) {
        current()?.flags.store(flags, Ordering::Relaxed);
        Ok(())
    }

    fn cuCtxGetId(handle: Handle, result: Out<u64>) {
        result.set(named_or_current(handle)?.handle as u64)
    }

    fn cuCtxGetApiVersion(handle: Handle, result: Out<u32>) {
        named_or_current(handle)?;
        result.set(3020)
    }

    fn cuCtxSynchronize() {
        let context = current()?;
        capture::refuse_synchronisation(&context)?;
        context.check()
    }
}
