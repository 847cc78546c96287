//! A row of max pooling's outputs: the largest value of each column first, over the rows that the windows see, and of
//! those the largest across. Both loops run over neighbours and choose without branches, so both are vector code.

use super::Planes;
use crate::ops::window::Window;

/// A place behind every one that a plane can have.
const NONE: i32 = i32::MAX;

/// The largest value of each column of the input so far, and the place where its row begins.
pub(super) struct Columns {
    values: Vec<f32>,
    rows: Vec<i32>,
}

impl Columns {
    pub(super) fn new(shape: &Planes, window: &Window) -> Self {
        // strides are taken in whole, also behind the last column
        let width = shape.input[1] + window.stride[1].min(shape.input[1]) - 1;
        Self {
            values: vec![f32::NEG_INFINITY; width],
            rows: vec![0; width],
        }
    }

    /// Row `i` of the outputs of plane `x`, and where in the plane each stands.
    #[inline(always)]
    pub(super) fn pool(
        &mut self,
        x: &[f32],
        i: usize,
        y: &mut [f32],
        places: &mut [i32],
        shape: &Planes,
        window: &Window,
    ) {
        let [h, w] = shape.input;
        let mut seen = false;
        for a in 0..window.kernel[0] {
            if window.inside(0, a, h, shape.output[0]).contains(&i) {
                let begin = window.at(0, i, a) * w;
                self.add(&x[begin..begin + w], begin as i32, !seen);
                seen = true;
            }
        }
        y.fill(f32::NEG_INFINITY);
        places.fill(NONE);
        for b in 0..if seen { window.kernel[1] } else { 0 } {
            let inside = window.inside(1, b, w, y.len());
            if inside.is_empty() {
                continue;
            }
            let first = window.at(1, inside.start, b);
            let (y, places) = (&mut y[inside.clone()], &mut places[inside]);
            // copies of the loop, for the strides that networks have; past a row's length there is one output at most
            match window.stride[1].min(w) {
                1 => self.across(first, 1, y, places),
                2 => self.across(first, 2, y, places),
                stride => self.across(first, stride, y, places),
            }
        }
        for place in places {
            *place = if *place == NONE { -1 } else { *place };
        }
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

    /// One tap: the columns from `first` on at every stride. Of equal values the first by rows stays, of NaN the last.
    #[inline(always)]
    fn across(&self, first: usize, stride: usize, y: &mut [f32], places: &mut [i32]) {
        let values = self.values[first..].chunks_exact(stride);
        let rows = self.rows[first..].chunks_exact(stride);
        let outputs = y.iter_mut().zip(places);
        for (j, ((y, place), (v, row))) in outputs.zip(values.zip(rows)).enumerate() {
            let (v, here) = (v[0], row[0] + (first + j * stride) as i32);
            let equal = (v == *y) & (here < *place);
            let nan = v.is_nan() & (!y.is_nan() | (here > *place));
            let take = (v > *y) | equal | nan;
            *y = if take { v } else { *y };
            *place = if take { here } else { *place };
        }
    }
}
