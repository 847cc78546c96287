//! Convolution with fewer multiplications, where a CPU gains by it: windows of 3 x 3 and 5 x 5 that move by one, over many
//! channels and places.
//!
//! Tiles of 6 x 6 inputs overlap so that each makes 4 x 4 outputs of 3 x 3 taps, or 2 x 2 of 5 x 5. Inputs and weights are
//! taken to 36 points (`minimal.rs`), where a convolution is 36 products of matrices, tiles x channels by channels x
//! outputs, and the products back: 36 multiplications for what takes 144 or 100. Between, channels lie side by side
//! (NHWC), so that vectors run along them.
//!
//! Errors are those of the largest number of a tile rather than of a window, about twice the direct sum's. A NaN or an
//! infinity would reach the whole tile, and large numbers overflow at the points: [`suits`] leaves those to the direct way.

use std::array::from_fn;
use std::ops::Range;

use ndarray::{ArrayView2, ArrayViewMut2};
use rayon::prelude::*;

use super::Conv;
use super::minimal::{Inputs, LANES, Lanes, Products, SIDE, Taps, square};
use crate::cpu::Buffer;
use crate::cpu::{self, TASK, vectorized};
use crate::error::Result;
use crate::ops::transpose::cpu::transpose;

const POINTS: usize = SIDE * SIDE;

/// Tiles that a task multiplies at once, each point's weights being read once for so many: fewer where all weights stay in
/// a cache and the tiles would, too.
const TILES: [usize; 2] = [56, 128];
const CACHED_WEIGHTS: usize = 512 * 1024;

/// Fewer channels do not pay for the transforms of tiles, nor fewer tiles, in all or for a thread, for those of weights.
const LEAST_CHANNELS: usize = 32;
const LEAST_TILES: usize = 64;
const LEAST_FOR_A_THREAD: usize = 32;

/// Neither sums of 2^31 products of numbers up to this nor the factors of the points leave an f32's range.
const LARGEST: f32 = (1 << 30) as f32;

/// Whether this way is taken.
pub(super) fn suits(conv: &Conv, x: &[f32], w: &[f32]) -> bool {
    let window = &conv.window;
    if !matches!(window.kernel, [3, 3] | [5, 5]) || [window.stride, window.dilation] != [[1; 2]; 2]
    {
        return false;
    }
    let side = SIDE + 1 - window.kernel[0];
    let tiles: usize = conv.output.iter().map(|o| o.div_ceil(side)).product();
    let multiplications = [conv.planes()[1] * conv.taps(), tiles * POINTS];
    let channels = [conv.inputs, conv.outputs];
    channels
        .iter()
        .all(|c| *c >= LEAST_CHANNELS && c.is_multiple_of(LANES))
        && conv.images * tiles >= LEAST_TILES.max(LEAST_FOR_A_THREAD * rayon::current_num_threads())
        && multiplications[0] * 2 >= multiplications[1] * 3
        && [x, w].into_iter().all(moderate)
}

/// Whether no magnitude of `x` is above [`LARGEST`], nor infinite or NaN.
fn moderate(x: &[f32]) -> bool {
    // as integers magnitudes have the order they have as numbers, and NaN comes last
    let largest = |x: &[f32]| {
        vectorized!(
            x.iter()
                .map(|x| x.to_bits() & (u32::MAX >> 1))
                .fold(0, u32::max)
        )
    };
    let parts = x.par_chunks(TASK).map(largest);
    parts.all(|bits| bits <= LARGEST.to_bits())
}

/// The convolution, for a `conv` that [`suits`].
pub(super) fn forward(
    x: &[f32],
    w: &[f32],
    bias: Option<&[f32]>,
    y: &mut [f32],
    conv: &Conv,
) -> Result<()> {
    match conv.window.kernel {
        [5, 5] => Winograd::<5, 2>(conv).forward(x, w, bias, y),
        _ => Winograd::<3, 4>(conv).forward(x, w, bias, y),
    }
}

/// A matrix for each point, row-major.
struct Matrices {
    data: Buffer<f32>,
    rows: usize,
    cols: usize,
}

impl Matrices {
    fn stale(rows: usize, cols: usize) -> Result<Self> {
        let data = Buffer::stale(POINTS * Self::stride(rows, cols))?;
        Ok(Self { data, rows, cols })
    }

