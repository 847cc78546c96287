//! How marks of lanes go through the instructions that spread a matrix over a warp: the same way as values, so what moves
//! values moves marks here.

use super::blocks::Tiling;
use super::dense::{Dense, MOST_BYTES, Shape, form, modifier as fragment};
use super::matrix::{self, modifier as matrices, transposed};
use super::mma::modifier as product;
use super::wmma;
use crate::exec::state::{Context, Inst, Lanes, Mark, space};

/// A word for each lane, all ones where it is marked.
fn words(lanes: u32) -> [u32; 32] {
    std::array::from_fn(|lane| if lanes >> lane & 1 != 0 { u32::MAX } else { 0 })
}

fn lanes<T: Copy + Default + PartialEq>(values: &[T; 32]) -> u32 {
    let set = (0..32).filter(|lane| values[*lane] != T::default());
    set.fold(0, |all, lane| all | 1 << lane)
}

/// `movmatrix`
pub fn moved(mark: Mark) -> Mark {
    let words = transposed(&words(mark.lanes));
    Mark {
        lanes: lanes(&words),
        ..mark
    }
}

/// Shared addresses of the lanes' words of matrix `j` of an `ldmatrix` or `stmatrix`.
pub fn word_places(c: &Context<'_>, i: &Inst, j: usize) -> [u32; 32] {
    let (rows, _) = matrix::addresses(c, i);
    matrix::pieces(&rows, j).map(|at| (at & !space::WINDOW) as u32)
}

/// `ldmatrix`: the marks of the destinations. `look` gives the loads that the halves of each word of a matrix come from.
pub fn load_matrices(i: &Inst, mut look: impl FnMut(usize) -> [[Option<u16>; 2]; 32]) -> Vec<Mark> {
    let of_one = |j: usize| {
        let found = look(j);
        let half = |load: Option<u16>| if load.is_some() { 0xFFFF } else { 0 };
        let mut words = found.map(|[low, high]| half(low) | half(high) << 16);
        if i.m[matrices::TRANS] != 0 {
            words = transposed(&words);
        }
        Mark {
            lanes: lanes(&words),
            load: found.iter().flatten().find_map(|load| *load).unwrap_or(0),
        }
    };
    (0..usize::from(i.m[matrices::COUNT])).map(of_one).collect()
}

/// `stmatrix`: calls `put` with a lane, the place of two bytes, and the load that they come from if they are undefined.
pub fn store_matrices(
    c: &Context<'_>,
    i: &Inst,
    marks: &[Mark],
    mut put: impl FnMut(usize, u32, Option<u16>),
) {
    for (j, mark) in marks.iter().enumerate() {
        let mut words = words(mark.lanes);
        if i.m[matrices::TRANS] != 0 {
            words = transposed(&words);
        }
        for (lane, (word, at)) in words.into_iter().zip(word_places(c, i, j)).enumerate() {
            for half in 0..2 {
                let is_undefined = word >> (16 * half) & 0xFFFF != 0;
                put(lane, at + 2 * half, is_undefined.then_some(mark.load));
            }
        }
    }
}

/// The matrix of a `wmma.load` or `wmma.store`, with ones where it is undefined.
pub struct Fragment {
    shape: Shape,
    dense: Dense,
    load: u16,
    wide: bool,
}

impl Fragment {
    /// Nothing of it is.
    pub fn new(i: &Inst) -> Fragment {
        Fragment {
            shape: Shape::of(i),
            dense: Dense([0; MOST_BYTES]),
            load: 0,
            wide: matches!(i.m[fragment::FORM] & 7, form::DOUBLES | form::DOUBLE_PAIRS),
        }
    }

    /// Of a store, what is in the rows that are marked.
    pub fn of_rows(c: &mut Context<'_>, i: &Inst, rows: &[u32], marks: &[Mark]) -> Fragment {
        let mut all = Fragment::new(i);
        let kept = all.exchange(c, rows, |at| words(marks[at].lanes));
        wmma::of_registers(c, i, &all.shape, &mut all.dense);
        all.put_back(c, rows, kept);
        let load = marks.iter().find(|mark| !mark.is_none());
        all.load = load.map_or(0, |mark| mark.load);
        all
    }

