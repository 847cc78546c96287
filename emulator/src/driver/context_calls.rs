//! Making, ending and choosing contexts.

use super::capture;
use super::context::{CONTEXTS, Context, STACK, by_handle, current, top};
use super::deferred;
use super::entry::{In, Out, api};
use super::error::{Error, Outcome};
use super::event::EVENTS;
use super::function::FUNCTIONS;
use super::handles::{Handle, lock};
use super::machine::{self, Ordinal, machine};
use super::module::MODULES;
use super::stream::STREAMS;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

/// The primary context of each device that has had one.
static PRIMARY: Mutex<BTreeMap<Ordinal, Primary>> = Mutex::new(BTreeMap::new());

#[derive(Default)]
struct Primary {
    context: Option<Arc<Context>>,
    users: u32,
    flags: u32,
}

/// Frees all that belongs to the context.
fn destroy(context: &Context) {
    let handle = context.handle;
    deferred::settle_context(handle);
    let _ = CONTEXTS.remove(handle);
    capture::abandon_context(handle);
    STREAMS.retain(|stream| stream.context != handle);
    EVENTS.retain(|event| event.context != handle);
    FUNCTIONS.retain(|function| function.context != handle);
    MODULES.retain(|module| module.context != handle);
    context.device.heap.free_context(handle);
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
    let device = machine::device(ordinal)?;
    result.check()?;
    let context = Context::create(device, false, flags);
    STACK.with_borrow_mut(|stack| stack.push(context.handle));
    result.set(context.handle)
}

api! {
    fn cuDevicePrimaryCtxRetain(result: Out<Handle>, ordinal: Ordinal) {
        let device = machine::device(ordinal)?;
        result.check()?;
        let mut all = lock(&PRIMARY);
        let primary = all.entry(ordinal).or_default();
        primary.users += 1;
        let flags = primary.flags;
        let context = primary.context.get_or_insert_with(|| Context::create(device, true, flags));
        result.set(context.handle)
    }

    fn cuDevicePrimaryCtxRelease_v2(ordinal: Ordinal) {
        machine::device(ordinal)?;
        let mut all = lock(&PRIMARY);
        let primary = all.entry(ordinal).or_default();
        primary.users = primary.users.checked_sub(1).ok_or(Error::INVALID_CONTEXT)?;
        if primary.users == 0
            && let Some(context) = primary.context.take()
        {
            destroy(&context);
        }
        Ok(())
    }

    fn cuDevicePrimaryCtxReset_v2(ordinal: Ordinal) {
        machine::device(ordinal)?;
        let mut all = lock(&PRIMARY);
        let primary = all.entry(ordinal).or_default();
        primary.users = 0;
        if let Some(context) = primary.context.take() {
            destroy(&context);
        }
        Ok(())
    }

    fn cuDevicePrimaryCtxSetFlags_v2(ordinal: Ordinal, flags: u32) {
        machine::device(ordinal)?;
        let mut all = lock(&PRIMARY);
        let primary = all.entry(ordinal).or_default();
        primary.flags = flags;
        if let Some(context) = &primary.context {
            context.flags.store(flags, Ordering::Relaxed);
        }
        Ok(())
    }

    fn cuDevicePrimaryCtxGetState(ordinal: Ordinal, flags: Out<u32>, active: Out<i32>) {
        machine::device(ordinal)?;
        let mut all = lock(&PRIMARY);
        let primary = all.entry(ordinal).or_default();
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
        destroy(&context);
        Ok(())
    }

    fn cuCtxPushCurrent_v2(handle: Handle) {
        by_handle(handle)?;
        STACK.with_borrow_mut(|stack| stack.push(handle));
        Ok(())
    }

    fn cuCtxPopCurrent_v2(result: Out<Handle>) {
        machine()?;
        let handle = STACK.with_borrow_mut(Vec::pop).ok_or(Error::INVALID_CONTEXT)?;
        result.set_if_wanted(handle);
        Ok(())
    }

    fn cuCtxSetCurrent(handle: Handle) {
        machine()?;
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
        machine()?;
        result.set(STACK.with_borrow(|stack| stack.last().copied().unwrap_or(0)))
    }

    fn cuCtxGetDevice(result: Out<Ordinal>) {
        result.set(top()?.device.ordinal)
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
        deferred::settle_context(context.handle);
        context.check()
    }
}
