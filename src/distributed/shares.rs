//! Which rank has which parameter, where ranks share them out.

use super::communicator::Communicator;
use crate::error::{Error, Result};

/// Whose each parameter of so many elements is.
///
/// # Errors
/// Fewer parameters than ranks.
pub(super) fn owners_of(
    op: &'static str,
    sizes: &[usize],
    ranks: &Communicator,
) -> Result<Vec<usize>> {
    let ranks = ranks.world_size();
    if sizes.len() < ranks {
        let expected = format!("at least a parameter for each of {ranks} ranks");
        return Err(Error::argument(op, expected, sizes.len()));
    }
    Ok(owners(sizes, ranks))
}

/// Whole parameters, the largest first, each to the rank that has least, of several the first: PyTorch's way.
fn owners(sizes: &[usize], ranks: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by_key(|at| std::cmp::Reverse(sizes[*at]));
    let mut shares = vec![(0, 0); ranks];
    let mut owners = vec![0; sizes.len()];
    for at in order {
        let least = (0..ranks).min_by_key(|rank| shares[*rank]).unwrap_or(0);
        // of what has no elements each takes one
        shares[least].0 += sizes[at];
        shares[least].1 += 1;
        owners[at] = least;
    }
    owners
}

#[cfg(test)]
mod tests {
    use super::owners;

    #[test]
    fn shares_are_even_and_nobody_has_none() {
        assert_eq!(owners(&[3, 9, 4, 4, 1], 2), [1, 0, 1, 1, 0]);
        assert_eq!(owners(&[5, 5, 5], 3), [0, 1, 2]);
        assert_eq!(owners(&[0, 0, 0], 2), [0, 1, 0]);
        assert_eq!(owners(&[7, 1], 1), [0, 0]);
    }
}