    /// From one point's matrix to the next: a line more than it has, so that what is written to all of them does not
    /// fall on one place of a cache.
    fn stride(rows: usize, cols: usize) -> usize {
        rows * cols + LANES
    }

    fn point(&self, point: usize) -> ArrayView2<'_, f32> {
        let data = &self.data[point * Self::stride(self.rows, self.cols)..];
        cpu::matrix(data, [self.rows, self.cols], self.cols)
    }

    fn point_mut(&mut self, point: usize) -> ArrayViewMut2<'_, f32> {
        let data = &mut self.data[point * Self::stride(self.rows, self.cols)..];
        cpu::matrix_mut(&mut data[..self.rows * self.cols], [self.rows, self.cols])
    }

    /// Runs of `rows` rows: of each, those of every point.
    fn runs(&mut self, rows: usize) -> Vec<[&mut [f32]; POINTS]> {
        let (stride, all) = (Self::stride(self.rows, self.cols), self.rows * self.cols);
        let points = self.data.chunks_exact_mut(stride);
        let mut points: Vec<_> = points
            .map(|point| point[..all].chunks_mut(rows * self.cols))
            .collect();
        (0..self.rows.div_ceil(rows))
            .map(|_| from_fn(|point| points[point].next().unwrap_or_default()))
            .collect()
    }
}

/// Of R x R taps, M x M outputs to a tile.
struct Winograd<'a, const R: usize, const M: usize>(&'a Conv);

