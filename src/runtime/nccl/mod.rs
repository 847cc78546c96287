//! NCCL's communicators, each with a watch over it.
//!
//! `library` has the functions and all that is unsafe; `rank` is one rank's part of a communicator: its calls, their
//! groups, and its end; `progress` which of them are not done; `watch` looks at all of them from a thread of its own;
//! `overlap` is a second stream beside the device's.

mod library;
mod overlap;
mod progress;
mod rank;
mod watch;

pub use library::ReduceOp;
pub(crate) use library::{Call, UniqueId, unique_id};
pub(crate) use overlap::Overlap;
pub(crate) use rank::{Peers, Rank, group};
pub(crate) use watch::check;
