//! A rank's calls: into a stream at once, or with others of a group.

use std::any::Any;
use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard};

use cudarc::driver::CudaStream;

use super::call::Call;
use super::comm::Comm;
use super::group::{self, Member};
use super::library::Code;
use super::overlap::Overlap;
use super::rank::Rank;
use crate::element::Element;
use crate::error::{Error, Result};
use crate::runtime::memory::DeviceSlice;
use crate::runtime::turn::{is_captured, turn};

impl Rank {
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
        self.progress.within(call, self.calls());
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
        let grouped = group::joined(self, call, &stream, &mut keep);
        match grouped {
            true => self.refused(op, code?),
            false => self.begun(call, code?, &stream),
        }
    }

    /// Notes a call that is in the stream, to see when it ends.
    fn queued(&self, call: Call, stream: &CudaStream) -> Result<()> {
        // a graph's calls are queued by its replays
        if is_captured(&self.stream) {
            return Ok(());
        }
        let queued = self.progress.queued(call, self.calls(), stream);
        queued.map_err(|e| Error::driver(call.name(), e))
    }
}

impl Member for Rank {
    fn hold(&self) -> MutexGuard<'_, Option<Comm>> {
        self.comm()
    }

    fn within(&self, call: Call) {
        self.progress.within(call, self.calls());
    }

    fn out(&self) {
        self.progress.out();
    }

    fn begun(&self, call: Call, code: Code, stream: &CudaStream) -> Result<()> {
        self.settle(call.name(), code)?;
        self.queued(call, stream)
    }
}
