//! Ops of two operands on the CPU, a block at a time: what an operand is (contiguous, strided, a number; narrow or wide) is
//! settled before its formula sees it, so that each formula is compiled once.

use super::table::Op;
use crate::cpu::stream::{self, Stores};
use crate::cpu::tasks;
use crate::element::{Element, Number, Wide};
use crate::ops::dispatch::Side;
use crate::ops::strides::Strides;

/// Elements computed at a time; the three blocks stay in the first-level cache.
pub(crate) const BLOCK: usize = 1024;

/// `y[i] = f(a[..], b[..])`, where the strides say which; without `a` that is `y` as it was.
pub(crate) fn binary<T: Number>(
    op: &Op,
    a: Option<Side<&[T], T::Wide>>,
    b: Side<&[T], T::Wide>,
    y: &mut [T],
    strides: &Strides<2>,
) {
    let formula = T::Wide::formula(op.floats, op.integers);
    let large = stream::is_large(y.len());
    tasks(y, |first, y| {
        let past = large.then(Stores::begin);
        let [mut of_a, mut of_b] =
            [(a, 0), (Some(b), 1)].map(|(side, which)| Reader::new(side, strides, which));
        let mut made = [T::Wide::default(); BLOCK];
        for (block, y) in y.chunks_mut(BLOCK).enumerate() {
            let at = first + block * BLOCK;
            let (a, b) = (of_a.read(at, y.len(), y), of_b.read(at, y.len(), y));
            if let Some(past) = &past
                && let (Some(a), Some(b)) = (T::Wide::singles(a), T::Wide::singles(b))
                && let Some(y) = T::singles_mut(y)
            {
                (op.past)(past, [a, b], y);
                continue;
            }
            let made = &mut made[..y.len()];
            formula(a, b, made);
            T::store(made, y);
        }
    });
}

/// Blocks of an operand in the wide type, or of the output where there is none.
pub(crate) struct Reader<'a, T: Number> {
    side: Option<Side<&'a [T], T::Wide>>,
    strides: &'a Strides<2>,
    which: usize,
    narrow: [T; BLOCK],
    wide: [T::Wide; BLOCK],
}

impl<'a, T: Number> Reader<'a, T> {
    pub(crate) fn new(
        side: Option<Side<&'a [T], T::Wide>>,
        strides: &'a Strides<2>,
        which: usize,
    ) -> Self {
        let value = match side {
            Some(Side::Value(value)) => value,
            _ => T::Wide::default(),
        };
        Self {
            side,
            strides,
            which,
            narrow: [T::default(); BLOCK],
            wide: [value; BLOCK],
        }
    }

    /// The operand for `len` elements of the output from `at` on; the output's are `own`.
    pub(crate) fn read<'r>(&'r mut self, at: usize, len: usize, own: &[T]) -> &'r [T::Wide] {
        let step = self.strides.inner()[self.which];
        let narrow = match self.side {
            Some(Side::Value(_)) => return &self.wide[..len],
            None => own,
            Some(Side::Data(x)) => match self.strides.one_run(at, len) {
                Some(places) if step == 1 => {
                    let x: &'a [T] = &x[places[self.which] as usize..][..len];
                    match T::as_wide(x) {
                        Some(wide) => return wide,
                        None => x,
                    }
                }
                Some(places) if step == 0 => {
                    let mut value = [T::Wide::default()];
                    T::load(&[x[places[self.which] as usize]], &mut value);
                    self.wide[..len].fill(value[0]);
                    return &self.wide[..len];
                }
                _ => {
                    let (mut done, narrow) = (0, &mut self.narrow);
                    self.strides.runs(at, at + len, |places, run| {
                        let from = places[self.which] as usize;
                        gather(x, from, step, &mut narrow[done..done + run]);
                        done += run;
                    });
                    &self.narrow[..len]
                }
            },
        };
        T::load(narrow, &mut self.wide[..len]);
        &self.wide[..len]
    }
}

fn gather<T: Element>(x: &[T], from: usize, step: isize, y: &mut [T]) {
    match step {
        1 => y.copy_from_slice(&x[from..from + y.len()]),
        0 => y.fill(x[from]),
        _ => {
            for (i, y) in y.iter_mut().enumerate() {
                *y = x[from + i * step as usize];
            }
        }
    }
}
