//! Convolution with fewer multiplications, where a CPU gains by it: windows of 3 x 3 and 5 x 5 that move by one, over many
//! channels and places.
//!
//! Tiles of 6 x 6 inputs overlap so that each makes 4 x 4 outputs of 3 x 3 taps, or 2 x 2 of 5 x 5. Inputs and weights are
//! taken to 36 points (`minimal.rs`), where a convolution is 36 products of matrices, tiles x channels by channels x
//! outputs, and the products back: 36 multiplications for what takes 144 or 100. Between, channels lie side by side
//! (NHWC), so that vectors run along them.
//!
//! What the transforms round is rounded at the size of a tile's largest number, also for the windows of that tile that do
//! not see it. So each tile is asked first (`spread.rs`): with s_c the largest weight of channel c, of any output, no window
//! may hold only s_c |x_c| that are 4 times smaller than the tile's largest one, nor may any number be infinite, NaN, or so
//! large or small that a transform would leave f32's range. The windows of the other tiles are summed as they are
//! (`windows.rs`). Then, with W_c the output's own largest weight of channel c,
//!
//! ```text
//! |error| <= 4 A (C + 32) 2^-24 * (sum over the C channels of W_c / s_c) * (largest s_c |x_c| of the output's own window)
//! ```
//!
//! where A, 564 for 3 x 3 and 1132 for 5 x 5, is the largest sum of magnitudes along the three transforms, 32 the roundings of
//! these, and C those of the products. That is if all roundings conspire; as they fall, an error is about twice the direct
//! sum's. The answers depend on shapes and numbers alone: neither what is a task's share nor which way a tile goes asks how
//! many threads there are. Asking reads the input once more, as the check for infinities did before; a tile that is not
//! transformed costs what the direct way does, about 1.6 times as much.

use super::Conv;
use super::matrices::{Matrices, POINTS};
use super::minimal::{Inputs, LANES, Lanes, Products, SIDE, Taps, square};
use super::spread::{Magnitudes, largest, moderate};
use super::tiling::{Tile, Tiling};
use crate::cpu::{self, Buffer, TASK, collect, parts, share, vectorized};
use crate::error::Result;
use crate::ops::transpose::cpu::transpose;

/// Tiles that a task multiplies at once, each point's weights being read once for so many: fewer where all weights stay in
/// a cache and the tiles would, too.
const TILES: [usize; 2] = [56, 128];
const CACHED_WEIGHTS: usize = 512 * 1024;

/// Fewer channels do not pay for the transforms of tiles, nor fewer tiles for those of weights.
const LEAST_CHANNELS: usize = 32;
const LEAST_TILES: usize = 64;

/// Fewer tiles than this are not worth another task, which reads each point's weights anew and packs them: a third of
/// its time where they are many.
const LEAST_FOR_A_TASK: [usize; 2] = [28, 64];

/// Whether this way is taken. `w` is looked at whole, `x` tile by tile later.
pub(super) fn suits(conv: &Conv, w: &[f32]) -> bool {
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
        && conv.images * tiles >= LEAST_TILES
        && multiplications[0] * 2 >= multiplications[1] * 3
        && moderate(w)
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
        [5, 5] => Tiling::<5, 2>(conv).forward(x, w, bias, y),
        _ => Tiling::<3, 4>(conv).forward(x, w, bias, y),
    }
}

/// What a task makes: the outputs of some rows of tiles, `y` from row `first` of all images' on.
struct Task<'a> {
    first: usize,
    y: &'a mut [f32],
    groups: Vec<Plan>,
}

/// A group's tiles that are transformed, and those that are not.
struct Plan {
    transformed: Vec<Tile>,
    plain: Vec<Tile>,
}

