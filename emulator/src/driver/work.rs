//! What a stream or a graph can be asked to do, and doing it.

use super::context::Context;
use super::copy::{Copy3, Fill};
use super::entry::{HostCall, say};
use super::error::{Error, Outcome};
use super::event::Event;
use super::findings;
use super::heap::Kind;
use super::host::{self, Kept};
use super::launch::Launch;
use super::machine::{holding, machine};
use super::peer;
use crate::check::{Fault, FaultKind, record};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// One piece of work with all it needs: nothing in it points to memory that a caller may reuse after the call,
/// but the copies' own endpoints.
#[derive(Clone)]
pub enum Work {
    Kernel(Arc<Launch>),
    Copy(Copy3),
    Fill(Fill),
    /// With what it keeps alive.
    Host(
        HostCall,
        #[expect(dead_code, reason = "kept, not read")] Option<Arc<Kept>>,
    ),
    /// An allocation of a graph: the address is fixed, its bytes count as unwritten from here on.
    Alloc {
        address: u64,
        bytes: usize,
    },
    /// The end of a graph's allocation.
    Free {
        address: u64,
    },
    Record(Arc<Event>),
    Wait(Arc<Event>),
    Child(Vec<Work>),
    /// A launch of a graph, with what keeps its addresses alive: the graph may be destroyed while a thread is at it.
    Launched(
        Vec<Work>,
        #[expect(dead_code, reason = "kept, not read")] Arc<dyn Any + Send + Sync>,
    ),
    Empty,
}

/// Runs `work`. What a kernel does wrong poisons the context and is answered by the calls that follow, as on
/// hardware; what the call itself got wrong is answered at once.
pub fn run(work: &Work, context: &Context) -> Outcome {
    context.check()?;
    match work {
        Work::Kernel(launch) => kernel(launch, context),
        Work::Copy(copy) => {
            copy.run()?;
            match copy.undefined()? {
                Some((kernel, fault)) => found(&kernel, &fault, context),
                None => Ok(()),
            }
        }
        Work::Fill(fill) => fill.run(),
        Work::Host(call, _) => {
            host::call(*call);
            Ok(())
        }
        Work::Alloc { address, bytes } => {
            let heap = &holding(*address)?.heap;
            Ok(heap.memory.mark_unwritten(*address, *bytes)?)
        }
        Work::Free { address } => {
            let heap = &holding(*address)?.heap;
            match heap.find(*address)?.kind {
                // The address stays the graph's; its contents are lost.
                Kind::Graph => Ok(heap
                    .memory
                    .mark_unwritten(*address, heap.find(*address)?.bytes)?),
                _ => heap
                    .free(*address, |kind| {
                        matches!(kind, Kind::Pool(_) | Kind::Device)
                    })
                    .map(|_| ()),
            }
        }
        Work::Record(event) => {
            event.mark();
            Ok(())
        }
        Work::Wait(_) | Work::Empty => Ok(()),
        Work::Child(list) | Work::Launched(list, _) => {
            run_all(list, context, "in a graph");
            Ok(())
        }
    }
}

/// Runs a list that was made beforehand, as far as its first error; `whence` says where it waited.
pub fn run_all(list: &[Work], context: &Context, whence: &str) {
    for work in list {
        let outcome = run(work, context);
        if context.check().is_err() {
            return;
        }
        // What was right when it was asked for can be wrong by now: a buffer was freed.
        if let Err(error) = outcome {
            say(format_args!(
                "a copy, fill or free {whence} failed ({})",
                error.0
            ));
            return context.poison(Error::ILLEGAL_ADDRESS);
        }
    }
}

fn kernel(launch: &Launch, context: &Context) -> Outcome {
    let machine = machine()?;
    let view = peer::view(context)?;
    let memory = view.as_ref().unwrap_or(&context.device.heap.memory);
    let name = &launch.kernel.name;
    let fault = match catch_unwind(AssertUnwindSafe(|| {
        launch.execute(memory, &machine.options)
    })) {
        Ok(done) => done,
        Err(_) => Err(Fault::whole(
            FaultKind::LaunchFailed,
            name,
            "a bug of the emulator: it panicked (message above)",
        )),
    };
    match fault {
        Ok(()) => findings::tell(),
        Err(fault) => failed(name, &fault, context),
    }
    Ok(())
}

/// A launch has failed, or what it has left.
fn failed(kernel: &str, fault: &Fault, context: &Context) {
    record(kernel, fault);
    findings::tell();
    context.poison(Error(fault.kind.code()));
}

/// The host reads what is undefined: where runs do not go on, its call fails like those that follow.
fn found(kernel: &str, fault: &Fault, context: &Context) -> Outcome {
    if machine()?.options.goes_on {
        record(kernel, fault);
        findings::tell();
        return Ok(());
    }
    failed(kernel, fault, context);
    context.check()
}
