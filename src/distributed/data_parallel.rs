//! One model on every rank, kept the same.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::alike::{broadcast, same_on_every_rank};
use super::buckets::{Buckets, Caps};
use super::communicator::Communicator;
use super::shares::owners_of;
use crate::error::{Error, Result};
use crate::nn::{AnyTensor, Count, GradShares, Module, Parameter, Precision};
use crate::runtime::nccl::ReduceOp;
use crate::tensor::Tensor;

const OP: &str = "DistributedDataParallel";

/// A model that each rank has, and that learns on each from another part of a batch
/// (`torch.nn.parallel.DistributedDataParallel`).
///
/// It begins with rank 0's parameters and buffers. A backward averages the gradients over all ranks, so that optimizers,
/// which know nothing of it, make the same step on each: with a loss that is a mean over its batch, w ranks with b samples
/// each learn as one with w b. Gradients go in buckets of 25 MiB (the first of 1), the last layers' first, on a stream beside the device's,
/// while backward makes the next; what is queued after backward waits for them on the device, the host does not.
///
/// A parameter that a backward does not write keeps its gradient, the mean of what the ranks have. Keys are the model's
/// own, without PyTorch's `module.` before them, so files are those of one device.
///
/// ```no_run
/// use warpsmith::distributed::{Communicator, DistributedDataParallel};
/// use warpsmith::nn::optim::{Adam, Optimizer};
/// use warpsmith::nn::{CrossEntropyLoss, Linear, Module};
/// use warpsmith::{Generator, data};
///
/// let ranks = Communicator::from_env()?;
/// let mut generator = Generator::manual_seed(ranks.rank() as u64);
/// let (x, labels) = data::spiral(3, 100, &mut generator, ranks.device())?;
/// let model = Linear::new(2, 3, &mut generator, ranks.device())?;
/// let mut model = DistributedDataParallel::new(model, &ranks)?;
/// let (mut loss, mut adam) = (CrossEntropyLoss::new(), Adam::new(1e-2));
/// for _ in 0..10 {
///     loss.forward(&model.forward(&x)?, &labels)?;
///     model.backward_parameters(&loss.backward()?)?;
///     adam.step(&mut model)?;
/// }
/// # Ok::<(), warpsmith::Error>(())
/// ```
pub struct DistributedDataParallel<M: Module> {
    module: M,
    ranks: Communicator,
    buckets: Arc<Mutex<Buckets>>,
    sizes: Vec<usize>,
    caps: Caps,
    shares: Option<Shares>,
    broadcast_buffers: bool,
    training: bool,
}

impl<M: Module> DistributedDataParallel<M> {
    /// The same model on every rank, from rank 0's values.
    ///
    /// # Errors
    /// A parameter on another device than the rank's; a rank whose model has others, which is named; or a rank that has
    /// failed.
    pub fn new(mut module: M, ranks: &Communicator) -> Result<Self> {
        same_on_every_rank(OP, &mut module, ranks)?;
        let buffers = module.named_buffers();
        let mut buffers: Vec<_> = buffers.into_iter().map(|(_, buffer)| buffer).collect();
        broadcast(&mut buffers, ranks)?;
        let mut parameters = module.parameters();
        let mut values: Vec<_> = parameters.iter_mut().map(|p| &mut p.value).collect();
        broadcast(&mut values, ranks)?;
        let sizes: Vec<usize> = parameters.iter().map(|p| p.value.numel()).collect();
        let bytes: Vec<usize> = sizes.iter().map(|n| n * size_of::<f32>()).collect();
        let buckets = Buckets::new(ranks, &bytes, Caps::DEFAULT, None)?;
        let buckets = Arc::new(Mutex::new(buckets));
        for (at, parameter) in parameters.into_iter().enumerate() {
            let buckets = Arc::downgrade(&buckets);
            parameter.register_post_accumulate_grad_hook(move |grad| {
                let buckets = Weak::upgrade(&buckets);
                buckets.map_or(Ok(()), |buckets| lock(&buckets).ready(at, grad))
            });
        }
        Ok(Self {
            module,
            ranks: ranks.clone(),
            buckets,
            sizes,
            caps: Caps::DEFAULT,
            shares: None,
            broadcast_buffers: true,
            training: true,
        })
    }

