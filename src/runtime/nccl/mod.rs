//! NCCL's communicators, each with a watch over it.
//!
//! `library` has the functions and all that is unsafe; `rank` is one rank's part of a communicator, from its beginning to
//! its end; `calls` its calls; `group` those that go together; `progress` which of them are not done; `watch` looks at all of them from a thread of its own;
//! `overlap` is a second stream beside the device's.

mod calls;
mod group;
mod library;
mod overlap;
mod progress;
mod rank;
mod watch;

pub(crate) use group::group;
pub use library::ReduceOp;
pub(crate) use library::{Call, UniqueId, unique_id};
pub(crate) use overlap::Overlap;
pub(crate) use rank::{Peers, Rank};
pub(crate) use watch::check;
