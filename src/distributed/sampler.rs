//! Which samples each rank learns from.

use super::communicator::Communicator;
use crate::data::order;
use crate::error::{Error, Result};

/// Deals out the samples of a data set to ranks, as many to each (`torch.utils.data.DistributedSampler`).
///
/// In an epoch the samples are put in an order, the same on every rank, and rank r of w gets those at r, r + w, r + 2 w
/// and so on. Where w does not divide them, the first ones come once more at the end; or, with
/// [`drop_last`](DistributedSampler::drop_last), what is left over is left out.
///
/// ```
/// use warpsmith::distributed::DistributedSampler;
///
/// let second = DistributedSampler::of(1, 2, 5)?.shuffle(None);
/// assert_eq!(second.indices(0), [1, 3, 0]);
/// assert_eq!(second.drop_last().indices(0), [1, 3]);
/// # Ok::<(), warpsmith::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct DistributedSampler {
    rank: usize,
    ranks: usize,
    samples: usize,
    seed: Option<u64>,
    drop_last: bool,
}

impl DistributedSampler {
    /// Of so many samples, for a communicator's rank; shuffled with seed 0.
    ///
    /// # Errors
    /// No samples.
    pub fn new(samples: usize, ranks: &Communicator) -> Result<Self> {
        Self::of(ranks.rank(), ranks.world_size(), samples)
    }

    /// For this rank of so many, without a communicator.
    ///
    /// # Errors
    /// No samples, or a rank that there is not.
    pub fn of(rank: usize, ranks: usize, samples: usize) -> Result<Self> {
        const OP: &str = "DistributedSampler";
        if rank >= ranks {
            let expected = format!("a rank below {ranks}");
            return Err(Error::argument(OP, expected, rank));
        }
        if samples == 0 {
            return Err(Error::argument(OP, "at least one sample", samples));
        }
        Ok(Self {
            rank,
            ranks,
            samples,
            seed: Some(0),
            drop_last: false,
        })
    }

    /// The seed of every epoch's order, the same on every rank; `None` leaves the samples in theirs.
    #[must_use]
    pub fn shuffle(mut self, seed: impl Into<Option<u64>>) -> Self {
        self.seed = seed.into();
        self
    }

    /// Leaves out what is left over, at most one sample less than there are ranks.
    #[must_use]
    pub fn drop_last(mut self) -> Self {
        self.drop_last = true;
        self
    }

    /// How many samples a rank gets in an epoch.
    pub fn len(&self) -> usize {
        match self.drop_last {
            true => self.samples / self.ranks,
            false => self.samples.div_ceil(self.ranks),
        }
    }

    /// Whether a rank gets none: with [`DistributedSampler::drop_last`] and fewer samples than ranks.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rank's samples in an epoch (PyTorch's `set_epoch` and `__iter__`). With a seed the order that they are dealt out
    /// in is that of a [`DataLoader`](crate::data::DataLoader) which is shuffled with it, so batches of b on w ranks are
    /// together its batches of w b.
    pub fn indices(&self, epoch: u64) -> Vec<usize> {
        let order = order(self.seed, epoch, self.samples);
        let mine = (0..self.len()).map(|i| self.rank + i * self.ranks);
        mine.map(|i| order[i % self.samples]).collect()
    }
}
