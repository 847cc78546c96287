//! Dropout on the CPU: Philox for many counters at once, then one multiplication an element.

use super::DropoutOptions;
use crate::cpu::{TASK, share_out, vectorized};
use crate::element::Float;

/// Counters worked on together; each gives four numbers.
const COUNTERS: usize = 64;
const BLOCK: usize = 4 * COUNTERS;

pub(crate) fn dropout<T: Float>(x: &[T], y: &mut [T], options: &DropoutOptions) {
    // tasks begin at whole blocks, so that a counter is one task's alone
    share_out(y, TASK, |at, y| {
        let mut wide = [0.0; BLOCK];
        let x = x[at..at + y.len()].chunks(BLOCK);
        for (i, (x, y)) in x.zip(y.chunks_mut(BLOCK)).enumerate() {
            let wide = &mut wide[..x.len()];
            T::widen(x, wide);
            drop_some(wide, at + i * BLOCK, options);
            T::narrow(wide, y);
        }
    });
}

/// A block, which begins at this place.
fn drop_some(values: &mut [f32], at: usize, options: &DropoutOptions) {
    let (threshold, scale) = (options.threshold(), options.scale());
    vectorized!({
        let random = philox((at / 4) as u64, options.call, options.seed);
        for (j, v) in values.iter_mut().enumerate() {
            let dropped = u64::from(random[j % 4][j / 4]) < threshold;
            *v *= if dropped { 0.0 } else { scale };
        }
    });
}

/// Philox 4x32-10 of the counters `first..first + COUNTERS`, word by word.
#[inline(always)]
#[allow(clippy::needless_range_loop, reason = "four arrays at one place")]
fn philox(first: u64, call: u64, seed: u64) -> [[u32; COUNTERS]; 4] {
    let [mut a, mut b] = [[0_u32; COUNTERS]; 2];
    let mut c = [call as u32; COUNTERS];
    let mut d = [(call >> 32) as u32; COUNTERS];
    for (i, (a, b)) in a.iter_mut().zip(&mut b).enumerate() {
        let counter = first.wrapping_add(i as u64);
        (*a, *b) = (counter as u32, (counter >> 32) as u32);
    }
    let (mut k0, mut k1) = (seed as u32, (seed >> 32) as u32);
    for _ in 0..10 {
        for i in 0..COUNTERS {
            let from_a = 0xD251_1F53 * u64::from(a[i]);
            let from_c = 0xCD9E_8D57 * u64::from(c[i]);
            a[i] = (from_c >> 32) as u32 ^ b[i] ^ k0;
            b[i] = from_c as u32;
            c[i] = (from_a >> 32) as u32 ^ d[i] ^ k1;
            d[i] = from_a as u32;
        }
        k0 = k0.wrapping_add(0x9E37_79B9);
        k1 = k1.wrapping_add(0xBB67_AE85);
    }
    [a, b, c, d]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The known answers that Random123, the authors' own library, publishes for philox4x32-10.
    #[test]
    fn philox_gives_the_known_answers() {
        let words = |random: [[u32; COUNTERS]; 4]| random.map(|word| word[0]);
        assert_eq!(
            words(philox(0, 0, 0)),
            [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]
        );
        assert_eq!(
            words(philox(u64::MAX, u64::MAX, u64::MAX)),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        );
        assert_eq!(
            words(philox(
                0x85a3_08d3_243f_6a88,
                0x0370_7344_1319_8a2e,
                0x299f_31d0_a409_3822
            )),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }
}
