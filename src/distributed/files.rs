//! What one rank does for all, or each for itself, and all hear how it went: files.

use super::communicator::Communicator;
use crate::error::Result;
use crate::tensor::Tensor;

impl Communicator {
    /// Does `work` on rank 0, once every rank is here and has done what is queued on its device; the others wait for it. So
    /// a file is written once, and of a step that all ranks have made:
    ///
    /// ```no_run
    /// # use warpsmith::{Result, distributed::Communicator, nn::{self, Linear, optim::Adam}};
    /// # fn save(ranks: &Communicator, model: &mut Linear, adam: &Adam) -> Result<()> {
    /// ranks.on_rank_0(|| nn::save_checkpoint(model, adam, "checkpoint.safetensors"))
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of `work`, on the other ranks as an [`Error::Distributed`](crate::Error::Distributed); or a rank that has
    /// failed, and then nothing is done.
    pub fn on_rank_0(&self, work: impl FnOnce() -> Result<()>) -> Result<()> {
        self.barrier()?;
        self.told(match self.rank() {
            0 => work(),
            _ => Ok(()),
        })
    }

    /// Does `work` on every rank, which reads a file, and waits for all: either it went well on each, or no rank goes on.
    ///
    /// # Errors
    /// Those of `work`, on the ranks where it went well as an [`Error::Distributed`](crate::Error::Distributed) that names
    /// one where it did not.
    pub fn on_all_ranks(&self, work: impl FnOnce() -> Result<()>) -> Result<()> {
        self.told(work())
    }

    /// This rank's own error, or that another has one.
    fn told(&self, own: Result<()>) -> Result<()> {
        let well = Tensor::from_slice(&[i32::from(own.is_ok())], &[1], self.device());
        let all = well.and_then(|well| self.all_gather(&well)?.to_vec());
        own?;
        match all?.iter().position(|&well| well == 0) {
            None => Ok(()),
            Some(rank) => Err(self.error("on_rank", format!("rank {rank} has failed at its part"))),
        }
    }
}
