//! Transpose on the CPU.

use crate::cpu::stream::{self, Stores, is_large};
use crate::cpu::{TASK, share, vectorized};
use crate::element::Element;

/// Side of a tile. It is gathered in a buffer that stays in the first-level cache: rows a power of two apart would
/// fall on each other in the cache if the tile were written straight from where it is read.
const TILE: usize = 64;
/// Transposes every matrix of `rows` and `cols` in `x`; neither is 0.
pub(crate) fn transpose<T: Element>(x: &[T], y: &mut [T], rows: usize, cols: usize) {
    let matrix = rows * cols;
    if matrix <= TASK {
        let task = TASK.div_ceil(matrix) * matrix;
        return share(y.chunks_mut(task).zip(x.chunks(task)), |(y, x)| {
            let matrices = y.chunks_mut(matrix).zip(x.chunks(matrix));
            matrices.for_each(|(y, x)| bands(x, y, 0, [rows, cols], &None));
        });
    }
    let matrices = y.chunks_mut(matrix).zip(x.chunks(matrix));
    let all = matrices.flat_map(|(y, x)| {
        let bands = y.chunks_mut(TILE * rows).enumerate();
        bands.map(move |(band, y)| (x, y, band * TILE))
    });
    let large = is_large(x.len());
    share(all.collect::<Vec<_>>().into_iter(), |(x, y, first)| {
        let past = large.then(Stores::begin);
        bands(x, y, first, [rows, cols], &past);
    });
}

/// Rows of the result from `first` on, as many as `y` holds.
fn bands<T: Element>(
    x: &[T],
    y: &mut [T],
    first: usize,
    [rows, cols]: [usize; 2],
    past: &Option<Stores>,
) {
    vectorized!({
        let mut tile = [[T::default(); TILE]; TILE];
        for (band, y) in y.chunks_mut(TILE * rows).enumerate() {
            let first = first + band * TILE;
            let width = y.len() / rows;
            for r in (0..rows).step_by(TILE) {
                let height = TILE.min(rows - r);
                let x = &x[r * cols + first..];
                for (i, x) in x.chunks(cols).take(height).enumerate() {
                    match x.first_chunk::<TILE>() {
                        // a loop of fixed length, twice as fast
                        Some(x) if width == TILE => {
                            tile.iter_mut().zip(x).for_each(|(row, &v)| row[i] = v);
                        }
                        _ => tile
                            .iter_mut()
                            .zip(&x[..width])
                            .for_each(|(row, &v)| row[i] = v),
                    }
                }
                for (row, y) in tile.iter().zip(y.chunks_mut(rows)) {
                    stream::copy(&row[..height], &mut y[r..r + height], past.as_ref());
                }
            }
        }
    });
}