impl<const R: usize, const M: usize> Winograd<'_, R, M> {
    fn forward(&self, x: &[f32], w: &[f32], bias: Option<&[f32]>, y: &mut [f32]) -> Result<()> {
        let conv = self.0;
        let ([plane_in, plane], channels) = (conv.planes(), conv.groups * conv.outputs);
        let mut inputs = Buffer::stale(x.len())?;
        transpose(x, &mut inputs, conv.groups * conv.inputs, plane_in);
        let weights = w.chunks_exact(conv.outputs * conv.terms());
        let weights: Vec<_> = weights.map(|w| self.weights(w)).collect::<Result<_>>()?;
        let mut outputs = Buffer::stale(y.len())?;

        let [down, across] = self.grid();
        let rows_of_tiles = conv.images * down;
        let tiles = (rows_of_tiles * across).div_ceil(rayon::current_num_threads());
        let most = TILES[usize::from(POINTS * conv.inputs * conv.outputs > CACHED_WEIGHTS)];
        let band = tiles.min(most).div_ceil(across);
        let mut tasks = Vec::new();
        let mut rest = &mut outputs[..];
        for first in (0..rows_of_tiles).step_by(band) {
            let rows = first..(first + band).min(rows_of_tiles);
            let [start, end] = [rows.start, rows.end].map(|row| self.above(row));
            let (here, others) = rest.split_at_mut((end - start) * conv.output[1] * channels);
            tasks.push((rows, here));
            rest = others;
        }
        tasks.into_par_iter().try_for_each(|(rows, y)| {
            weights.iter().enumerate().try_for_each(|(group, weights)| {
                let points = self.inputs(&inputs, group, rows.clone())?;
                let mut products = Matrices::stale(points.rows, conv.outputs)?;
                for point in 0..POINTS {
                    let (y, x, w) = (
                        products.point_mut(point),
                        points.point(point),
                        weights.point(point),
                    );
                    cpu::product(x, w, y);
                }
                self.outputs(&products, bias, group, rows.clone(), y);
                Ok(())
            })
        })?;
        transpose(&outputs, y, plane, channels);
        Ok(())
    }

    /// Tiles down and across the outputs of an image.
    fn grid(&self) -> [usize; 2] {
        self.0.output.map(|o| o.div_ceil(M))
    }

    /// Rows of outputs above a row of tiles, the images standing one below the other.
    fn above(&self, row: usize) -> usize {
        let [down, _] = self.grid();
        row / down * self.0.output[0] + row % down * M
    }

    /// The tiles of some rows, numbered, with their rows and columns.
    fn tiles(&self, rows: Range<usize>) -> impl Iterator<Item = (usize, [usize; 2])> {
        let [_, across] = self.grid();
        let places = rows.flat_map(move |row| (0..across).map(move |col| [row, col]));
        places.enumerate()
    }

    /// One group's weights at the points: inputs x outputs.
    fn weights(&self, w: &[f32]) -> Result<Matrices> {
        let (inputs, outputs) = (self.0.inputs, self.0.outputs);
        let mut turned = Buffer::stale(w.len())?;
        transpose(w, &mut turned, outputs, inputs * R * R);
        let mut points = Matrices::stale(inputs, outputs)?;
        let (lines, per_task) = (outputs / LANES, TASK.div_ceil(outputs * R * R));
        let runs = points.runs(per_task).into_par_iter();
        let taps = turned.par_chunks(per_task * outputs * R * R);
        runs.zip(taps).for_each(|(mut points, w)| {
            let w = w.as_chunks().0;
            let mut between = [[Lanes::ZERO; R]; SIDE];
            vectorized!(for at in 0..w.len() / (R * R) {
                let (input, line) = (at / lines, at % lines);
                square(
                    Taps,
                    &mut between,
                    #[inline(always)]
                    |i, j| Lanes(w[((input * R + i) * R + j) * lines + line]),
                    #[inline(always)]
                    |i, j, w| points[i * SIDE + j].as_chunks_mut().0[at] = w.0,
                );
            });
        });
        Ok(points)
    }

    /// Rows of tiles at the points: tiles x inputs. `x` is all images, (N, H, W, C).
    fn inputs(&self, x: &[f32], group: usize, rows: Range<usize>) -> Result<Matrices> {
        let conv = self.0;
        let ([h, w], lines) = (conv.plane, conv.inputs / LANES);
        let [down, across] = self.grid();
        let mut points = Matrices::stale(rows.len() * across, conv.inputs)?;
        let stride = Matrices::stride(points.rows, points.cols) / LANES;
        let (x, to) = (x.as_chunks().0, points.data.as_chunks_mut().0);
        let mut between = [[Lanes::ZERO; SIDE]; SIDE];
        vectorized!(for (tile, [row, col]) in self.tiles(rows) {
            // where a place of the tile begins in x; in the padding, nowhere
            let mut places = [[None; SIDE]; SIDE];
            for (i, places) in places.iter_mut().enumerate() {
                for (j, place) in places.iter_mut().enumerate() {
                    let y = (row % down * M + i).wrapping_sub(conv.window.padding[0]);
                    let x = (col * M + j).wrapping_sub(conv.window.padding[1]);
                    if y < h && x < w {
                        let pixel = (row / down * h + y) * w + x;
                        *place = Some((pixel * conv.groups + group) * lines);
                    }
                }
            }
            for line in 0..lines {
                square(
                    Inputs,
                    &mut between,
                    #[inline(always)]
                    |i, j| match places[i][j] {
                        Some(place) => Lanes(x[place + line]),
                        None => Lanes::ZERO,
                    },
                    #[inline(always)]
                    |i, j, x| to[(i * SIDE + j) * stride + tile * lines + line] = x.0,
                );
            }
        });
        Ok(points)
    }

    /// What a group's products (tiles x outputs) make of its channels in `y`, rows of (H, W, C) under rows of tiles.
    fn outputs(
        &self,
        products: &Matrices,
        bias: Option<&[f32]>,
        group: usize,
        rows: Range<usize>,
        y: &mut [f32],
    ) {
        let conv = self.0;
        let ([h, w], lines) = (conv.output, conv.outputs / LANES);
        let [down, _] = self.grid();
        let stride = Matrices::stride(products.rows, products.cols) / LANES;
        let (products, y) = (products.data.as_chunks().0, y.as_chunks_mut().0);
        let bias = bias.map(|bias| &bias.as_chunks().0[group * lines..]);
        let first = self.above(rows.start);
        let mut between = [[Lanes::ZERO; SIDE]; M];
        vectorized!(for (tile, [row, col]) in self.tiles(rows) {
            let (top, left) = (self.above(row) - first, col * M);
            let [height, width] = [M.min(h - row % down * M), M.min(w - left)];
            for line in 0..lines {
                let bias = bias.map_or(Lanes::ZERO, |bias| Lanes(bias[line]));
                square(
                    Products,
                    &mut between,
                    #[inline(always)]
                    |i, j| Lanes(products[(i * SIDE + j) * stride + tile * lines + line]),
                    #[inline(always)]
                    |i, j, sum| {
                        if i < height && j < width {
                            let pixel = (top + i) * w + left + j;
                            y[(pixel * conv.groups + group) * lines + line] = sum.plus(bias).0;
                        }
                    },
                );
            }
        });
    }
}
