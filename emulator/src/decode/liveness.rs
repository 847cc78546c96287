//! Which registers hold a value where, and which may share a row.
//!
//! The compiler writes every value to a register of its own. A row is reused once its value is dead, so that a warp's
//! registers stay in the processor's cache. Lanes that diverge do not disturb this: each lane touches its own column
//! of a row only, and follows the control flow that was analysed.

use super::draft::{Draft, Label, Leave, Reg, Slot};
use crate::exec::load::modifier::COUNT;
use crate::exec::state::{Kind, Touch};

struct Bits(Vec<u64>);

impl Bits {
    fn new(bits: usize) -> Bits {
        Bits(vec![0; bits.div_ceil(64)])
    }

    fn set(&mut self, bit: u32) {
        self.0[bit as usize / 64] |= 1 << (bit % 64);
    }

    fn clear(&mut self, bit: u32) {
        self.0[bit as usize / 64] &= !(1 << (bit % 64));
    }

    fn holds(&self, bit: u32) -> bool {
        self.0[bit as usize / 64] >> (bit % 64) & 1 != 0
    }

    fn each(&self, mut f: impl FnMut(usize)) {
        for (i, word) in self.0.iter().enumerate() {
            let mut word = *word;
            while word != 0 {
                f(i * 64 + word.trailing_zeros() as usize);
                word &= word - 1;
            }
        }
    }
}

struct BasicBlock {
    start: usize,
    end: usize,
    next: Vec<usize>,
    live_in: Bits,
}

/// Which registers hold a value where the straight pieces of a function begin.
pub struct Liveness {
    blocks: Vec<BasicBlock>,
    registers: usize,
}

pub fn analyse(drafts: &[Draft], labels: &[usize], registers: usize) -> Liveness {
    let mut blocks = basic_blocks(drafts, labels, registers);
    let mut changed = true;
    while changed {
        changed = false;
        for index in (0..blocks.len()).rev() {
            let mut live = live_at_end(&blocks, index, registers);
            for draft in drafts[blocks[index].start..blocks[index].end].iter().rev() {
                step_back(draft, &mut live);
            }
            if live.0 != blocks[index].live_in.0 {
                blocks[index].live_in = live;
                changed = true;
            }
        }
    }
    Liveness { blocks, registers }
}

impl Liveness {
    /// For each vector load the elements, a bit each, whose registers nobody reads behind it.
    pub fn unread(&self, drafts: &[Draft]) -> Vec<(usize, u8)> {
        let mut out = vec![];
        for index in 0..self.blocks.len() {
            let block = &self.blocks[index];
            let mut live = live_at_end(&self.blocks, index, self.registers);
            for at in (block.start..block.end).rev() {
                let unread = unread_elements(&drafts[at], &live);
                if unread != 0 {
                    out.push((at, unread));
                }
                step_back(&drafts[at], &mut live);
            }
        }
        out
    }
}

fn unread_elements(draft: &Draft, live: &Bits) -> u8 {
    let Touch::Lanes {
        kind: Kind::Read, ..
    } = draft.trace.touch
    else {
        return 0;
    };
    let elements = draft.operands.iter().filter(|o| o.written);
    let dead = elements.filter_map(|o| match o.slot {
        Slot::Inline(slot @ 1..) if !live.holds(o.reg.0) => Some(1 << (slot - 1)),
        _ => None,
    });
    // a load whose whole result is dropped was written so, and is looked at as a whole
    let dead = dead.fold(0, |all: u8, bit: u8| all | bit);
    if u32::from(dead) == (1 << draft.inst.m[COUNT]) - 1 {
        0
    } else {
        dead
    }
}

