//! Bank conflicts of shared memory: 32 banks, each four bytes wide.

use crate::exec::state::{Access, Lanes};
use cuda_emulator_counts::Shared;

const BANKS: u64 = 32;

/// Lanes that are served together: of 4 bytes or less the whole warp, else as many as have 128 bytes between them.
fn part(bytes: u32) -> usize {
    match bytes {
        0..=4 => 32,
        5..=8 => 16,
        _ => 8,
    }
}

/// Counts an access: lanes that want one word share it, lanes that want different words of a bank take turns.
pub fn count(sum: &mut Shared, access: &Access) {
    sum.accesses += 1;
    let size = part(access.bytes);
    for first in (0..32).step_by(size) {
        let lanes = access.lanes & ((u64::from(u32::MAX) >> (32 - size)) << first) as u32;
        if lanes != 0 {
            sum.wavefronts += turns(access, lanes);
            sum.ideal += 1;
        }
    }
}

/// The most different words that lanes want of any bank.
fn turns(access: &Access, lanes: u32) -> u64 {
    let mut words = Vec::with_capacity(64);
    for lane in Lanes(lanes) {
        let at = access.at[lane];
        words.extend(at / 4..=(at + u64::from(access.bytes) - 1) / 4);
    }
    words.sort_unstable();
    words.dedup();
    let mut wanted = [0; BANKS as usize];
    for word in words {
        wanted[(word % BANKS) as usize] += 1;
    }
    wanted.into_iter().max().unwrap_or(0)
}