    /// How many MiB of gradients close a bucket; without it the first is closed by 1 and the others by 25. A parameter that is
    /// larger is not divided. The same on every rank.
    ///
    /// # Errors
    /// A size that is negative or no number.
    pub fn bucket_cap_mb(mut self, mib: f64) -> Result<Self> {
        if mib.is_nan() || mib < 0.0 {
            return Err(Error::argument(OP, "a bucket_cap_mb of at least 0", mib));
        }
        self.caps = Caps::of((mib * f64::from(1 << 20)) as usize);
        self.with_buckets()
    }

    /// Whether each gradient is averaged only on the rank whose share of a
    /// [`ZeroRedundancyOptimizer`](super::ZeroRedundancyOptimizer) it is (DeepSpeed's `reduce_scatter`), and is zero on the
    /// others after a backward. With the parameters that the optimizer then sends ranks move as much as for averages without
    /// one, 2 (w - 1) / w of the parameters' bytes; with averages everywhere it would be half as much again.
    ///
    /// The optimizer's steps are the same, but that NCCL may add up in another order. [`clip_grad_norm_`](crate::nn::clip_grad_norm_)
    /// and a [`GradScaler`](crate::nn::GradScaler) ask all ranks, whose shares of a norm are added up in another order too. Of
    /// other optimizers it is an error to step. The same on every rank.
    ///
    /// # Errors
    /// Fewer parameters than ranks.
    pub fn reduce_scatter(mut self, shares: bool) -> Result<Self> {
        self.shares = match shares {
            false => None,
            true => Some(Shares {
                // in elements, as the optimizer counts
                owners: owners_of(OP, &self.sizes, &self.ranks)?,
                ranks: self.ranks.clone(),
            }),
        };
        self.with_buckets()
    }

    fn with_buckets(self) -> Result<Self> {
        let bytes: Vec<_> = self.sizes.iter().map(|n| n * size_of::<f32>()).collect();
        let owners = self.shares.as_ref().map(|shares| shares.owners.clone());
        let buckets = Buckets::new(&self.ranks, &bytes, self.caps, owners)?;
        *lock(&self.buckets) = buckets;
        Ok(self)
    }

    /// Whether a forward in training begins with rank 0's buffers, such as a batch norm's running statistics; it does until
    /// told otherwise. The same on every rank.
    #[must_use]
    pub fn broadcast_buffers(mut self, broadcast: bool) -> Self {
        self.broadcast_buffers = broadcast;
        self
    }

    /// How many buckets the gradients go in.
    pub fn buckets(&self) -> usize {
        lock(&self.buckets).len()
    }

    /// Does `work` without averaging gradients (`DistributedDataParallel.no_sync`): the parts of a batch but the last, whose
    /// backward, with [`Module::accumulate_grad`], averages what has been added up.
    pub fn no_sync<R>(&mut self, work: impl FnOnce(&mut Self) -> R) -> R {
        // its own way to the buckets: `work` has all of the model
        let restored = Restored {
            sync: std::mem::replace(&mut lock(&self.buckets).sync, false),
            buckets: self.buckets.clone(),
        };
        let made = work(self);
        drop(restored);
        made
    }

    /// The ranks that it is on.
    pub fn ranks(&self) -> &Communicator {
        &self.ranks
    }

    /// The model.
    pub fn module(&mut self) -> &mut M {
        &mut self.module
    }

    /// The model alone, whose backwards average nothing any more.
    pub fn into_inner(self) -> M {
        self.module
    }

