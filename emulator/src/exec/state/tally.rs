//! The counts of a launch while it runs.

use super::traffic::{Touched, Traffic};
use crate::memory::Range;
use cuda_emulator_counts::{Class, Counts, Shared};
use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// The counts of a launch, shared by its workers.
pub struct Counting {
    pub total: Mutex<Tally>,
    pub read: Touched,
    pub written: Touched,
}

impl Counting {
    pub fn new(ranges: &[Range]) -> Counting {
        Counting {
            total: Mutex::default(),
            read: Touched::new(ranges),
            written: Touched::new(ranges),
        }
    }

    /// What the warps did; `scale` makes a count of those that ran one of all.
    pub fn finish(self, scale: impl Fn(u64) -> u64) -> Counts {
        let tally = self
            .total
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let shared = |counted: Shared| Shared {
            accesses: scale(counted.accesses),
            wavefronts: scale(counted.wavefronts),
            ideal: scale(counted.ideal),
        };
        let by_class = Class::ALL.iter().zip(tally.instructions);
        Counts {
            instructions: by_class
                .filter(|(_, n)| *n > 0)
                .map(|(class, n)| (*class, scale(n)))
                .collect(),
            lanes: scale(tally.lanes),
            branches: scale(tally.branches),
            diverged: scale(tally.diverged),
            global_read: tally.read.counts(&self.read, &scale),
            global_written: tally.written.counts(&self.written, &scale),
            shared_read: shared(tally.shared_read),
            shared_written: shared(tally.shared_written),
            tensor_flop: scale(tally.tensor_flop),
            ..Counts::default()
        }
    }
}

/// Sectors of global memory that a block has touched.
#[derive(Default)]
pub struct Sectors {
    pub read: HashSet<u64>,
    pub written: HashSet<u64>,
}

/// The counts of one worker.
#[derive(Default)]
pub struct Tally {
    pub instructions: [u64; Class::ALL.len()],
    pub lanes: u64,
    pub branches: u64,
    pub diverged: u64,
    pub read: Traffic,
    pub written: Traffic,
    pub shared_read: Shared,
    pub shared_written: Shared,
    pub tensor_flop: u64,
}

impl Tally {
    pub fn add(&mut self, other: &Tally) {
        for (sum, n) in self.instructions.iter_mut().zip(other.instructions) {
            *sum += n;
        }
        self.lanes += other.lanes;
        self.branches += other.branches;
        self.diverged += other.diverged;
        self.read.add(&other.read);
        self.written.add(&other.written);
        self.shared_read.add(&other.shared_read);
        self.shared_written.add(&other.shared_written);
        self.tensor_flop += other.tensor_flop;
    }
}
