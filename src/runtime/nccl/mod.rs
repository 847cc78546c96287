//! NCCL's communicators, each with a watch over it.
//!
//! `library` has the functions, `call` what can be asked for, and `comm` a communicator's handle: all that is unsafe is there.
//! `rank` is one rank's part of a communicator, from its beginning to its end; `calls` its calls; `group` those that go
//! together; `progress` which of them are not done; `watch` looks at all of them from a thread of its own; `overlap` is a
//! second stream beside the device's.

mod call;
mod calls;
mod comm;
mod group;
mod library;
mod overlap;
mod progress;
mod rank;
mod watch;

pub(crate) use call::Call;
pub use call::ReduceOp;
pub(crate) use group::group;
pub(crate) use library::{UniqueId, unique_id};
pub(crate) use overlap::Overlap;
pub(crate) use rank::{Peers, Rank};
pub(crate) use watch::check;