/// For each register the first and last instruction at which its row is its own; `None` if it is never mentioned.
pub fn intervals(liveness: &Liveness, drafts: &[Draft]) -> Vec<Option<(u32, u32)>> {
    let (blocks, registers) = (&liveness.blocks, liveness.registers);
    let mut out: Vec<Option<(u32, u32)>> = vec![None; registers];
    let mut extend = |reg: usize, at: usize| {
        let at = at as u32;
        let (first, last) = out[reg].unwrap_or((at, at));
        out[reg] = Some((first.min(at), last.max(at)));
    };
    for block in blocks {
        block.live_in.each(|reg| extend(reg, block.start));
        for next in &block.next {
            blocks[*next].live_in.each(|reg| extend(reg, block.end - 1));
        }
        for (at, draft) in drafts.iter().enumerate().take(block.end).skip(block.start) {
            for operand in &draft.operands {
                extend(operand.reg.0 as usize, at);
            }
        }
    }
    out
}

fn basic_blocks(drafts: &[Draft], labels: &[usize], registers: usize) -> Vec<BasicBlock> {
    let mut starts: Vec<usize> = labels
        .iter()
        .copied()
        .filter(|at| *at < drafts.len())
        .collect();
    starts.push(0);
    for (at, draft) in drafts.iter().enumerate() {
        if !matches!(draft.leave, Leave::Next) {
            starts.push(at + 1);
        }
    }
    starts.retain(|at| *at < drafts.len());
    starts.sort_unstable();
    starts.dedup();
    let find = |at: usize| starts.binary_search(&at).ok();
    let target = |label: &Label| find(labels[label.0 as usize]);
    let ends = starts.iter().skip(1).copied().chain([drafts.len()]);
    starts
        .iter()
        .zip(ends)
        .map(|(start, end)| {
            let next = match &drafts[end - 1].leave {
                Leave::Next => vec![find(end)],
                Leave::Jump(label) => vec![target(label)],
                Leave::Branch(label) => vec![find(end), target(label)],
                Leave::Table(labels) => labels.iter().map(target).collect(),
                Leave::End => vec![],
            };
            let next = next.into_iter().flatten().collect();
            BasicBlock {
                start: *start,
                end,
                next,
                live_in: Bits::new(registers),
            }
        })
        .collect()
}

fn live_at_end(blocks: &[BasicBlock], index: usize, registers: usize) -> Bits {
    let mut live = Bits::new(registers);
    for next in &blocks[index].next {
        for (word, more) in live.0.iter_mut().zip(&blocks[*next].live_in.0) {
            *word |= more;
        }
    }
    live
}

/// From what is live behind an instruction to what is before it.
fn step_back(draft: &Draft, live: &mut Bits) {
    if !draft.guarded {
        for operand in draft.operands.iter().filter(|o| o.written) {
            live.clear(operand.reg.0);
        }
    }
    for operand in draft
        .operands
        .iter()
        .filter(|o| !o.written || draft.guarded)
    {
        live.set(operand.reg.0);
    }
}

/// Gives each register a place behind `start`; returns the places and the frame's end. `widths` are bytes of a row.
pub fn allocate(
    intervals: &[Option<(u32, u32)>],
    widths: &[u32],
    start: u32,
) -> (Vec<Option<u32>>, u32) {
    let mut order: Vec<usize> = (0..intervals.len())
        .filter(|r| intervals[*r].is_some())
        .collect();
    order.sort_by_key(|r| intervals[*r]);
    let mut places = vec![None; intervals.len()];
    let mut free: std::collections::HashMap<u32, Vec<u32>> = std::collections::HashMap::new();
    let mut active: std::collections::BinaryHeap<std::cmp::Reverse<(u32, u32, u32)>> =
        Default::default();
    let mut end = start;
    for reg in order {
        let Some((first, last)) = intervals[reg] else {
            continue;
        };
        while let Some(std::cmp::Reverse((dead, width, place))) = active.peek().copied() {
            if dead >= first {
                break;
            }
            active.pop();
            free.entry(width).or_default().push(place);
        }
        let width = widths[reg];
        let place = free.entry(width).or_default().pop().unwrap_or_else(|| {
            let place = end.next_multiple_of(width.min(64));
            end = place + width;
            place
        });
        places[reg] = Some(place);
        active.push(std::cmp::Reverse((last, width, place)));
    }
    (places, end)
}

/// The register's number.
pub fn index(reg: Reg) -> usize {
    reg.0 as usize
}
