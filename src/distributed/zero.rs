//! An optimizer whose state the ranks share out.

use super::communicator::Communicator;
use super::group;
use super::shares::owners_of;
use crate::device::Device;
use crate::error::{Error, Result};
use crate::nn::Module;
use crate::nn::optim::{Optimizer, OptimizerState, Scaling, Target};
use crate::tensor::Tensor;

const OP: &str = "ZeroRedundancyOptimizer";

/// An optimizer each rank of which remembers and changes its share of the parameters, and gets the others' from those who
/// do (`torch.distributed.optim.ZeroRedundancyOptimizer`; stage 1 of ZeRO, Rajbhandari et al., 2020). On w ranks a state
/// takes a w-th of its memory on each, but for how evenly whole parameters go into w shares; the steps are those of the
/// optimizer alone, bit for bit.
///
/// Gradients are the same on every rank, as [`DistributedDataParallel`](super::DistributedDataParallel) has them; or only on
/// the rank whose parameter it is, which is all that is asked of them and less to move:
/// [`reduce_scatter`](super::DistributedDataParallel::reduce_scatter). A step is a call of all ranks.
///
/// ```no_run
/// # use warpsmith::{Result, distributed::{Communicator, DistributedDataParallel, ZeroRedundancyOptimizer}, nn::{self, Linear, optim::{Adam, Optimizer}}};
/// # fn train(ranks: &Communicator, model: Linear) -> Result<()> {
/// let mut model = DistributedDataParallel::new(model, ranks)?.reduce_scatter(true)?;
/// let mut adam = ZeroRedundancyOptimizer::new(Adam::new(1e-3), ranks);
/// // a forward and a backward, and then
/// adam.step(&mut model)?;
/// // a file needs all of the state: every rank gives its share, then one writes
/// adam.consolidate_state_dict(&mut model, 0)?;
/// ranks.on_rank_0(|| nn::save_checkpoint(&mut model, &adam, "checkpoint.safetensors"))
/// # }
/// ```
pub struct ZeroRedundancyOptimizer<O: Optimizer> {
    optimizer: O,
    ranks: Communicator,
    consolidated: Option<OptimizerState>,
}

impl<O: Optimizer> ZeroRedundancyOptimizer<O> {
    /// Shares out an optimizer that has made no step, or that goes on from [`Optimizer::load_state_dict`].
    pub fn new(optimizer: O, ranks: &Communicator) -> Self {
        Self {
            optimizer,
            ranks: ranks.clone(),
            consolidated: None,
        }
    }

    /// Collects on rank `to`, in its CPU's memory, what all ranks remember; [`Optimizer::state_dict`] answers it there until
    /// the next step. A call of all ranks.
    ///
    /// # Errors
    /// A rank that there is not, a model other than that of the first step, or a rank that has failed.
    pub fn consolidate_state_dict(&mut self, model: &mut dyn Module, to: usize) -> Result<()> {
        let named = model.named_parameters();
        let named: Vec<_> = named.iter().map(|(k, p)| (k.as_str(), &p.value)).collect();
        let owners = self.owners(named.iter().map(|(_, value)| value.numel()))?;
        self.ranks.a_rank("consolidate_state_dict", to)?;
        let rank = self.ranks.rank();
        let own = self.optimizer.state_dict_of(&self.own(&named, &owners))?;
        // every rank has a parameter, so each knows the names of what is remembered of one
        let first = owners.iter().position(|owner| *owner == rank);
        let first = first.map_or(String::new(), |at| format!("{}.", named[at].0));
        let keys = own.tensors.keys();
        let names: Vec<_> = keys.filter_map(|key| key.strip_prefix(&first)).collect();
        let mut all = OptimizerState {
            step: own.step,
            ..OptimizerState::default()
        };
        for ((key, value), owner) in named.iter().zip(&owners) {
            for name in &names {
                let key = format!("{key}.{name}");
                let state = own.tensors.get(&key);
                if rank == to {
                    let mut received = Tensor::empty(value.shape(), value.device())?;
                    let state = match state {
                        Some(state) => state,
                        None => {
                            self.ranks.recv(&mut received, *owner)?;
                            &received
                        }
                    };
                    all.tensors.insert(key, state.to(&Device::Cpu)?);
                } else if let Some(state) = state {
                    self.ranks.send(state, to)?;
                }
            }
        }
        self.consolidated = (rank == to).then_some(all);
        Ok(())
    }

