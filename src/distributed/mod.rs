//! Many GPUs: ranks, each with a device, and what they do together through NCCL (`torch.distributed`).
//!
//! A [`Communicator`] is one rank's way to the others: of all devices of a process ([`Communicator::init_all`], a thread
//! each), or of many processes and machines ([`Communicator::from_env`]). NCCL is looked for when the first communicator is
//! made; without it that is an [`Error::NoNccl`](crate::Error::NoNccl), and everything else works.
//!
//! [`DistributedDataParallel`] trains a model on all of them: each rank learns from its part of a batch, of which a
//! [`DistributedSampler`] says which it is, and gradients are averaged while backward goes on; a [`ZeroRedundancyOptimizer`]
//! remembers a share of its state on each. Files are written by one rank
//! ([`Communicator::on_rank_0`]) and read by all ([`Communicator::on_all_ranks`]).
#![forbid(unsafe_code)]

mod alike;
mod board;
mod buckets;
mod collectives;
mod communicator;
mod data_parallel;
mod environment;
mod files;
mod lifeline;
mod lines;
mod rendezvous;
mod sampler;
mod seat;
mod shares;
mod zero;

pub use crate::runtime::nccl::ReduceOp;
pub use communicator::Communicator;
pub use data_parallel::DistributedDataParallel;
pub use sampler::DistributedSampler;
pub use zero::ZeroRedundancyOptimizer;

use crate::error::Result;
use crate::runtime::nccl;

/// Calls of this thread that begin together, where `work` ends (`ncclGroupStart` and `ncclGroupEnd`): those of several
/// devices, or sends and receives that wait for each other. Until then nothing of them has happened, so what `work` itself
/// computes from their tensors is from before. Where `work` fails, what it has called before is made all the same.
///
/// # Errors
/// Those of `work`, or of a call.
pub fn group<R>(work: impl FnOnce() -> Result<R>) -> Result<R> {
    nccl::group(work)
}
