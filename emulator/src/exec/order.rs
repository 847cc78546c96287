//! Blocks and warps in another order than from the first to the last: hardware promises none.

/// An order for every seed.
#[derive(Clone, Copy, Debug)]
pub struct Order(pub u64);

impl Order {
    /// Which of `count` comes as number `n`; `round` makes it another order each time.
    pub fn nth(self, round: u64, n: u64, count: u64) -> u64 {
        let random = mix(self.0 ^ mix(round));
        // steps of a length that shares no divisor with the count meet everybody once
        let mut step = random % count + 1;
        while divisor(step, count) != 1 {
            step += 1;
        }
        let product = u128::from(n) * u128::from(step) + u128::from(random >> 32);
        (product % u128::from(count)) as u64
    }
}

fn divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { divisor(b, a % b) }
}

/// A number that looks random (the finaliser of SplitMix64).
pub fn mix(seed: u64) -> u64 {
    let z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ z >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_comes_once_and_seldom_in_line() {
        let mut lines = 0;
        for seed in 0..20 {
            for count in [1, 2, 7, 32, 60, 1000] {
                let came: Vec<u64> = (0..count).map(|n| Order(seed).nth(3, n, count)).collect();
                let mut sorted = came.clone();
                sorted.sort_unstable();
                assert_eq!(sorted, (0..count).collect::<Vec<_>>(), "{seed} {count}");
                lines += usize::from(count > 2 && came == sorted);
            }
        }
        assert!(lines < 10, "{lines}");
    }
}
