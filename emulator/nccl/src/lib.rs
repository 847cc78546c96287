//! A stand-in for `libnccl.so.2` between emulated devices, of one process or of several on one machine.
//!
//! Every rank has a connection to a hub, a thread of the process that made the unique id. The hub matches the calls of a
//! communicator, computes, and answers; what does not match is reported with both ranks' calls, at once. Imports run one
//! way: `types`, `call`, `arithmetic`, `wire`, `round`, `matching`, `rooms`, `hub` and `link`, and on them what knows of the
//! driver.

pub mod arithmetic;
pub mod call;
mod comm;
mod driver;
mod entry;
mod exports;
mod group;
pub mod hub;
mod job;
pub mod link;
mod lobby;
mod matching;
mod queries;
mod rooms;
mod round;
pub mod settings;
mod setup;
mod starts;
pub mod types;
pub mod wire;