    /// Whose each parameter is.
    fn owners(&self, sizes: impl Iterator<Item = usize>) -> Result<Vec<usize>> {
        owners_of(OP, &sizes.collect::<Vec<_>>(), &self.ranks)
    }

    fn own<T: Clone>(&self, all: &[T], owners: &[usize]) -> Vec<T> {
        let own = all.iter().zip(owners);
        let own = own.filter(|(_, owner)| **owner == self.ranks.rank());
        own.map(|(one, _)| one.clone()).collect()
    }
}

impl<O: Optimizer> Optimizer for ZeroRedundancyOptimizer<O> {
    fn step_scaled(&mut self, model: &mut dyn Module, scaling: Option<Scaling<'_>>) -> Result<()> {
        // copies in halves are made from the new values: those of the other ranks no pass of this optimizer writes
        let parameters = model.parameters().into_iter();
        let mut targets: Vec<_> = parameters
            .map(|p| Target {
                param: &mut p.value,
                grad: &p.grad,
                copy: None,
            })
            .collect();
        self.step_targets(&mut targets, scaling)
    }

    fn step_targets(
        &mut self,
        targets: &mut [Target<'_>],
        scaling: Option<Scaling<'_>>,
    ) -> Result<()> {
        let owners = self.owners(targets.iter().map(|target| target.param.numel()))?;
        self.consolidated = None;
        let own = targets.iter_mut().zip(&owners);
        let own = own.filter(|(_, owner)| **owner == self.ranks.rank());
        let mut own: Vec<_> = own
            .map(|(target, _)| Target {
                param: &mut *target.param,
                grad: target.grad,
                copy: None,
            })
            .collect();
        self.optimizer.step_targets(&mut own, scaling)?;
        group(|| {
            let mut all = targets.iter_mut().zip(&owners);
            all.try_for_each(|(target, owner)| self.ranks.broadcast(target.param, *owner))
        })
    }

    fn lr(&self) -> f64 {
        self.optimizer.lr()
    }

    fn set_lr(&mut self, lr: f64) {
        self.optimizer.set_lr(lr);
    }

    fn steps(&self) -> Result<u64> {
        self.optimizer.steps()
    }

    /// That of all ranks, where it has been collected.
    fn state_dict_of<'a>(&self, _: &[(&'a str, &'a Tensor<f32>)]) -> Result<OptimizerState> {
        let missing = || {
            let expected = "consolidate_state_dict to this rank since the last step";
            Error::argument("state_dict", expected, "a share of the state")
        };
        self.consolidated.clone().ok_or_else(missing)
    }

    /// Takes this rank's share of it.
    fn load_state_dict_of<'a>(
        &mut self,
        tensors: &[(&'a str, &'a Tensor<f32>)],
        state: &OptimizerState,
    ) -> Result<()> {
        let owners = self.owners(tensors.iter().map(|(_, value)| value.numel()))?;
        let is_others = |key: &str| {
            let mut others = tensors.iter().zip(&owners);
            let name = key.rsplit_once('.').map_or(key, |(name, _)| name);
            others.any(|((other, _), owner)| *other == name && *owner != self.ranks.rank())
        };
        let mut share = state.clone();
        share.tensors.retain(|key, _| !is_others(key));
        let own = self.own(tensors, &owners);
        self.optimizer.load_state_dict_of(&own, &share)?;
        self.consolidated = None;
        Ok(())
    }
}
