//! Accesses in one go find what the same accesses find lane by lane, in random orders of accesses and barriers.

use super::*;
use crate::exec::order::mix;
use std::fmt::Debug;

const WARPS: usize = 3;
const WORDS: u32 = 160;

/// Two shadows of the same accesses.
#[derive(Default)]
struct Pair {
    together: SharedShadow,
    singly: SharedShadow,
}

impl Pair {
    fn fresh(&mut self) {
        let wanted = Wanted {
            races: true,
            uninitialised: true,
            ..Wanted::default()
        };
        for shadow in [&mut self.together, &mut self.singly] {
            shadow.reset(4 * WORDS as usize, WARPS, wanted);
            // the last words stay unwritten
            for word in 0..WORDS - 32 {
                let access = Access {
                    thread: 0,
                    strong: false,
                    line: 0,
                };
                assert_eq!(shadow.write(access, 4 * word, 4), None);
            }
        }
        self.barrier(&[0, 1, 2]);
    }

    fn barrier(&mut self, warps: &[usize]) {
        for shadow in [&mut self.together, &mut self.singly] {
            let mut joined = Knowledge::default();
            for warp in warps {
                joined.join(&shadow.arrive(*warp));
            }
            for warp in warps {
                shadow.pass(*warp, &joined);
            }
        }
    }

    fn warp_barrier(&mut self, warp: usize) {
        self.together.warp_barrier(warp);
        self.singly.warp_barrier(warp);
    }

    fn byte(&mut self, thread: u32, address: u32, line: u32) {
        let access = Access {
            thread,
            strong: false,
            line,
        };
        let found = [&mut self.together, &mut self.singly]
            .map(|shadow| shadow.write(access, address, 1).is_some());
        assert_eq!(found[0], found[1], "{line}");
    }

    /// Both cells of a word, without what may differ: which of the lines that read is kept, and a row's number.
    fn cells(&self, word: usize) -> [Cell; 2] {
        [&self.together, &self.singly].map(|shadow| {
            let mut cell = shadow.words.get(word);
            cell.read_line = 0;
            if cell.read_thread & cell::THREAD == cell::ROW {
                cell.read_warps = 0;
            }
            cell
        })
    }

    /// What the lanes of a warp find, whose eights begin at `first`: in one go, then singly.
    fn access(&mut self, warp: u32, write: bool, eights: Eights, line: u32) -> [Vec<bool>; 2] {
        let left = match write {
            true if self.together.write_eights(warp, line, &eights) => 0,
            true => u32::MAX,
            false => self.together.read_eights(warp, line, &eights),
        };
        let step = u32::from(eights.pattern == Pattern::Side);
        let at = std::array::from_fn(|l| eights.first[l / 8] + l as u32 % 8 * step * eights.size);
        self.singly((warp, write, line), &at, eights.size, u32::MAX, left)
    }

    /// As `access`, wherever the lanes go, and some of them only.
    fn access_lanes(
        &mut self,
        (warp, write, line): (u32, bool, u32),
        at: &[u32; 32],
        size: u32,
        active: u32,
    ) -> [Vec<bool>; 2] {
        let left = match write {
            true => self.together.write_lanes((warp, line), at, size, active),
            false => self.together.read_lanes((warp, line), at, size, active),
        };
        self.singly((warp, write, line), at, size, active, left)
    }

    fn singly(
        &mut self,
        (warp, write, line): (u32, bool, u32),
        at: &[u32; 32],
        size: u32,
        active: u32,
        left: u32,
    ) -> [Vec<bool>; 2] {
        let mut found = [(); 2].map(|()| vec![]);
        for lane in (0..32).filter(|l| active >> l & 1 != 0) {
            let address = at[lane as usize];
            let access = Access {
                thread: warp * 32 + lane,
                strong: false,
                line,
            };
            let one = |shadow: &mut SharedShadow| match write {
                true => shadow.write(access, address, size),
                false => shadow.read(access, address, size),
            };
            found[1].push(one(&mut self.singly).is_some());
            found[0].push(left >> lane & 1 != 0 && one(&mut self.together).is_some());
        }
        found
    }

