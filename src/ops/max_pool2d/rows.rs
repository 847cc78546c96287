//! A row of max pooling's outputs: the largest value of each column first, over the rows that the windows see, and of
//! those the largest across. Both go by blocks of neighbours that stay in registers until they are done: were they kept
//! in the row they belong to, the compiler would store only what changes, and reading that back waits for the store.

use std::ops::Range;

use super::Planes;
use crate::ops::window::Window;

/// Neighbours that are worked on together.
const LANES: usize = 8;

/// The place of nothing, behind every one that a plane can have.
const NONE: i32 = i32::MAX;

/// The largest values so far, and their places in the plane.
struct Largest {
    values: [f32; LANES],
    places: [i32; LANES],
}

impl Largest {
    const NOTHING: Self = Self {
        values: [f32::NEG_INFINITY; LANES],
        places: [NONE; LANES],
    };

    /// Of equal values the first in the plane stays, of NaN the last. Without `PLACES` the values are all that is kept.
    #[inline(always)]
    fn or<const PLACES: bool>(&mut self, values: [f32; LANES], places: [i32; LANES]) {
        for lane in 0..LANES {
            let (y, v) = (self.values[lane], values[lane]);
            if !PLACES {
                self.values[lane] = if (v > y) | v.is_nan() { v } else { y };
                continue;
            }
            let (place, here) = (self.places[lane], places[lane]);
            let equal = (v == y) & (here < place);
            let nan = v.is_nan() & (!y.is_nan() | (here > place));
            let take = (v > y) | equal | nan;
            self.values[lane] = if take { v } else { y };
            self.places[lane] = if take { here } else { place };
        }
    }
}

/// Rows of outputs of planes of one shape, one at a time.
pub(super) struct Rows {
    window: Window,
    /// Columns of the input and of the output.
    columns: [usize; 2],
    /// The outputs, by rows, that see something through each row of the window.
    down: Vec<Range<usize>>,
    /// Where the rows begin that are seen now.
    seen: Vec<usize>,
    /// The largest of each column, from the padding on the left to what a whole block of windows sees on the right.
    values: Vec<f32>,
    places: Vec<i32>,
    /// The row of outputs, in whole blocks.
    y: Vec<f32>,
    found: Vec<i32>,
}

impl Rows {
    pub(super) fn new(shape: &Planes, window: &Window) -> Self {
        let ([h, w], [oh, ow]) = (shape.input, shape.output);
        let padded = w + window.padding[1] + window.padding_end[1];
        let mut window = *window;
        // a longer step has one output at most, and would need as much room as it is long
        window.stride[1] = window.stride[1].min(padded);
        let blocks = ow.next_multiple_of(LANES);
        let width = (blocks * window.stride[1] + window.extent(1)).max(padded + LANES);
        let down = (0..window.kernel[0]).map(|a| window.inside(0, a, h, oh));
        Self {
            columns: [w, ow],
            down: down.collect(),
            seen: Vec::with_capacity(window.kernel[0]),
            values: vec![f32::NEG_INFINITY; width],
            places: vec![NONE; width],
            y: vec![0.0; blocks],
            found: vec![0; blocks],
            window,
        }
    }

    /// Row `i` of the outputs of plane `x`; only with `PLACES` are there places after it.
    #[inline(always)]
    pub(super) fn pool<const PLACES: bool>(&mut self, x: &[f32], i: usize) -> &[f32] {
        self.down::<PLACES>(x, i);
        // loops of known strides are vector code
        match self.window.stride[1] {
            1 => self.across::<1, PLACES>(),
            2 => self.across::<2, PLACES>(),
            3 => self.across::<3, PLACES>(),
            _ => self.across::<0, PLACES>(),
        }
        &self.y[..self.columns[1]]
    }

    /// Where in the plane each of the row's outputs stands; -1 where its window sees nothing.
    #[inline(always)]
    pub(super) fn places(&self) -> impl Iterator<Item = i32> + '_ {
        let places = self.found[..self.columns[1]].iter();
        places.map(|&place| if place == NONE { -1 } else { place })
    }

    #[inline(always)]
    fn down<const PLACES: bool>(&mut self, x: &[f32], i: usize) {
        let (w, padding) = (self.columns[0], self.window.padding[1]);
        self.seen.clear();
        for (a, outputs) in self.down.iter().enumerate() {
            if outputs.contains(&i) {
                self.seen.push(self.window.at(0, i, a) * w);
            }
        }
        for column in (0..w).step_by(LANES) {
            let mut largest = Largest::NOTHING;
            for &row in &self.seen {
                let at = row + column;
                let mut places = [0; LANES];
                for (lane, place) in places.iter_mut().enumerate() {
                    *place = (at + lane) as i32;
                }
                let values = match x[at..].first_chunk() {
                    Some(all) => *all,
                    None => rest(&x[at..]),
                };
                largest.or::<PLACES>(values, places);
            }
            let at = padding + column;
            self.values[at..at + LANES].copy_from_slice(&largest.values);
            if PLACES {
                self.places[at..at + LANES].copy_from_slice(&largest.places);
            }
        }
        // the last block went on into the next row
        self.values[padding + w..][..LANES].fill(f32::NEG_INFINITY);
        self.places[padding + w..][..LANES].fill(NONE);
    }

    /// `STRIDE` is the windows', or 0 for any.
    #[inline(always)]
    fn across<const STRIDE: usize, const PLACES: bool>(&mut self) {
        let [stride, dilation] = [self.window.stride[1], self.window.dilation[1]];
        for block in (0..self.y.len()).step_by(LANES) {
            let mut largest = Largest::NOTHING;
            for b in 0..self.window.kernel[1] {
                let at = block * stride + b * dilation;
                let values = every::<STRIDE, _>(&self.values[at..], stride);
                let places = match PLACES {
                    true => every::<STRIDE, _>(&self.places[at..], stride),
                    false => [NONE; LANES],
                };
                largest.or::<PLACES>(values, places);
            }
            self.y[block..block + LANES].copy_from_slice(&largest.values);
            if PLACES {
                self.found[block..block + LANES].copy_from_slice(&largest.places);
            }
        }
    }
}

/// The end of a plane, filled up. Not inlined: as one loop with the copies of whole blocks it would make those as slow.
#[cold]
#[inline(never)]
fn rest(x: &[f32]) -> [f32; LANES] {
    let mut values = [f32::NEG_INFINITY; LANES];
    values.iter_mut().zip(x).for_each(|(to, x)| *to = *x);
    values
}

/// Elements that stand `STRIDE` apart, or `stride` where that is 0.
#[inline(always)]
fn every<const STRIDE: usize, T: Copy + Default>(x: &[T], stride: usize) -> [T; LANES] {
    let step = if STRIDE == 0 { stride } else { STRIDE };
    let x = &x[..(LANES - 1) * step + 1];
    let mut some = [T::default(); LANES];
    for (lane, to) in some.iter_mut().enumerate() {
        *to = x[lane * step];
    }
    some
}
