//! Gradients in buckets, which go to the other ranks while backward makes the next.

use super::communicator::Communicator;
use crate::error::{Error, Result};
use crate::runtime::nccl::{Overlap, ReduceOp, group};
use crate::tensor::Tensor;

const OP: &str = "DistributedDataParallel";

/// The most bytes of a bucket, of the first and of the others: PyTorch's. A small first one is soon on its way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caps {
    pub(super) first: usize,
    pub(super) others: usize,
}

impl Caps {
    pub(super) const DEFAULT: Self = Self::of(25 << 20);

    pub(super) const fn of(bytes: usize) -> Self {
        let first = if bytes < 1 << 20 { bytes } else { 1 << 20 };
        let others = bytes;
        Self { first, others }
    }
}

/// Which parameters are in which bucket, in the order in which backward makes their gradients: the last ones first. Each
/// has at least one parameter, and as many as fit.
pub(super) fn cut(sizes: &[usize], caps: Caps) -> Vec<Vec<usize>> {
    let mut buckets: Vec<Vec<usize>> = Vec::new();
    let mut bytes = 0;
    for (parameter, size) in sizes.iter().enumerate().rev() {
        let cap = if buckets.len() == 1 {
            caps.first
        } else {
            caps.others
        };
        match buckets.last_mut() {
            Some(last) if bytes + size <= cap => {
                last.push(parameter);
                bytes += size;
            }
            _ => {
                buckets.push(vec![parameter]);
                bytes = *size;
            }
        }
    }
    buckets
}

/// A bucket's gradients, as far as this backward has made them.
struct Bucket {
    grads: Vec<Option<Tensor<f32>>>,
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
    /// Whether gradients are averaged.
    pub(super) sync: bool,
}

impl Buckets {
    /// For parameters of so many bytes.
    pub(super) fn new(ranks: &Communicator, sizes: &[usize], caps: Caps) -> Result<Self> {
        let cut = cut(sizes, caps);
        let mut places = vec![(0, 0); sizes.len()];
        for (bucket, parameters) in cut.iter().enumerate() {
            for (at, parameter) in parameters.iter().enumerate() {
                places[*parameter] = (bucket, at);
            }
        }
        let empty = |parameters: &Vec<usize>| Bucket {
            grads: vec![None; parameters.len()],
        };
        Ok(Self {
            ranks: ranks.clone(),
            buckets: cut.iter().map(empty).collect(),
            places,
            next: 0,
            overlap: ranks.beside()?,
            sync: true,
        })
    }

    /// How many buckets there are.
    pub(super) fn len(&self) -> usize {
        self.buckets.len()
    }

    /// A backward begins; what is left of one that failed is forgotten.
    pub(super) fn begin(&mut self) -> Result<()> {
        for bucket in &mut self.buckets {
            bucket.grads.fill(None);
        }
        self.next = 0;
        self.overlap.join()
    }

    /// Takes a gradient that has been written. A bucket goes when its last is here, and those before it have gone.
    pub(super) fn ready(&mut self, parameter: usize, grad: &mut Tensor<f32>) -> Result<()> {
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
        for (parameter, grad) in grads.into_iter().enumerate() {
            let (bucket, at) = self.places[parameter];
            if bucket >= self.next && self.buckets[bucket].grads[at].is_none() {
                self.ready(parameter, grad)?;
            }
        }
        self.overlap.join()
    }

    fn is_full(&self, bucket: usize) -> bool {
        self.buckets[bucket].grads.iter().all(Option::is_some)
    }

    /// Sends the next bucket on its way: its gradients where they are, which NCCL joins.
    fn go(&mut self) -> Result<()> {
        self.overlap.begin()?;
        let grads = &mut self.buckets[self.next].grads;
        group(|| {
            let mut grads = grads.iter_mut().flatten();
            grads.try_for_each(|grad| {
                let op = ReduceOp::Avg;
                self.ranks.all_reduce_beside(grad, op, &mut self.overlap)
            })
        })?;
        // the stream beside keeps their memory
        grads.fill(None);
        self.next += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_cut_from_the_end_and_hold_what_fits() {
        let caps = Caps {
            first: 10,
            others: 20,
        };
        assert_eq!(cut(&[], caps), Vec::<Vec<usize>>::new());
        assert_eq!(cut(&[4, 4, 4], caps), [vec![2, 1], vec![0]]);
        // larger than any bucket
        assert_eq!(cut(&[4, 50, 4], caps), [vec![2], vec![1], vec![0]]);
        assert_eq!(
            cut(&[8, 8, 8, 8, 6], caps),
            [vec![4], vec![3, 2], vec![1, 0]]
        );
        assert_eq!(cut(&[1, 2, 3], Caps::of(0)), [vec![2], vec![1], vec![0]]);
        assert_eq!(cut(&[1, 2, 3], Caps::DEFAULT), [vec![2, 1, 0]]);
        assert_eq!(
            (Caps::DEFAULT.first, Caps::DEFAULT.others),
            (1 << 20, 25 << 20)
        );
    }
}
