//! The two loops of every reduction, over a formula that is compiled into each: along a column whose elements lie side by
//! side, and across columns that do.

use crate::cpu::prefetch;

/// Lanes that the neighbours of one column are dealt out to, which become one in their order: as many sums as keep the
/// arithmetic of most CPUs busy.
pub(super) const LANES: usize = 16;

/// How far ahead elements are asked for, which bridges the end of one row and the start of the next.
const AHEAD: usize = 512;

/// Numbers of a state, each for all lanes or all columns: the first ones of `width`, the second ones, the third ones.
pub(super) type States = [f64];

/// Takes in the elements of one column, of which the first is in the place `first`; the states are of [`LANES`].
#[inline(always)]
pub(super) fn along<const N: usize>(
    states: &mut States,
    x: &[f32],
    first: usize,
    step: impl Fn([f64; N], f64, f64) -> [f64; N],
) {
    let mut lanes = [[0.0; LANES]; N];
    for (lanes, states) in lanes.iter_mut().zip(states.chunks(LANES)) {
        lanes.copy_from_slice(states);
    }
    let (blocks, rest) = x.as_chunks::<LANES>();
    for (i, block) in blocks.iter().enumerate() {
        prefetch(block, AHEAD);
        take(&mut lanes, block, (first + i * LANES) as f64, &step);
    }
    take(
        &mut lanes,
        rest,
        (first + x.len() - rest.len()) as f64,
        step,
    );
    for (lanes, states) in lanes.iter().zip(states.chunks_mut(LANES)) {
        states.copy_from_slice(lanes);
    }
}

#[inline(always)]
fn take<const N: usize>(
    lanes: &mut [[f64; LANES]; N],
    x: &[f32],
    first: f64,
    step: impl Fn([f64; N], f64, f64) -> [f64; N],
) {
    for (lane, &x) in x.iter().enumerate().take(LANES) {
        let state = std::array::from_fn(|n| lanes[n][lane]);
        let state = step(state, f64::from(x), first + lane as f64);
        (0..N).for_each(|n| lanes[n][lane] = state[n]);
    }
}

/// What the first lanes of a column come to, in their order.
#[inline(always)]
pub(super) fn fold(
    states: &States,
    used: usize,
    both: impl Fn([f64; 3], [f64; 3]) -> [f64; 3],
) -> [f64; 3] {
    let lane = |lane: usize| std::array::from_fn(|n| states[n * LANES + lane]);
    (1..used).map(lane).fold(lane(0), both)
}

/// Rows that go by at once, so that a state is loaded and stored once for as many elements.
const ROWS: usize = 4;

/// Takes in rows of as many elements as there are columns, `stride` apart, of which the first is in the place `first`.
#[inline(always)]
pub(super) fn across<const N: usize>(
    states: &mut States,
    x: &[f32],
    [width, stride]: [usize; 2],
    first: usize,
    step: impl Fn([f64; N], f64, f64) -> [f64; N],
) {
    let mut rows = x.chunks(stride).map(|row| &row[..width]);
    let mut at = first;
    while let Some(row) = rows.next() {
        let mut parts = states.chunks_mut(width);
        let mut states: [&mut [f64]; N] = std::array::from_fn(|_| parts.next().unwrap_or_default());
        match [rows.next(), rows.next(), rows.next()] {
            [Some(b), Some(c), Some(d)] => {
                together(&mut states, [row, b, c, d], at, &step);
            }
            rest => {
                together(&mut states, [row], at, &step);
                for (i, row) in rest.into_iter().flatten().enumerate() {
                    together(&mut states, [row], at + 1 + i, &step);
                }
            }
        }
        at += ROWS;
    }
}

#[inline(always)]
fn together<const N: usize, const R: usize>(
    states: &mut [&mut [f64]; N],
    rows: [&[f32]; R],
    first: usize,
    step: impl Fn([f64; N], f64, f64) -> [f64; N],
) {
    let width = rows[0].len();
    // lengths said once, so that the loop needs no checks
    let rows = rows.map(|row| &row[..width]);
    let mut whole = states.each_mut().map(|states| &mut states[..width]);
    for i in 0..width {
        let mut state = std::array::from_fn(|n| whole[n][i]);
        for (k, row) in rows.iter().enumerate() {
            state = step(state, f64::from(row[i]), (first + k) as f64);
        }
        (0..N).for_each(|n| whole[n][i] = state[n]);
    }
}
