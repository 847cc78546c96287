//! Reductions on the CPU, in `f64`. Columns lie side by side as lanes of one loop; where there is one, its neighbours are dealt
//! out to lanes, which become one in their order. Work is cut by shapes alone: the same bits on any number of threads.

use super::table::{Lanes, Op, Places, State};
use crate::cpu::{collect, share_out, widened};
use crate::element::Float;

/// Lanes of a single column, and columns of one task at most.
const LANES: usize = 32;
const COLUMNS: usize = 512;
/// Elements of one task, about.
const TASK: usize = 64 * 1024;

/// `y[o, i] = value` of all `x[o, k, i]`.
pub(super) fn reduce<T: Float, Y: Send>(
    op: &Op,
    x: &[T],
    y: &mut [Y],
    [n, inner]: [usize; 2],
    number: f64,
    put: impl Fn(f64) -> Y + Sync,
) {
    let value = |state| put((op.value)(state, n as f64, number));
    if n * inner <= TASK {
        let per_task = (TASK / (n * inner).max(1)).max(1);
        return share_out(y, per_task * inner, |first, y| {
            for (i, y) in y.chunks_mut(inner).enumerate() {
                let x = &x[(first / inner + i) * n * inner..][..n * inner];
                for (at, y) in y.chunks_mut(COLUMNS).enumerate() {
                    let states = columns(op, x, [0, n], at * COLUMNS, y.len(), inner);
                    y.iter_mut().zip(states).for_each(|(y, s)| *y = value(s));
                }
            }
        });
    }
    let rows = (TASK / inner.min(COLUMNS)).max(64);
    let mut tasks = Vec::new();
    for o in 0..y.len() / inner {
        for first in (0..inner).step_by(COLUMNS) {
            for from in (0..n).step_by(rows) {
                tasks.push((o, first, from));
            }
        }
    }
    let states = collect(tasks.iter().copied(), |(o, first, from)| {
        let x = &x[o * n * inner..][..n * inner];
        let width = COLUMNS.min(inner - first);
        columns(op, x, [from, n.min(from + rows)], first, width, inner)
    });
    let mut whole: Vec<State> = vec![op.none; y.len()];
    for ((o, first, _), states) in tasks.into_iter().zip(states) {
        let to = whole[o * inner + first..].iter_mut();
        to.zip(states)
            .for_each(|(to, state)| *to = (op.both)(*to, state));
    }
    y.iter_mut().zip(whole).for_each(|(y, s)| *y = value(s));
}

/// The states of `width` columns from `first` on over these places, of one matrix (n, inner).
fn columns<T: Float>(
    op: &Op,
    x: &[T],
    [from, to]: [usize; 2],
    first: usize,
    width: usize,
    inner: usize,
) -> Vec<State> {
    let mut wide = [0.0; COLUMNS];
    if inner == 1 {
        let mut lanes = op.none.map(|number| vec![number; LANES]);
        for (i, x) in x[from..to].chunks(LANES).enumerate() {
            let first = from + i * LANES;
            (op.take)(&mut lanes, widened(x, &mut wide), Places { first, step: 1 });
        }
        let states = states(&lanes, LANES).into_iter();
        return vec![states.fold(op.none, op.both)];
    }
    let mut lanes = op.none.map(|number| vec![number; width]);
    for k in from..to {
        let x = widened(&x[k * inner + first..][..width], &mut wide);
        (op.take)(&mut lanes, x, Places { first: k, step: 0 });
    }
    states(&lanes, width)
}

fn states(lanes: &Lanes, width: usize) -> Vec<State> {
    (0..width)
        .map(|i| std::array::from_fn(|k| lanes[k][i]))
        .collect()
}
