//! Tiles whose windows are summed as they are, where the tiles beside them are transformed (`winograd.rs`).

use super::tiling::{Tile, Tiling};
use crate::cpu::{self, Buffer, Matrix, MatrixMut};
use crate::error::Result;
use crate::ops::transpose::cpu::transpose;

/// Elements of unfolded windows at a time.
const BLOCK: usize = 512 * 1024;

impl<const R: usize, const M: usize> Tiling<'_, R, M> {
    /// One group's weights as [`Tiling::windows`] multiplies them: taps x inputs x outputs.
    pub(super) fn plain_weights(&self, w: &[f32]) -> Result<Buffer<f32>> {
        let (inputs, outputs) = (self.0.inputs, self.0.outputs);
        let mut by_channel = Buffer::stale(w.len())?;
        transpose(w, &mut by_channel, outputs, inputs * R * R);
        let mut by_tap = Buffer::stale(w.len())?;
        for (at, to) in by_tap.chunks_exact_mut(outputs).enumerate() {
            let (tap, input) = (at / inputs, at % inputs);
            to.copy_from_slice(&by_channel[(input * R * R + tap) * outputs..][..outputs]);
        }
        Ok(by_tap)
    }

    /// One group's outputs of some tiles in `y`, rows of (H, W, C) from row `first` of all images' on; `x` is all
    /// images, (N, H, W, C).
    pub(super) fn windows(
        &self,
        (x, w): (&[f32], &[f32]),
        bias: Option<&[f32]>,
        group: usize,
        tiles: &[Tile],
        (y, first): (&mut [f32], usize),
    ) -> Result<()> {
        let conv = self.0;
        let (inputs, outputs, terms) = (conv.inputs, conv.outputs, R * R * conv.inputs);
        let w = Matrix::of_rows(w, [terms, outputs], outputs);
        let bias = bias.map(|bias| &bias[group * outputs..][..outputs]);
        for tiles in tiles.chunks((BLOCK / (M * M * terms)).max(1)) {
            let places = || tiles.iter().flat_map(|&tile| self.outputs_of(tile));
            let rows = places().count();
            let mut windows = Buffer::stale(rows * terms)?;
            for (to, (tile, [i, j])) in windows.chunks_exact_mut(terms).zip(places()) {
                for (tap, to) in to.chunks_exact_mut(inputs).enumerate() {
                    match self.pixel(tile, i + tap / R, j + tap % R) {
                        Some(at) => {
                            let at = (at * conv.groups + group) * inputs;
                            to.copy_from_slice(&x[at..][..inputs]);
                        }
                        None => to.fill(0.0),
                    }
                }
            }
            let mut sums = Buffer::stale(rows * outputs)?;
            let windows = Matrix::of_rows(&windows, [rows, terms], terms);
            let mut to = MatrixMut::new(&mut sums, [rows, outputs]);
            cpu::product(windows, w, &mut to);
            for (sums, ([row, col], [i, j])) in sums.chunks_exact_mut(outputs).zip(places()) {
                if let Some(bias) = bias {
                    sums.iter_mut().zip(bias).for_each(|(sum, b)| *sum += b);
                }
                let pixel = (self.above(row) + i - first) * conv.output[1] + col * M + j;
                let at = (pixel * conv.groups + group) * outputs;
                y[at..][..outputs].copy_from_slice(sums);
            }
        }
        Ok(())
    }

    /// The places of a tile's outputs in it.
    fn outputs_of(&self, tile: Tile) -> impl Iterator<Item = (Tile, [usize; 2])> {
        let [height, width] = self.size(tile);
        (0..height).flat_map(move |i| (0..width).map(move |j| (tile, [i, j])))
    }
}
