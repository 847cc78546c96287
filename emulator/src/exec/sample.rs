//! Some blocks of a launch in place of all, for programs whose counts are wanted and whose results are not.

use super::order::mix;

/// Which of a launch's clusters (most often single blocks) run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Clusters of the launch.
    pub all: u64,
    /// Those among them that run.
    pub taken: u64,
}

impl Sample {
    /// At most `most` of `all`; all where there is no limit.
    pub fn new(all: u64, most: Option<u64>) -> Sample {
        let taken = all.min(most.map_or(all, |most| most.max(1)));
        Sample { all, taken }
    }

    /// The number of the `n`th that runs: one out of each of `taken` equal parts, not always at the same place of it, so that
    /// edges come as often as they are there.
    pub fn nth(self, n: u64) -> u64 {
        if self.taken == self.all {
            return n;
        }
        let begin = |n: u64| (u128::from(n) * u128::from(self.all) / u128::from(self.taken)) as u64;
        let (first, next) = (begin(n), begin(n + 1));
        first + mix(n) % (next - first)
    }

    /// What all do, if those that run do `count`.
    pub fn scaled(self, count: u64) -> u64 {
        if self.taken == self.all {
            return count;
        }
        let taken = u128::from(self.taken);
        ((u128::from(count) * u128::from(self.all) + taken / 2) / taken) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_spread_over_the_grid() {
        for (all, most) in [(7, 7), (7, 3), (1000, 32), (33, 32), (5, 0), (1 << 40, 3)] {
            let sample = Sample::new(all, Some(most));
            assert_eq!(sample.taken, most.clamp(1, all));
            let numbers: Vec<u64> = (0..sample.taken).map(|n| sample.nth(n)).collect();
            assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]));
            for (n, number) in (0..).zip(&numbers) {
                let part = u128::from(*number) * u128::from(sample.taken) / u128::from(all);
                assert!(part.abs_diff(n) <= 1 && *number < all, "{number} of {all}");
            }
        }
        assert_eq!(Sample::new(9, None), Sample { all: 9, taken: 9 });
        // the right edge of rows of 32 is met, and not by each
        let sample = Sample::new(1024, Some(32));
        let edges = (0..32).filter(|&n| sample.nth(n) % 32 == 31).count();
        assert!(edges < 8);
    }

    #[test]
    fn counts_are_scaled_to_all() {
        let sample = Sample { all: 10, taken: 4 };
        assert_eq!([0, 4, 5].map(|n| sample.scaled(n)), [0, 10, 13]);
        assert_eq!(Sample::new(10, None).scaled(5), 5);
    }
}
