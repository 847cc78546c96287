//! Where the tiles of a minimal filtering (`minimal.rs`) lie: 6 x 6 inputs each, which overlap, so that each makes M x M
//! outputs of R x R taps.

use std::ops::Range;

use super::Conv;

/// Of R x R taps, M x M outputs to a tile.
pub(super) struct Tiling<'a, const R: usize, const M: usize>(pub(super) &'a Conv);

/// The row and the column of a tile, the images standing one below the other.
pub(super) type Tile = [usize; 2];

impl<const R: usize, const M: usize> Tiling<'_, R, M> {
    /// Tiles down and across the outputs of an image.
    pub(super) fn grid(&self) -> [usize; 2] {
        self.0.output.map(|o| o.div_ceil(M))
    }

    /// Rows of outputs above a row of tiles.
    pub(super) fn above(&self, row: usize) -> usize {
        let [down, _] = self.grid();
        row / down * self.0.output[0] + row % down * M
    }

    /// The tiles of some rows.
    pub(super) fn tiles(&self, rows: Range<usize>) -> impl Iterator<Item = Tile> {
        let [_, across] = self.grid();
        rows.flat_map(move |row| (0..across).map(move |col| [row, col]))
    }

    /// Outputs of a tile, down and across: fewer than M where the image ends.
    pub(super) fn size(&self, [row, col]: Tile) -> [usize; 2] {
        let ([down, _], [h, w]) = (self.grid(), self.0.output);
        [M.min(h - row % down * M), M.min(w - col * M)]
    }

    /// The pixel that a place of a tile is; in the padding, none. Pixels are those of all images, one after the other.
    #[inline(always)]
    pub(super) fn pixel(&self, [row, col]: Tile, i: usize, j: usize) -> Option<usize> {
        let ([down, _], [h, w], padding) = (self.grid(), self.0.plane, self.0.window.padding);
        let y = (row % down * M + i).wrapping_sub(padding[0]);
        let x = (col * M + j).wrapping_sub(padding[1]);
        (y < h && x < w).then_some((row / down * h + y) * w + x)
    }
}
