//! Running sums on the CPU. Columns lie side by side as a row of sums; long ones are cut in chunks of rows, whose sums are added
//! up first. Where follows from shapes alone: the same bits on any number of threads.

use crate::cpu::{TASK, collect, share, share_out};
use crate::element::{Element, Float};

/// Elements converted at a time.
const BLOCK: usize = 512;

/// Where what is added up comes from and goes to, block by block.
struct Sums<T, A, Y> {
    load: fn(&[T], &mut [A]),
    store: fn(&[A], &mut [Y]),
    plus: fn(A, A) -> A,
    none: A,
}

pub(super) fn floats<T: Float>(x: &[T], y: &mut [T], shape: [usize; 2], reverse: bool) {
    let sums = Sums {
        load: |x: &[T], wide: &mut [f64]| {
            let mut single = [0.0; BLOCK];
            let single = &mut single[..x.len()];
            T::widen(x, single);
            let wide = wide.iter_mut().zip(single);
            wide.for_each(|(wide, x)| *wide = f64::from(*x));
        },
        store: |wide, y: &mut [T]| {
            let mut single = [0.0; BLOCK];
            let single = &mut single[..y.len()];
            let pairs = single.iter_mut().zip(wide);
            pairs.for_each(|(single, wide)| *single = *wide as f32);
            T::narrow(single, y);
        },
        plus: |a, b| a + b,
        none: 0.0,
    };
    sums.all(x, y, shape, reverse);
}

pub(super) fn integers<T: Element>(x: &[T], y: &mut [i64], shape: [usize; 2]) {
    let sums = Sums {
        load: T::block_to_i64,
        store: |sums, y: &mut [i64]| y.copy_from_slice(sums),
        plus: i64::wrapping_add,
        none: 0,
    };
    sums.all(x, y, shape, false);
}

impl<T: Sync, A: Copy + Send + Sync, Y: Send> Sums<T, A, Y> {
    fn all(&self, x: &[T], y: &mut [Y], [n, inner]: [usize; 2], reverse: bool) {
        let matrix = n * inner;
        let rows = TASK.div_ceil(inner);
        if n <= rows {
            let task = TASK.div_ceil(matrix) * matrix;
            return share_out(y, task, |first, y| {
                let x = x[first..].chunks(matrix);
                y.chunks_mut(matrix).zip(x).for_each(|(y, x)| {
                    self.run(x, Some(y), &mut vec![self.none; inner], reverse);
                });
            });
        }
        let chunks = n.div_ceil(rows);
        let all = |i: usize| (i / chunks, i % chunks);
        let part = |(o, chunk): (usize, usize)| {
            let x = &x[o * matrix..][..matrix];
            &x[chunk * rows * inner..matrix.min((chunk + 1) * rows * inner)]
        };
        let count = x.len() / matrix * chunks;
        let mut carries = collect(0..count, |i| {
            let mut sums = vec![self.none; inner];
            self.run(part(all(i)), None, &mut sums, reverse);
            sums
        });
        // a chunk's sums become what came before it
        for carries in carries.chunks_mut(chunks) {
            let mut before = vec![self.none; inner];
            let mut next = |carry: &mut Vec<A>| {
                for (before, carry) in before.iter_mut().zip(carry) {
                    let sum = (self.plus)(*before, *carry);
                    *carry = std::mem::replace(before, sum);
                }
            };
            match reverse {
                false => carries.iter_mut().for_each(&mut next),
                true => carries.iter_mut().rev().for_each(&mut next),
            }
        }
        let pieces = y
            .chunks_mut(matrix)
            .flat_map(|y| y.chunks_mut(rows * inner));
        let pieces: Vec<_> = pieces.zip(carries).enumerate().collect();
        share(pieces.into_iter(), |(i, (y, mut carry))| {
            self.run(part(all(i)), Some(y), &mut carry, reverse);
        });
    }

    /// Adds the rows of x to `sums`, and writes these to y after each.
    fn run(&self, x: &[T], mut y: Option<&mut [Y]>, sums: &mut [A], reverse: bool) {
        let mut wide = [self.none; BLOCK];
        if let [sum] = sums {
            let blocks = x.len().div_ceil(BLOCK);
            for i in 0..blocks {
                let block = if reverse { blocks - 1 - i } else { i };
                let range = block * BLOCK..x.len().min((block + 1) * BLOCK);
                let wide = &mut wide[..range.len()];
                (self.load)(&x[range.clone()], wide);
                let mut add = |wide: &mut A| {
                    *sum = (self.plus)(*sum, *wide);
                    *wide = *sum;
                };
                match reverse {
                    false => wide.iter_mut().for_each(&mut add),
                    true => wide.iter_mut().rev().for_each(&mut add),
                }
                if let Some(y) = &mut y {
                    (self.store)(wide, &mut y[range]);
                }
            }
            return;
        }
        let inner = sums.len();
        let rows = x.len() / inner;
        for i in 0..rows {
            let row = if reverse { rows - 1 - i } else { i } * inner;
            for (block, sums) in sums.chunks_mut(BLOCK).enumerate() {
                let range = row + block * BLOCK..row + block * BLOCK + sums.len();
                let wide = &mut wide[..sums.len()];
                (self.load)(&x[range.clone()], wide);
                let pairs = sums.iter_mut().zip(wide);
                pairs.for_each(|(sum, x)| *sum = (self.plus)(*sum, *x));
                if let Some(y) = &mut y {
                    (self.store)(sums, &mut y[range]);
                }
            }
        }
    }
}
