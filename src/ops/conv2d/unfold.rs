//! Windows laid out as the columns of a matrix (im2col), a block of it at a time, and back.

use std::ops::Range;

use super::Conv;

impl Conv {
    /// Rows `terms` of the matrix of one image's windows, at the places `places` of the output's plane: row-major, one row
    /// for each channel and tap, one column for each place. `x` is the channels of the group.
    pub(super) fn unfold(
        &self,
        x: &[f32],
        terms: Range<usize>,
        places: Range<usize>,
        to: &mut [f32],
    ) {
        for (row, term) in to.chunks_exact_mut(places.len()).zip(terms) {
            row.fill(0.0);
            self.runs(term, &places, |start, stride, columns| {
                let row = &mut row[columns];
                match stride {
                    1 => row.copy_from_slice(&x[start..start + row.len()]),
                    _ => {
                        let x = x[start..].iter().step_by(stride);
                        row.iter_mut().zip(x).for_each(|(to, &x)| *to = x);
                    }
                }
            });
        }
    }

    /// Adds such rows to where [`Conv::unfold`] would take them from. `x` begins at the channel that the first of the
    /// terms, a whole number of channels, belongs to.
    pub(super) fn fold(
        &self,
        from: &[f32],
        terms: Range<usize>,
        places: Range<usize>,
        x: &mut [f32],
    ) {
        for (row, term) in from.chunks_exact(places.len()).zip(0..terms.len()) {
            self.runs(term, &places, |start, stride, columns| {
                let row = &row[columns];
                match stride {
                    1 => {
                        let x = &mut x[start..start + row.len()];
                        x.iter_mut().zip(row).for_each(|(x, &v)| *x += v);
                    }
                    _ => {
                        let x = x[start..].iter_mut().step_by(stride);
                        x.zip(row).for_each(|(x, &v)| *x += v);
                    }
                }
            });
        }
    }

    /// Calls `f` for every run of a row that lies in one row of the input's plane: where it starts in x, the steps it
    /// takes there, and its columns.
    fn runs(
        &self,
        term: usize,
        places: &Range<usize>,
        mut f: impl FnMut(usize, usize, Range<usize>),
    ) {
        let ([h, w], [_, ow], window) = (self.plane, self.output, &self.window);
        let [kh, kw] = window.kernel;
        let (channel, tap) = (term / (kh * kw), [term / kw % kh, term % kw]);
        let [down, across] = [
            window.inside(0, tap[0], h, self.output[0]),
            window.inside(1, tap[1], w, ow),
        ];
        if across.is_empty() {
            return;
        }
        let rows = (places.start / ow).max(down.start)..places.end.div_ceil(ow).min(down.end);
        for i in rows {
            let first = (i * ow + across.start).max(places.start);
            let end = (i * ow + across.end).min(places.end);
            if first < end {
                let (row, col) = (
                    window.at(0, i, tap[0]),
                    window.at(1, first - i * ow, tap[1]),
                );
                let columns = first - places.start..end - places.start;
                f((channel * h + row) * w + col, window.stride[1], columns);
            }
        }
    }
}
