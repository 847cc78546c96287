//! Calls of a thread that go to NCCL as one.

use std::any::Any;
use std::cell::RefCell;
use std::sync::{Arc, MutexGuard};

use cudarc::driver::CudaStream;

use super::call::Call;
use super::comm::Comm;
use super::library::{self, Code};
use crate::error::Result;

/// A rank, as the groups of its calls see it.
pub(super) trait Member {
    /// Its communicator, which nobody aborts meanwhile.
    fn hold(&self) -> MutexGuard<'_, Option<Comm>>;
    /// The host is in a call of its, until [`Member::out`].
    fn within(&self, call: Call);
    fn out(&self);
    /// Waits until a call that NCCL has answered so is in the stream.
    fn begun(&self, call: Call, code: Code, stream: &CudaStream) -> Result<()>;
}

/// What the calls between the beginning and the end of a thread's groups need.
#[derive(Default)]
struct Group {
    depth: usize,
    kept: Vec<Box<dyn Any>>,
    calls: Vec<(Arc<dyn Member>, Call, Arc<CudaStream>)>,
}

thread_local! {
    static GROUP: RefCell<Group> = RefCell::default();
}

/// Whether a group of this thread goes on, which a call is then part of: it keeps the call's memory until its end.
pub(super) fn joined<M: Member + 'static>(
    member: &Arc<M>,
    call: Call,
    stream: &Arc<CudaStream>,
    keep: &mut Vec<Box<dyn Any + Send>>,
) -> bool {
    GROUP.with_borrow_mut(|group| {
        if group.depth > 0 {
            let kept = keep.drain(..).map(|kept| kept as Box<dyn Any>);
            group.kept.extend(kept);
            group.calls.push((member.clone(), call, stream.clone()));
        }
        group.depth > 0
    })
}

/// Ends the thread's group, also where what is in it panics.
struct Running;

impl Running {
    fn end() -> Result<()> {
        let ended = GROUP.with_borrow_mut(|group| {
            group.depth -= 1;
            (group.depth == 0).then(|| std::mem::take(group))
        });
        let Some(group) = ended else {
            // of inner groups NCCL only counts
            return library::group_end().map(drop);
        };
        let mut members: Vec<_> = group.calls.iter().map(|(member, ..)| member).collect();
        let place = |member: &&Arc<dyn Member>| Arc::as_ptr(member).cast::<()>();
        members.sort_by_key(place);
        members.dedup_by_key(|member| place(member));
        let code = {
            // nobody aborts one of them on the way; in one order, so that two groups do not wait for each other
            let _held: Vec<_> = members.iter().map(|member| member.hold()).collect();
            group
                .calls
                .iter()
                .for_each(|(member, call, _)| member.within(*call));
            let code = library::group_end();
            members.iter().for_each(|member| member.out());
            code?
        };
        let mut first = Ok(());
        for (member, call, stream) in &group.calls {
            first = first.and(member.begun(*call, code, stream));
        }
        first
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // whoever drops it has an error, or a panic, of its own
        drop(Self::end());
    }
}

/// Calls of this thread that go to NCCL as one.
pub(crate) fn group<R>(work: impl FnOnce() -> Result<R>) -> Result<R> {
    library::group_start()?;
    GROUP.with_borrow_mut(|group| group.depth += 1);
    let running = Running;
    let made = work()?;
    std::mem::forget(running);
    Running::end().map(|()| made)
}
