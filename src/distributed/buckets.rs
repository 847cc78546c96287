//! Gradients in buckets, which go to the other ranks while backward makes the next.

use super::communicator::Communicator;
use crate::error::{Error, Result};
use crate::runtime::nccl::{Overlap, ReduceOp, group};
use crate::tensor::Tensor;

const OP: &str = "DistributedDataParallel";
const AVG: ReduceOp = ReduceOp::Avg;

/// How many bytes close a bucket, the first and the others: PyTorch's where nobody says otherwise. A small first one is soon
/// on its way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caps {
    pub(super) first: usize,
    pub(super) others: usize,
}

impl Caps {
    pub(super) const DEFAULT: Self = Self {
        first: 1 << 20,
        others: 25 << 20,
    };

    pub(super) const fn of(bytes: usize) -> Self {
        let (first, others) = (bytes, bytes);
        Self { first, others }
    }
}

/// Which parameters are in which bucket, in the order in which backward makes their gradients: the last ones first. One is
/// closed by the parameter with which it has as many bytes as its cap, or more.
pub(super) fn cut(sizes: &[usize], caps: Caps) -> Vec<Vec<usize>> {
    let mut buckets: Vec<Vec<usize>> = Vec::new();
    let mut open = None;
    for (parameter, size) in sizes.iter().enumerate().rev() {
        match (buckets.last_mut(), open) {
            (Some(last), Some(bytes)) => {
                last.push(parameter);
                open = Some(bytes + size);
            }
            _ => {
                buckets.push(vec![parameter]);
                open = Some(*size);
            }
        }
        let cap = if buckets.len() == 1 {
            caps.first
        } else {
            caps.others
        };
        open = open.filter(|bytes| *bytes < cap);
    }
    buckets
}

/// A bucket's gradients, as far as this backward has made them.
struct Bucket {
    parameters: Vec<usize>,
    grads: Vec<Option<Tensor<f32>>>,
}

/// Gradients that are averaged on one rank each.
struct Shared {
    /// Of each parameter the rank.
    owners: Vec<usize>,
    /// Whether the last that was done with a parameter's gradient was that: its owner has it, and the others have zeros.
    given: Vec<bool>,
}

/// Averages gradients over all ranks.
pub(super) struct Buckets {
    ranks: Communicator,
    buckets: Vec<Bucket>,
    /// Of each parameter its bucket, and its place in it.
    places: Vec<(usize, usize)>,
    /// The first that has not gone: they go in one order, on every rank.
    next: usize,
    overlap: Overlap,
    /// Where each rank gets its share, and not all of them all.
    shared: Option<Shared>,
    /// Whether gradients are averaged.
    pub(super) sync: bool,
}

impl Buckets {
    /// For parameters of so many bytes; with owners each gradient is averaged on the rank that is its parameter's.
    pub(super) fn new(
        ranks: &Communicator,
        sizes: &[usize],
        caps: Caps,
        owners: Option<Vec<usize>>,
    ) -> Result<Self> {
        let cut = cut(sizes, caps);
        let mut places = vec![(0, 0); sizes.len()];
        for (bucket, parameters) in cut.iter().enumerate() {
            for (at, parameter) in parameters.iter().enumerate() {
                places[*parameter] = (bucket, at);
            }
        }
        let empty = |parameters: Vec<usize>| Bucket {
            grads: vec![None; parameters.len()],
            parameters,
        };
        Ok(Self {
            ranks: ranks.clone(),
            buckets: cut.into_iter().map(empty).collect(),
            places,
            next: 0,
            overlap: ranks.beside()?,
            shared: owners.map(|owners| Shared {
                given: vec![false; owners.len()],
                owners,
            }),
            sync: true,
        })
    }

    /// How many buckets there are.
    pub(super) fn len(&self) -> usize {
        self.buckets.len()
    }

    /// A backward begins, which adds to gradients or writes them anew; what is left of one that failed is forgotten.
    pub(super) fn begin(&mut self, grads: Vec<(&mut Tensor<f32>, bool)>) -> Result<()> {
        self.forget()?;
        for (parameter, (grad, accumulate)) in grads.into_iter().enumerate() {
            if accumulate {
                self.take_back(parameter, grad)?;
            }
        }
        Ok(())
    }

    /// Waits for what has gone, and forgets what has not.
    pub(super) fn forget(&mut self) -> Result<()> {
        for bucket in &mut self.buckets {
            bucket.grads.fill(None);
        }
        self.next = 0;
        self.overlap.join()
    }

