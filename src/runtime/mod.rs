//! What stands between the ops and the driver. Each line needs only those above it:
//!
//! - `relaxed`: calls that a program's own capture must not be spoilt by.
//! - `table`: the compiled kernels that `build.rs` writes down; `kernels`: the loader over it.
//! - `turn`: whose turn it is on a stream. Whoever queues work on one takes a turn first; while a thread captures the
//!   stream's work as a graph, other threads get an error instead.
//! - `arena`: the memory of a graph, and freeing in a stream's order.
//! - `memory`: what tensors own; from the driver, or from the arena of the capture that goes on.
//! - `transfer`: copies between host and device that are done with the host's memory when they return.
//! - `nccl`: communicators, whose calls go to a device's stream.
//! - `report`: what kernels and ranks found wrong, for whoever waits for their stream next.
//! - `live`: values that a captured launch reads from memory, because they are others at every replay.
//! - `capture`: tells `arena`, `memory` and `live` when a capture begins and ends, and keeps what its graph needs.
//! - `tensor_map`: how Hopper's bulk copies see matrices.
//! - `launch`: the only unsafe launch, checked argument by argument; `grid`: the grids that kernels have in common.
//! - `probe`: one launch, to see whether a GPU runs them.

pub(crate) mod arena;
pub(crate) mod capture;
pub(crate) mod grid;
pub mod kernels;
pub(crate) mod launch;
pub(crate) mod live;
pub(crate) mod memory;
pub(crate) mod nccl;
pub(crate) mod probe;
mod relaxed;
pub(crate) mod report;
pub(crate) mod table;
pub(crate) mod tensor_map;
pub(crate) mod transfer;
pub(crate) mod turn;
