//! A row of max pooling's outputs: the largest value of each column first, over the rows that the windows see, and of
//! those the largest across. Both loops run over neighbours and choose without branches, so both are vector code.

use std::ops::Range;

use super::Planes;
use crate::ops::window::Window;

/// A place behind every one that a plane can have.
const NONE: i32 = i32::MAX;

/// Which outputs see something through each tap of a window.
pub(super) struct Taps {
    window: Window,
    width: usize,
    down: Vec<Range<usize>>,
    /// Also the column that the first of them sees.
    across: Vec<(Range<usize>, usize)>,
}

impl Taps {
    pub(super) fn new(shape: &Planes, window: &Window) -> Self {
        let ([h, w], [oh, ow]) = (shape.input, shape.output);
        let down = (0..window.kernel[0]).map(|a| window.inside(0, a, h, oh));
        let across = (0..window.kernel[1]).filter_map(|b| {
            let inside = window.inside(1, b, w, ow);
            let first = (!inside.is_empty()).then(|| window.at(1, inside.start, b))?;
            Some((inside, first))
        });
        Self {
            window: *window,
            width: w,
            down: down.collect(),
            across: across.collect(),
        }
    }
}

/// The largest value of each column of the input so far, and the place where its row begins; and a row of outputs.
/// All are longer than a row, by what fills up vectors: the rest of a loop would take longer than all that went before.
pub(super) struct Columns<'a> {
    taps: &'a Taps,
    outputs: usize,
    values: Vec<f32>,
    rows: Vec<i32>,
    y: Vec<f32>,
    places: Vec<i32>,
}

/// Elements of a vector.
const LANES: usize = 8;

impl<'a> Columns<'a> {
    pub(super) fn new(taps: &'a Taps, outputs: usize) -> Self {
        // strides are taken in whole, also behind the last column
        let width = taps.width + (LANES + 2) * taps.window.stride[1].min(taps.width);
        // one more, which the compiler leaves over where it reads every second column
        let padded = outputs.next_multiple_of(LANES) + 1;
        Self {
            taps,
            outputs,
            values: vec![f32::NEG_INFINITY; width],
            rows: vec![0; width],
            y: vec![0.0; padded],
            places: vec![0; padded],
        }
    }

    /// Row `i` of the outputs of plane `x`.
    #[inline(always)]
    pub(super) fn pool(&mut self, x: &[f32], i: usize) -> &[f32] {
        let (taps, w) = (self.taps, self.taps.width);
        let mut seen = false;
        for (a, outputs) in taps.down.iter().enumerate() {
            if outputs.contains(&i) {
                let begin = taps.window.at(0, i, a) * w;
                // what follows the row comes after the last column, which no window sees
                let end = x.len().min(begin + w.next_multiple_of(LANES));
                self.add(
                    &x[begin..end.min(begin + self.values.len())],
                    begin as i32,
                    !seen,
                );
                seen = true;
            }
        }
        self.y.fill(f32::NEG_INFINITY);
        self.places.fill(NONE);
        for (outputs, first) in taps.across.iter().filter(|_| seen) {
            let end = match outputs.end {
                end if end == self.outputs => self.y.len(),
                end => end,
            };
            // past a row's length there is one output at most
            match taps.window.stride[1].min(w) {
                1 => self.across::<1>(*first, outputs.start..end),
                2 => self.across::<2>(*first, outputs.start..end),
                3 => self.across::<3>(*first, outputs.start..end),
                stride => {
                    let columns = (*first..).step_by(stride);
                    for (j, column) in outputs.clone().zip(columns) {
                        let (v, row) = (self.values[column], self.rows[column]);
                        let kept = (self.y[j], self.places[j]);
                        (self.y[j], self.places[j]) = larger(kept, (v, row + column as i32));
                    }
                }
            }
        }
        &self.y[..self.outputs]
    }

    /// Where in the plane each of the row's outputs stands; -1 where its window sees nothing.
    #[inline(always)]
    pub(super) fn places(&self) -> impl Iterator<Item = i32> + '_ {
        let places = self.places[..self.outputs].iter();
        places.map(|&place| if place == NONE { -1 } else { place })
    }

    /// A row of the input, which begins at the place `begin`. Of equal values the upper stays, of NaN the lower.
    #[inline(always)]
    fn add(&mut self, x: &[f32], begin: i32, first: bool) {
        let (values, rows) = (&mut self.values[..x.len()], &mut self.rows[..x.len()]);
        if first {
            values.copy_from_slice(x);
            rows.fill(begin);
            return;
        }
        for ((value, row), &v) in values.iter_mut().zip(rows).zip(x) {
            let take = (v > *value) | v.is_nan();
            *value = if take { v } else { *value };
            *row = if take { begin } else { *row };
        }
    }

    /// One tap of the windows that stand so far from each other: the columns from `first` on.
    #[inline(always)]
    fn across<const STRIDE: usize>(&mut self, first: usize, outputs: Range<usize>) {
        let len = outputs.len();
        let values = &self.values[first..].as_chunks::<STRIDE>().0[..len];
        let rows = &self.rows[first..].as_chunks::<STRIDE>().0[..len];
        let (y, places) = (&mut self.y[outputs.clone()], &mut self.places[outputs]);
        let (y, places) = (&mut y[..len], &mut places[..len]);
        for j in 0..len {
            let here = rows[j][0].wrapping_add((first + j * STRIDE) as i32);
            (y[j], places[j]) = larger((y[j], places[j]), (values[j][0], here));
        }
    }
}

/// The larger of two values with its place. Of equal ones the first by rows, of NaN the last.
#[inline(always)]
fn larger((y, place): (f32, i32), (v, here): (f32, i32)) -> (f32, i32) {
    let equal = (v == y) & (here < place);
    let nan = v.is_nan() & (!y.is_nan() | (here > place));
    let take = (v > y) | equal | nan;
    (if take { v } else { y }, if take { here } else { place })
}
