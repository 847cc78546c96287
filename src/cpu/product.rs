//! Products of f32 matrices shared out over the threads, in tiles.

use super::matrix::{Matrix, MatrixMut, product};
use super::share;

/// Multiplications that are worth another thread's start.
const WORTH: usize = 32 * 1024;
/// The most rows and columns of a thread's tile: it packs what it reads of both factors, once for so many.
const TILE: [usize; 2] = [256, 512];
/// Sides of tiles are multiples of this, so that only a matrix's own edges are ragged, and every sum is added up as in the
/// whole product: no bit depends on the number of threads.
const GRAIN: usize = 16;

/// Every `y = a b` of a batch, shared out over the threads: whole products, or tiles of them.
pub(crate) fn products<'a>(
    batch: impl ExactSizeIterator<Item = [Matrix<'a>; 2]>,
    y: impl Iterator<Item = MatrixMut<'a>>,
) {
    let threads = rayon::current_num_threads();
    let each = threads.div_ceil(batch.len().max(1));
    let mut tasks = Vec::new();
    for ([a, b], y) in batch.zip(y) {
        let [_, terms] = a.shape();
        let tile = tile(y.shape(), terms, each);
        for ([row, col], y) in tiles(y, tile) {
            let [rows, cols] = y.shape();
            tasks.push((a.rows(row..row + rows), b.cols(col..col + cols), y));
        }
    }
    share(tasks.into_iter(), |(a, b, mut y)| product(a, b, &mut y));
}

/// The size of tiles that make `parts` of a product with sums of `terms`, where it has work for so many.
fn tile(shape: [usize; 2], terms: usize, parts: usize) -> [usize; 2] {
    let mut tile = [0, 1].map(|axis| shape[axis].clamp(1, TILE[axis]));
    let count = |tile: [usize; 2]| shape[0].div_ceil(tile[0]) * shape[1].div_ceil(tile[1]);
    loop {
        // the longer side, which costs the least packing
        let axis = usize::from(tile[1] > tile[0]);
        let half = tile[axis].div_ceil(2).next_multiple_of(GRAIN);
        let work = tile[0] * tile[1] / 2 * terms;
        if count(tile) >= parts || half >= tile[axis] || work < WORTH {
            return tile;
        }
        tile[axis] = half;
    }
}

/// Cuts a matrix into tiles of at most this size, each with its first row and column.
pub(crate) fn tiles(
    y: MatrixMut<'_>,
    [rows, cols]: [usize; 2],
) -> Vec<([usize; 2], MatrixMut<'_>)> {
    let mut tiles = Vec::new();
    let (mut row, mut below) = (0, y);
    while below.shape()[0] > 0 {
        let (mut right, rest) = below.split(0, rows);
        let mut col = 0;
        while right.shape()[1] > 0 {
            let (tile, rest) = right.split(1, cols);
            let at = [row, col];
            col += tile.shape()[1];
            tiles.push((at, tile));
            right = rest;
        }
        (below, row) = (rest, row + rows);
    }
    tiles
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_are_as_many_as_there_is_work_for() {
        assert_eq!(tile([512, 512], 512, 2), [256, 512]);
        assert_eq!(tile([512, 512], 512, 16), [128, 128]);
        assert_eq!(tile([3000, 3], 100, 16), [128, 3]);
        assert_eq!(tile([8, 8], 8, 16), [8, 8]);
        assert_eq!(tile([0, 5], 8, 2), [1, 5]);
    }

    #[test]
    fn no_bit_depends_on_the_tiles() {
        let [m, n, k] = [150, 90, 300];
        let values = |len| (0..len).map(|i| ((i * 37 % 101) as f32 - 50.0) / 7.0);
        let (a, b): (Vec<_>, Vec<_>) = (values(m * k).collect(), values(k * n).collect());
        let with = |threads| {
            let mut y = vec![f32::NAN; m * n];
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            pool.build().unwrap().install(|| {
                let factors = [
                    Matrix::of_rows(&a, [m, k], k),
                    Matrix::of_rows(&b, [k, n], n),
                ];
                let y = MatrixMut::new(&mut y, [m, n]);
                products([factors].into_iter(), [y].into_iter());
            });
            y.into_iter().map(f32::to_bits).collect::<Vec<_>>()
        };
        let one = with(1);
        let sum: f64 = (0..k).map(|i| f64::from(a[i]) * f64::from(b[i * n])).sum();
        assert!((f64::from(f32::from_bits(one[0])) - sum).abs() < 1e-2);
        for threads in [2, 3, 16] {
            assert_eq!(one, with(threads), "{threads} threads");
        }
    }
}