impl<const R: usize, const M: usize> Tiling<'_, R, M> {
    fn forward(&self, x: &[f32], w: &[f32], bias: Option<&[f32]>, y: &mut [f32]) -> Result<()> {
        let conv = self.0;
        let ([plane_in, plane], channels) = (conv.planes(), conv.groups * conv.outputs);
        let mut inputs = Buffer::stale(x.len())?;
        transpose(x, &mut inputs, conv.groups * conv.inputs, plane_in);
        let of_groups = || w.chunks_exact(conv.outputs * conv.terms());
        let (mut points, mut scales) = (Vec::new(), Vec::new());
        for w in of_groups() {
            let (weights, largest) = self.weights(w)?;
            points.push(weights);
            scales.extend(largest);
        }
        let magnitudes = Magnitudes::new(&inputs, &scales, conv.groups)?;
        let mut outputs = Buffer::stale(y.len())?;
        let tasks = self.tasks(&mut outputs, &magnitudes);
        let plain: Vec<_> = of_groups()
            .enumerate()
            .map(|(group, w)| {
                let wanted = tasks
                    .iter()
                    .any(|task| !task.groups[group].plain.is_empty());
                wanted.then(|| self.plain_weights(w)).transpose()
            })
            .collect::<Result<_>>()?;
        let done = collect(tasks.into_iter(), |task| {
            let Task { first, y, groups } = task;
            let summed = groups.iter().enumerate().try_for_each(|(group, plan)| {
                if !plan.transformed.is_empty() {
                    let x = self.inputs(&inputs, group, &plan.transformed)?;
                    let mut products = Matrices::stale(x.rows, conv.outputs)?;
                    for point in 0..POINTS {
                        let (x, w) = (x.point(point), points[group].point(point));
                        cpu::product(x, w, &mut products.point_mut(point));
                    }
                    self.outputs(&products, bias, group, &plan.transformed, (y, first));
                }
                match &plain[group] {
                    Some(w) => self.windows((&inputs, w), bias, group, &plan.plain, (y, first)),
                    None => Ok(()),
                }
            });
            vectorized!(conv.activation.apply(y));
            summed
        });
        done.into_iter().collect::<Result<()>>()?;
        transpose(&outputs, y, plane, channels);
        Ok(())
    }

    /// The tasks of all outputs: rows of tiles, as many as make a task worth it.
    fn tasks<'a>(&self, outputs: &'a mut [f32], magnitudes: &Magnitudes) -> Vec<Task<'a>> {
        let conv = self.0;
        let [down, across] = self.grid();
        let rows_of_tiles = conv.images * down;
        let many = usize::from(POINTS * conv.inputs * conv.outputs > CACHED_WEIGHTS);
        let (most, least) = (TILES[many], LEAST_FOR_A_TASK[many].div_ceil(across));
        let band = parts(rows_of_tiles, least..=most.div_ceil(across), 1);
        let mut tasks = Vec::new();
        let mut rest = outputs;
        for top in (0..rows_of_tiles).step_by(band) {
            let rows = top..(top + band).min(rows_of_tiles);
            let [first, end] = [rows.start, rows.end].map(|row| self.above(row));
            let len = (end - first) * conv.output[1] * conv.groups * conv.outputs;
            let (y, others) = rest.split_at_mut(len);
            tasks.push((rows, first, y));
            rest = others;
        }
        collect(tasks.into_iter(), |(rows, first, y)| {
            let groups = (0..conv.groups).map(|group| {
                let permitted = |tile: &Tile| magnitudes.permit(self, group, *tile);
                let (transformed, plain) = self.tiles(rows.clone()).partition(permitted);
                Plan { transformed, plain }
            });
            let groups = groups.collect();
            Task { first, y, groups }
        })
    }

    /// One group's weights at the points, inputs x outputs; and the largest magnitude of each input's.
    fn weights(&self, w: &[f32]) -> Result<(Matrices, Vec<f32>)> {
        let (inputs, outputs) = (self.0.inputs, self.0.outputs);
        let mut turned = Buffer::stale(w.len())?;
        transpose(w, &mut turned, outputs, inputs * R * R);
        let mut points = Matrices::stale(inputs, outputs)?;
        let (lines, per_task) = (outputs / LANES, TASK.div_ceil(outputs * R * R));
        let runs = points.runs(per_task).into_iter();
        let taps = turned.chunks(per_task * outputs * R * R);
        share(runs.zip(taps), |(mut points, w)| {
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
        Ok((points, largest(&turned, outputs * R * R)))
    }

    /// Tiles at the points: tiles x inputs. `x` is all images, (N, H, W, C).
    fn inputs(&self, x: &[f32], group: usize, tiles: &[Tile]) -> Result<Matrices> {
        let conv = self.0;
        let lines = conv.inputs / LANES;
        let mut points = Matrices::stale(tiles.len(), conv.inputs)?;
        let stride = points.stride() / LANES;
        let (x, to) = (x.as_chunks().0, points.data.as_chunks_mut().0);
        let mut between = [[Lanes::ZERO; SIDE]; SIDE];
        vectorized!(for (tile, &at) in tiles.iter().enumerate() {
            // where a place of the tile begins in x; in the padding, nowhere
            let mut places = [[None; SIDE]; SIDE];
            for (i, places) in places.iter_mut().enumerate() {
                for (j, place) in places.iter_mut().enumerate() {
                    let pixel = self.pixel(at, i, j);
                    *place = pixel.map(|pixel| (pixel * conv.groups + group) * lines);
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

    /// What a group's products (tiles x outputs) make of its channels in `y`, rows of (H, W, C) from row `first` of all
    /// images' on.
    fn outputs(
        &self,
        products: &Matrices,
        bias: Option<&[f32]>,
        group: usize,
        tiles: &[Tile],
        (y, first): (&mut [f32], usize),
    ) {
        let conv = self.0;
        let (w, lines) = (conv.output[1], conv.outputs / LANES);
        let stride = products.stride() / LANES;
        let (products, y) = (products.data.as_chunks().0, y.as_chunks_mut().0);
        let bias = bias.map(|bias| &bias.as_chunks().0[group * lines..]);
        let mut between = [[Lanes::ZERO; SIDE]; M];
        vectorized!(for (tile, &[row, col]) in tiles.iter().enumerate() {
            let (top, left) = (self.above(row) - first, col * M);
            let [height, width] = self.size([row, col]);
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