    /// The address of every element, its bytes, and its place here.
    pub fn places(&self, c: &Context<'_>, i: &Inst) -> Vec<(u64, u32, usize)> {
        let piece = wmma::piece(&self.shape);
        let unit = self.shape.unit_bytes.min(piece);
        let mut out = vec![];
        for start in (0..self.shape.bytes()).step_by(32 * piece) {
            let at = wmma::pass_at(c, i, &self.shape, start);
            for (lane, at) in at.into_iter().enumerate() {
                for part in (0..piece).step_by(unit) {
                    out.push((at + part as u64, unit as u32, start + lane * piece + part));
                }
            }
        }
        out
    }

    /// The bytes at a place come from a load of what is undefined.
    pub fn fill(&mut self, place: usize, bytes: u32, load: u16) {
        self.dense.0[place..][..bytes as usize].fill(0xFF);
        self.load = load;
    }

    /// The load that a place comes from, if it is undefined.
    pub fn get(&self, place: usize) -> Option<u16> {
        (self.dense.0[place] != 0).then_some(self.load)
    }

    /// The marks of the rows that it is loaded into.
    pub fn to_rows(&self, c: &mut Context<'_>, i: &Inst, rows: &[u32]) -> Vec<Mark> {
        let kept = self.exchange(c, rows, |_| [0; 32]);
        wmma::to_registers(c, i, &self.shape, &self.dense);
        let of_row = |row: &u32| Mark {
            lanes: match self.wide {
                true => lanes(&c.row::<u64>(*row).all()),
                false => lanes(&c.row::<u32>(*row).all()),
            },
            load: self.load,
        };
        let marks = rows.iter().map(of_row).collect();
        self.put_back(c, rows, kept);
        marks
    }

    /// Puts something else into rows; what they held.
    fn exchange(
        &self,
        c: &mut Context<'_>,
        rows: &[u32],
        new: impl Fn(usize) -> [u32; 32],
    ) -> Vec<[u64; 32]> {
        let mut kept = vec![];
        for (at, row) in rows.iter().enumerate() {
            let new = new(at);
            kept.push(match self.wide {
                true => std::mem::replace(c.row_mut(*row), new.map(u64::from)),
                false => std::mem::replace(c.row_mut(*row), new).map(u64::from),
            });
        }
        kept
    }

    fn put_back(&self, c: &mut Context<'_>, rows: &[u32], kept: Vec<[u64; 32]>) {
        for (row, values) in rows.iter().zip(kept) {
            match self.wide {
                true => *c.row_mut(*row) = values,
                false => *c.row_mut(*row) = values.map(|value| value as u32),
            }
        }
    }
}

/// `mma`: the marks of D's registers, from those of A, B and C. A row of A is in all of a row of D, a column of B in all of a
/// column, an element of C in one.
pub fn multiplied(i: &Inst, marks: &[Mark], registers: usize) -> Vec<Mark> {
    let t = Tiling {
        m: i.m[product::M].into(),
        n: i.m[product::N].into(),
        k: i.m[product::K].into(),
    };
    let (a, rest) = marks.split_at(t.m * t.k);
    let (b, c) = rest.split_at(t.n * t.k);
    let blocks = t.m * t.n;
    let (of_d, of_c) = (registers / blocks, c.len() / blocks);
    // a block has eight rows, of four lanes each
    let rows = |mark: Mark| Lanes(mark.lanes).fold(0u32, |all, lane| all | 1 << (lane / 4));
    let mut out = vec![];
    for block in 0..blocks {
        let (m, n) = t.c_at(block);
        let left = (0..t.k).fold(Mark::NONE, |all, k| all.and(a[t.a(m, k)]));
        let right = (0..t.k).fold(Mark::NONE, |all, k| all.and(b[t.b(n, k)]));
        let (down, along) = (rows(left), rows(right));
        let addend = &c[block * of_c..][..of_c];
        for register in 0..of_d {
            let is_of = |lane: &u32| {
                let column = 2 * (lane % 4);
                // two registers of a block have a column each, a single one has both
                let columns = match of_d {
                    1 => 3 << column,
                    _ => 1 << (column + register as u32),
                };
                down >> (lane / 4) & 1 != 0 || along & columns != 0
            };
            let lanes = (0..32).filter(is_of).fold(0, |all, lane| all | 1 << lane);
            let own = match of_d == of_c {
                true => addend[register],
                false => addend.iter().fold(Mark::NONE, |all, mark| all.and(*mark)),
            };
            out.push(
                Mark {
                    lanes,
                    ..left.and(right)
                }
                .and(own),
            );
        }
    }
    out
}