    /// Holds what was found, and what the two know then, against each other; both begin anew behind a fault. Whether there
    /// was one.
    fn agree(&mut self, [together, singly]: [Vec<bool>; 2], what: &dyn Debug) -> bool {
        assert_eq!(together, singly, "{what:?}");
        for word in 0..WORDS as usize {
            let [together, singly] = self.cells(word);
            assert_eq!(together, singly, "{what:?} {word}");
        }
        let fault = singly.contains(&true);
        if fault {
            self.fresh();
        }
        fault
    }
}

#[test]
fn eights_find_what_lanes_find() {
    let (mut pair, mut state) = (Pair::default(), 0);
    let mut below = |n: u32| {
        state += 1;
        (mix(state) % u64::from(n)) as u32
    };
    let (mut faults, mut clean) = (0, 0);
    pair.fresh();
    for line in 1..20_000 {
        // barriers of some warps leave clocks apart; bytes leave a word that is looked at byte by byte
        match below(16) {
            0..2 => pair.barrier(&[0, 1, 2]),
            2..6 => {
                let absent = below(3) as usize;
                pair.barrier(&[(absent + 1) % 3, (absent + 2) % 3]);
            }
            6 => pair.byte(below(32 * WARPS as u32), below(4) * 32, line),
            7 => pair.warp_barrier(below(WARPS as u32) as usize),
            _ => {}
        }
        let (write, warp, size) = (below(4) == 0, below(WARPS as u32), 4 << below(3));
        let pattern = match write || below(2) == 0 {
            true => Pattern::Side,
            false => Pattern::Same,
        };
        // lanes of one write go to different words
        let start = below(2) * 32;
        let first = [0, 1, 2, 3].map(|eight| match pattern {
            Pattern::Side if write => start + 8 * eight * size,
            _ => below(4) * 32,
        });
        let eights = Eights {
            first,
            size,
            pattern,
        };
        let found = pair.access(warp, write, eights, line);
        match pair.agree(found, &(line, write, warp, eights)) {
            true => faults += 1,
            false => clean += 1,
        }
    }
    assert!(faults > 500 && clean > 500, "{faults} {clean}");
}

#[test]
fn lanes_find_what_they_find_alone() {
    let (mut pair, mut state) = (Pair::default(), 0);
    let mut below = |n: u32| {
        state += 1;
        (mix(state) % u64::from(n)) as u32
    };
    let (mut faults, mut clean) = (0, 0);
    pair.fresh();
    for line in 1..20_000 {
        match below(16) {
            0..4 => pair.barrier(&[0, 1, 2]),
            4..6 => pair.barrier(&[1, 2]),
            7..9 => pair.warp_barrier(below(WARPS as u32) as usize),
            6 => pair.byte(below(32 * WARPS as u32), below(4) * 32, line),
            _ => {}
        }
        let (write, warp, size) = (below(4) == 0, below(WARPS as u32), 4 << below(3));
        // near each other and far apart, one to a place and several; lanes of a write mostly go to different words
        let (stride, span) = (1 + below(3), 1 + below(40));
        let mut at = std::array::from_fn(|lane| {
            let place = match write && below(64) != 0 {
                true => lane as u32 * stride,
                false => below(span) * stride,
            };
            place * size % (4 * (WORDS - 16)) / size * size
        });
        let active = match below(3) {
            0 => mix(u64::from(line)) as u32 | 1,
            _ => u32::MAX,
        };
        let first = at[active.trailing_zeros() as usize];
        for (lane, at) in at.iter_mut().enumerate() {
            if active >> lane & 1 == 0 {
                *at = first;
            }
        }
        let found = pair.access_lanes((warp, write, line), &at, size, active);
        match pair.agree(found, &(line, write, warp, at)) {
            true => faults += 1,
            false => clean += 1,
        }
    }
    assert!(faults > 500 && clean > 500, "{faults} {clean}");
}