    fn before_forward(&mut self) -> Result<()> {
        if !(self.broadcast_buffers && self.training) {
            return Ok(());
        }
        let buffers = self.module.named_buffers();
        let mut buffers: Vec<_> = buffers.into_iter().map(|(_, buffer)| buffer).collect();
        broadcast(&mut buffers, &self.ranks)
    }

    /// A backward, and then the device's stream behind all averages.
    fn averaged<R>(&mut self, backward: impl FnOnce(&mut M) -> Result<R>) -> Result<R> {
        let parameters = self.module.parameters().into_iter();
        let grads = parameters.map(|p| (&mut p.grad, p.accumulate)).collect();
        lock(&self.buckets).begin(grads)?;
        let made = backward(&mut self.module);
        let grads = self.module.parameters().into_iter();
        let grads = grads.map(|parameter| &mut parameter.grad).collect();
        let mut buckets = lock(&self.buckets);
        match made {
            Ok(made) => buckets.finish(grads).map(|()| made),
            Err(error) => {
                // what has gone is waited for, and its error is the first
                let _ = buckets.forget();
                Err(error)
            }
        }
    }
}

impl<M: Module> Module for DistributedDataParallel<M> {
    fn forward(&mut self, input: &Tensor<f32>) -> Result<Tensor<f32>> {
        self.before_forward()?;
        self.module.forward(input)
    }
    fn backward(&mut self, grad: &Tensor<f32>) -> Result<Tensor<f32>> {
        self.averaged(|module| module.backward(grad))
    }
    fn backward_parameters(&mut self, grad: &Tensor<f32>) -> Result<()> {
        self.averaged(|module| module.backward_parameters(grad))
    }
    fn forward_any(&mut self, input: &AnyTensor) -> Result<AnyTensor> {
        self.before_forward()?;
        self.module.forward_any(input)
    }
    fn backward_any(&mut self, grad: &AnyTensor) -> Result<AnyTensor> {
        self.averaged(|module| module.backward_any(grad))
    }
    fn backward_parameters_any(&mut self, grad: &AnyTensor) -> Result<()> {
        self.averaged(|module| module.backward_parameters_any(grad))
    }
    fn parameters(&mut self) -> Vec<&mut Parameter> {
        self.module.parameters()
    }
    fn named_parameters(&mut self) -> Vec<(String, &mut Parameter)> {
        self.module.named_parameters()
    }
    fn named_buffers(&mut self) -> Vec<(String, &mut Tensor<f32>)> {
        self.module.named_buffers()
    }
    fn grad_shares(&self) -> Option<&dyn GradShares> {
        let shares = self.shares.as_ref();
        shares.map(|shares| shares as &dyn GradShares)
    }
    fn named_counts(&mut self) -> Vec<(String, Count<'_>)> {
        self.module.named_counts()
    }
    fn train(&mut self, training: bool) {
        self.training = training;
        self.module.train(training);
    }
    fn set_precision(&mut self, precision: Precision) {
        self.module.set_precision(precision);
    }
    fn describe(&self) -> String {
        format!("{OP}({})", self.module.describe())
    }
}

/// Whose gradients are whose.
struct Shares {
    owners: Vec<usize>,
    ranks: Communicator,
}

impl GradShares for Shares {
    fn sum(&self, of_share: &mut Tensor<f32>) -> Result<()> {
        self.ranks.all_reduce(of_share, ReduceOp::Sum)
    }
}

/// Whether gradients are averaged, as it was; also where what is done meanwhile panics.
struct Restored {
    buckets: Arc<Mutex<Buckets>>,
    sync: bool,
}

impl Drop for Restored {
    fn drop(&mut self) {
        lock(&self.buckets).sync = self.sync;
    }
}

fn lock(buckets: &Mutex<Buckets>) -> MutexGuard<'_, Buckets> {
    // a backward begins by forgetting what is half done
    buckets.lock().unwrap_or_else(PoisonError::into_inner)
}
