//! A communicator's handle, and the calls that are made with it.

use std::ffi::{c_int, c_uint, c_void};
use std::sync::atomic::{AtomicPtr, Ordering};

use cudarc::driver::{CudaStream, DevicePtr};

use super::call::{Call, data_type};
use super::library::{Api, Code, Config, Handle, SUCCESS, Stream, UniqueId, api, said};
use crate::element::Element;
use crate::error::Result;
use crate::runtime::memory::DeviceSlice;

/// A communicator's handle, until one of [`Comm::destroy`] and [`Comm::abort`]. That no two threads use it at once is seen to
/// by the lock around it (`Rank::comm`).
pub(super) struct Comm {
    api: &'static Api,
    /// Where the handle is: NCCL comes back to it while it makes the communicator, behind the call that begins it.
    place: Box<AtomicPtr<c_void>>,
    ranks: usize,
}

impl Comm {
    /// Begins to make one, which the context that is current is the device of. Nothing waits: [`Comm::async_error`] says
    /// when it is made.
    pub(super) fn begin(id: UniqueId, ranks: usize, rank: usize) -> Result<(Self, Code)> {
        let api = api()?;
        let mut config = Config {
            size: size_of::<Config>(),
            magic: 0xcafe_beef,
            version: 2_14_00,
            blocking: 0,
        };
        let place = Box::new(AtomicPtr::new(std::ptr::null_mut()));
        let (all, own) = (ranks as c_int, rank as c_int);
        // SAFETY: the configuration lives through the call, and the handle's place until the communicator has ended.
        let code = unsafe { (api.init)(place.as_ptr(), all, id, own, &raw mut config) };
        let comm = Self { api, place, ranks };
        Ok((comm, code))
    }

    fn handle(&self) -> Handle {
        self.place.load(Ordering::Acquire)
    }

    /// Puts a call into the stream, of the context that is current. `given` and `got` may be one. `None` where they are
    /// shorter than the call.
    ///
    /// The caller keeps both until NCCL has queued it (`Rank::call`).
    pub(super) fn call<T: Element>(
        &self,
        call: Call,
        (given, got): (&DeviceSlice<T>, &DeviceSlice<T>),
        count: usize,
        stream: &CudaStream,
    ) -> Option<Code> {
        let (gives, gets) = call.lengths(count, self.ranks)?;
        if given.len() < gives || got.len() < gets {
            return None;
        }
        let ((x, _x), (y, _y)) = (given.device_ptr(stream), got.device_ptr(stream));
        let (kind, handle, api) = (data_type::<T>(), self.handle(), self.api);
        let queue: Stream = stream.cu_stream().cast();
        // SAFETY: the communicator is neither destroyed nor aborted, which both take `self`; the lengths of both buffers
        // were looked at above, they are of the device's memory, and the caller keeps them.
        Some(unsafe {
            match call {
                Call::AllReduce(op) => {
                    (api.all_reduce)(x, y, count, kind, op as c_uint, handle, queue)
                }
                Call::Reduce(op, dst) => {
                    let (op, dst) = (op as c_uint, dst as c_int);
                    (api.reduce)(x, y, count, kind, op, dst, handle, queue)
                }
                Call::Broadcast(src) => {
                    (api.broadcast)(x, y, count, kind, src as c_int, handle, queue)
                }
                Call::ReduceScatter(op) => {
                    (api.reduce_scatter)(x, y, count, kind, op as c_uint, handle, queue)
                }
                Call::AllGather => (api.all_gather)(x, y, count, kind, handle, queue),
                Call::Send(to) => (api.send)(x, count, kind, to as c_int, handle, queue),
                Call::Recv(from) => (api.recv)(y, count, kind, from as c_int, handle, queue),
            }
        })
    }

    /// How it is: success, in progress, or the code that it failed with.
    pub(super) fn async_error(&self) -> Code {
        let mut state = SUCCESS;
        // SAFETY: the communicator is live, and `state` lives through the call.
        let code = unsafe { (self.api.async_error)(self.handle(), &raw mut state) };
        match code {
            SUCCESS => state,
            code => code,
        }
    }

    /// A code in words.
    pub(super) fn said(&self, code: Code) -> String {
        said(self.api, code)
    }

    /// Begins to end it, once its calls are done.
    pub(super) fn finalize(&self) -> Code {
        // SAFETY: the communicator is live.
        unsafe { (self.api.finalize)(self.handle()) }
    }

    /// Frees what was finalized.
    pub(super) fn destroy(self) {
        // SAFETY: the communicator is live, and nobody has it any more.
        unsafe { (self.api.destroy)(self.handle()) };
    }

    /// Ends it and whatever of it is on the way, without the other ranks.
    pub(super) fn abort(self) {
        let handle = self.handle();
        if !handle.is_null() {
            // SAFETY: the communicator is live, and nobody has it any more.
            unsafe { (self.api.abort)(handle) };
        }
    }
}
