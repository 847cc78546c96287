//! Transpose on the CPU.

use rayon::prelude::*;

use crate::cpu::{TASK, vectorized};
use crate::element::Element;

/// Side of a tile. It is gathered in a buffer that stays in the first-level cache: rows a power of two apart would
/// fall on each other in the cache if the tile were written straight from where it is read.
const TILE: usize = 64;
/// Side of the squares that a tile is gathered by: a loop of fixed length, which becomes shuffles of vectors.
const SQUARE: usize = 8;

/// Transposes every matrix of `rows` and `cols` in `x`; neither is 0.
pub(crate) fn transpose<T: Element>(x: &[T], y: &mut [T], rows: usize, cols: usize) {
    let matrices = y.par_chunks_mut(rows * cols).zip(x.par_chunks(rows * cols));
    if rows * cols <= TASK {
        let per_task = TASK.div_ceil(rows * cols);
        return matrices
            .with_min_len(per_task)
            .for_each(|(y, x)| bands(x, y, 0, rows, cols));
    }
    matrices.for_each(|(y, x)| {
        y.par_chunks_mut(TILE * rows)
            .enumerate()
            .for_each(|(band, y)| bands(x, y, band * TILE, rows, cols));
    });
}

/// Rows of the result from `first` on, as many as `y` holds.
fn bands<T: Element>(x: &[T], y: &mut [T], first: usize, rows: usize, cols: usize) {
    vectorized(|| {
        let mut tile = [[T::default(); TILE]; TILE];
        for (band, y) in y.chunks_mut(TILE * rows).enumerate() {
            let first = first + band * TILE;
            let width = y.len() / rows;
            for r in (0..rows).step_by(TILE) {
                let height = TILE.min(rows - r);
                let x = &x[r * cols + first..];
                if height == TILE && width == TILE {
                    gather_whole(x, cols, &mut tile);
                } else {
                    for (i, x) in x.chunks(cols).take(height).enumerate() {
                        for (row, &v) in tile.iter_mut().zip(&x[..width]) {
                            row[i] = v;
                        }
                    }
                }
                for (row, y) in tile.iter().zip(y.chunks_mut(rows)) {
                    y[r..r + height].copy_from_slice(&row[..height]);
                }
            }
        }
    });
}

/// `tile[j][i] = x[i * cols + j]`
#[inline(always)]
fn gather_whole<T: Element>(x: &[T], cols: usize, tile: &mut [[T; TILE]; TILE]) {
    for i in (0..TILE).step_by(SQUARE) {
        for j in (0..TILE).step_by(SQUARE) {
            let mut square = [[T::default(); SQUARE]; SQUARE];
            for (k, row) in square.iter_mut().enumerate() {
                row.copy_from_slice(&x[(i + k) * cols + j..][..SQUARE]);
            }
            for k in 0..SQUARE {
                let column: [T; SQUARE] = std::array::from_fn(|l| square[l][k]);
                tile[j + k][i..i + SQUARE].copy_from_slice(&column);
            }
        }
    }
}
