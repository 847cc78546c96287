//! Making, asking and waiting for streams.

use super::capture;
use super::context::{current, in_context};
use super::deferred;
use super::entry::{HostCall, In, Out, api};
use super::error::{Error, Outcome};
use super::handles::{Handle, lock};
use super::host;
use super::machine::{Ordinal, holding, machine};
use super::queue::{context_of, find, submit};
use super::stream::{GREATEST_PRIORITY, NON_BLOCKING, STREAMS, Stream};
use super::work::Work;

fn create(result: Out<Handle>, flags: u32, priority: i32) -> Outcome {
    let context = current()?;
    result.check()?;
    if flags & !NON_BLOCKING != 0 {
        return Err(Error::INVALID_VALUE);
    }
    let priority = priority.clamp(GREATEST_PRIORITY, 0);
    result.set(
        STREAMS
            .insert(|handle| Stream::new(handle, context.handle, flags, priority))
            .handle,
    )
}

/// `CUstreamCallback`.
type Callback = Option<extern "C" fn(Handle, u32, usize)>;

in_context! {
    fn cuStreamCreate(result: Out<Handle>, flags: u32) {
        create(result, flags, 0)
    }

    fn cuStreamCreateWithPriority(result: Out<Handle>, flags: u32, priority: i32) {
        create(result, flags, priority)
    }

    fn cuStreamDestroy_v2(handle: Handle) {
        machine()?;
        deferred::settle(&*STREAMS.get(handle)?);
        let stream = STREAMS.remove(handle)?;
        capture::abandon_stream(&stream);
        context_of(&stream)?.check()
    }

    fn cuStreamSynchronize(handle: Handle) {
        let stream = find(handle)?;
        capture::refuse_query(&stream)?;
        deferred::settle(&stream);
        let _order = lock(&stream.order);
        context_of(&stream)?.check()
    }

    fn cuStreamQuery(handle: Handle) {
        let stream = find(handle)?;
        capture::refuse_query(&stream)?;
        if deferred::is_at(&stream) {
            return Err(Error::NOT_READY);
        }
        deferred::settle(&stream);
        context_of(&stream)?.check()
    }

    fn cuStreamGetCtx(handle: Handle, result: Out<Handle>) {
        result.set(find(handle)?.context)
    }

    fn cuStreamGetCtx_v2(handle: Handle, result: Out<Handle>, green: Out<Handle>) {
        green.set_if_wanted(0);
        result.set(find(handle)?.context)
    }

    fn cuStreamGetDevice(handle: Handle, result: Out<Ordinal>) {
        result.set(context_of(&*find(handle)?)?.device.ordinal)
    }

    fn cuStreamGetFlags(handle: Handle, result: Out<u32>) {
        result.set(find(handle)?.flags)
    }

    fn cuStreamGetPriority(handle: Handle, result: Out<i32>) {
        result.set(find(handle)?.priority)
    }

    fn cuStreamAttachMemAsync(handle: Handle, address: u64, _length: usize, _flags: u32) {
        find(handle)?;
        holding(address)?.heap.find(address).map(|_| ())
    }

    fn cuLaunchHostFunc(handle: Handle, function: Option<extern "C" fn(usize)>, argument: usize) {
        let stream = find(handle)?;
        submit(&stream, Work::Host(HostCall { function, argument }.check()?, None))
    }

    fn cuStreamAddCallback(handle: Handle, callback: Callback, argument: usize, flags: u32) {
        let stream = find(handle)?;
        let callback = callback.ok_or(Error::INVALID_VALUE)?;
        if flags != 0 {
            return Err(Error::INVALID_VALUE);
        }
        capture::refuse_query(&stream)?;
        deferred::settle(&stream);
        let _order = lock(&stream.order);
        host::inside(|| callback(handle, 0, argument));
        Ok(())
    }
}

api! {
    fn cuStreamGetId(handle: Handle, result: Out<u64>) {
        result.set(find(handle)?.id)
    }

    fn cuStreamCopyAttributes(to: Handle, from: Handle) {
        find(to)?;
        find(from).map(|_| ())
    }

    fn cuStreamSetAttribute(handle: Handle, _attribute: u32, value: In<u8>) {
        find(handle)?;
        if value.is_null() { Err(Error::INVALID_VALUE) } else { Ok(()) }
    }
}
