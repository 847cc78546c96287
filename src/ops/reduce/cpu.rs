//! Reductions on the CPU, in `f64`. Columns lie side by side as lanes of one loop; where there is one, its neighbours are dealt
//! out to lanes, which become one in their order. Work is cut by shapes alone: the same bits on any number of threads.

use super::loops::LANES;
use super::table::{Op, State};
use crate::cpu::{collect, parts, share_out, widened};
use crate::element::Float;

/// Columns of one task at most: their states stay in the first-level cache, and a row's part is long enough for what the
/// CPU loads ahead by itself.
const COLUMNS: usize = 2048;
/// Elements of a task at least, about, where there are several; and at most.
const TASK: usize = 64 * 1024;
const LONGEST: usize = 16 * TASK;
/// Elements widened at a time.
const BLOCK: usize = 512;

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
            let mut columns = Columns::new(op, inner);
            for (i, y) in y.chunks_mut(inner).enumerate() {
                let x = &x[(first / inner + i) * n * inner..][..n * inner];
                for (at, y) in y.chunks_mut(COLUMNS).enumerate() {
                    let states = columns.take(x, [0, n], at * COLUMNS, y.len());
                    y.iter_mut().zip(states).for_each(|(y, s)| *y = value(s));
                }
            }
        });
    }
    let (width, outer) = (inner.min(COLUMNS), y.len() / inner);
    let range = (TASK / width).max(1)..=(LONGEST / width).max(1);
    let rows = parts(n, range, outer * inner.div_ceil(COLUMNS));
    let mut tasks = Vec::new();
    for o in 0..outer {
        for first in (0..inner).step_by(COLUMNS) {
            for from in (0..n).step_by(rows) {
                tasks.push((o, first, from));
            }
        }
    }
    let states = collect(tasks.iter().copied(), |(o, first, from)| {
        let x = &x[o * n * inner..][..n * inner];
        let width = COLUMNS.min(inner - first);
        let mut columns = Columns::new(op, inner);
        let states = columns.take(x, [from, n.min(from + rows)], first, width);
        states.collect::<Vec<_>>()
    });
    let mut whole: Vec<State> = vec![op.none; y.len()];
    for ((o, first, _), states) in tasks.into_iter().zip(states) {
        let to = whole[o * inner + first..].iter_mut();
        to.zip(states)
            .for_each(|(to, state)| *to = (op.both)(*to, state));
    }
    y.iter_mut().zip(whole).for_each(|(y, s)| *y = value(s));
}

/// What some columns of matrices (n, `inner`) come to, one matrix after another.
struct Columns<'a> {
    op: &'a Op,
    inner: usize,
    states: Vec<f64>,
}

impl<'a> Columns<'a> {
    fn new(op: &'a Op, inner: usize) -> Self {
        let states = Vec::new();
        Self { op, inner, states }
    }

    /// The states of `width` columns of x from `first` on, over the places between `from` and `to`.
    fn take<T: Float>(
        &mut self,
        x: &[T],
        [from, to]: [usize; 2],
        first: usize,
        width: usize,
    ) -> impl Iterator<Item = State> {
        let lanes = match self.inner {
            1 => self.along(&x[from..to], from),
            _ => self.across(x, [from, to], first, width),
        };
        let (op, states) = (self.op, &self.states);
        let state = move |i: usize| std::array::from_fn(|n| states[n * lanes + i]);
        // of one column the lanes that hold something
        let whole = (self.inner == 1).then(|| (op.fold)(states, lanes.min(to - from)));
        let many = if whole.is_some() { 0 } else { width };
        whole.into_iter().chain((0..many).map(state))
    }

    fn clear(&mut self, width: usize) {
        self.states.clear();
        for number in self.op.none {
            self.states.resize(self.states.len() + width, number);
        }
    }

    fn along<T: Float>(&mut self, x: &[T], first: usize) -> usize {
        self.clear(LANES);
        match T::as_f32(x) {
            Some(x) => (self.op.along)(&mut self.states, x, first),
            None => {
                let mut wide = [0.0; BLOCK];
                for (i, x) in x.chunks(BLOCK).enumerate() {
                    let x = widened(x, &mut wide);
                    (self.op.along)(&mut self.states, x, first + i * BLOCK);
                }
            }
        }
        LANES
    }

    fn across<T: Float>(
        &mut self,
        x: &[T],
        [from, to]: [usize; 2],
        first: usize,
        width: usize,
    ) -> usize {
        self.clear(width);
        if from == to {
            return width;
        }
        let x = &x[from * self.inner + first..][..(to - from - 1) * self.inner + width];
        match T::as_f32(x) {
            Some(x) => (self.op.across)(&mut self.states, x, [width, self.inner], from),
            None => {
                let mut wide = [0.0; COLUMNS];
                for (k, row) in x.chunks(self.inner).enumerate() {
                    let row = widened(&row[..width], &mut wide);
                    (self.op.across)(&mut self.states, row, [width; 2], from + k);
                }
            }
        }
        width
    }
}