    /// Makes a gradient that one rank has for all one that each could have: its average over the ranks is what it was.
    fn take_back(&mut self, parameter: usize, grad: &mut Tensor<f32>) -> Result<()> {
        let Some(shared) = &mut self.shared else {
            return Ok(());
        };
        let given = std::mem::replace(&mut shared.given[parameter], false);
        match given && shared.owners[parameter] == self.ranks.rank() {
            true => grad.mul_(self.ranks.world_size() as f32),
            false => Ok(()),
        }
    }

    /// Takes a gradient that has been written. A bucket goes when its last is here, and those before it have gone.
    pub(super) fn ready(&mut self, parameter: usize, grad: &mut Tensor<f32>) -> Result<()> {
        if let Some(shared) = &mut self.shared {
            shared.given[parameter] = false;
        }
        if !self.sync {
            return Ok(());
        }
        let (bucket, at) = self.places[parameter];
        let place = &mut self.buckets[bucket].grads[at];
        if bucket < self.next || place.is_some() {
            let expected = "each gradient written once in a backward";
            return Err(Error::argument(OP, expected, "one written again"));
        }
        *place = Some(grad.alias()?);
        while self.next < self.buckets.len() && self.is_full(self.next) {
            self.go()?;
        }
        Ok(())
    }

    /// Backward is over: takes the gradients that it did not write as they are, and has the device's stream wait for all.
    pub(super) fn finish(&mut self, grads: Vec<&mut Tensor<f32>>) -> Result<()> {
        if !self.sync {
            return Ok(());
        }
        let mut grads = grads;
        for (parameter, grad) in grads.iter_mut().enumerate() {
            let (bucket, at) = self.places[parameter];
            if bucket >= self.next && self.buckets[bucket].grads[at].is_none() {
                self.take_back(parameter, grad)?;
                self.ready(parameter, grad)?;
            }
        }
        self.overlap.join()?;
        let Some(shared) = &mut self.shared else {
            return Ok(());
        };
        shared.given.fill(true);
        let mut others = grads.into_iter().zip(&shared.owners);
        others.try_for_each(|(grad, owner)| match *owner == self.ranks.rank() {
            true => Ok(()),
            false => grad.fill_(0.0),
        })
    }

    fn is_full(&self, bucket: usize) -> bool {
        self.buckets[bucket].grads.iter().all(Option::is_some)
    }

    /// Sends the next bucket on its way: its gradients where they are, which NCCL joins.
    fn go(&mut self) -> Result<()> {
        self.overlap.begin()?;
        let bucket = &mut self.buckets[self.next];
        let (ranks, overlap) = (&self.ranks, &mut self.overlap);
        let owners = self.shared.as_ref().map(|shared| &shared.owners);
        group(|| {
            let mut grads = bucket.parameters.iter().zip(&mut bucket.grads);
            grads.try_for_each(|(parameter, grad)| match (grad, owners) {
                (None, _) => Ok(()),
                (Some(grad), None) => ranks.all_reduce_beside(grad, AVG, overlap),
                (Some(grad), Some(owners)) => {
                    ranks.reduce_beside(grad, owners[*parameter], AVG, overlap)
                }
            })
        })?;
        // the stream beside keeps their memory
        bucket.grads.fill(None);
        self.next += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_cut_from_the_end_and_closed_by_what_fills_them() {
        let caps = Caps {
            first: 10,
            others: 20,
        };
        assert_eq!(cut(&[], caps), Vec::<Vec<usize>>::new());
        assert_eq!(cut(&[4, 4, 4, 4], caps), [vec![3, 2, 1], vec![0]]);
        // exactly as many
        assert_eq!(cut(&[1, 5, 5], caps), [vec![2, 1], vec![0]]);
        // larger than any bucket, and with what came before it
        assert_eq!(cut(&[4, 50, 4], caps), [vec![2, 1], vec![0]]);
        assert_eq!(
            cut(&[8, 9, 8, 8, 8, 6], caps),
            [vec![5, 4], vec![3, 2, 1], vec![0]]
        );
        assert_eq!(cut(&[1, 2, 3], Caps::of(0)), [vec![2], vec![1], vec![0]]);
        assert_eq!(cut(&[1, 2, 3], Caps::of(4)), [vec![2, 1], vec![0]]);
        assert_eq!(cut(&[1, 2, 3], Caps::DEFAULT), [vec![2, 1, 0]]);
        let (first, others) = (1 << 20, 25 << 20);
        assert_eq!(
            cut(&[1, others - 1, 1, first], Caps::DEFAULT),
            [vec![3], vec![2, 1], vec![0]]
        );
    }
}
