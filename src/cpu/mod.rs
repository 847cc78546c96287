//! What the CPU sides of the ops share: parallel loops, and arithmetic compiled for the CPU at hand.
//!
//! Every op computes in `f32` (reductions in `f64`); `f16` and `bf16` are widened and narrowed block by block.
//! `elementwise` holds loops over elements, `rows` loops over rows, `math` what such loops compute, `stream` stores past the
//! caches and loads ahead, `pool` the buffers that tensors own, `matrix` multiplies matrices and `product` many at once, `share` splits work over the
//! threads, `vector` has the copies for each width of vectors.

mod elementwise;
pub(crate) mod math;
mod matrix;
mod pool;
mod product;
mod rows;
mod share;
pub(crate) mod stream;
mod vector;

pub(crate) use elementwise::{Parts, map, map_in_place, step, widened, zip, zip_in_place};
pub(crate) use matrix::{Matrix, MatrixMut, add_product, product};
pub(crate) use pool::{Buffer, clear_pools};
pub(crate) use product::{products, tiles};
pub(crate) use rows::{map_rows, reduce_rows, rows, sum_f64};
pub(crate) use share::{collect, in_pool, parts, share, share_out, share_with, tasks};
pub(crate) use stream::prefetch;
pub(crate) use vector::{OverVectors, Vector, dispatch, dispatch_vectors};

/// Elements of one parallel task: large enough to outweigh its start, small enough to share out evenly.
pub(crate) const TASK: usize = 32 * 1024;

/// Runs an expression in a copy compiled for the widest vectors that this CPU has (AVX-512, AVX2 or the baseline).
///
/// A macro, because only code that is inlined into such a copy is compiled that way, and a function cannot ask that of
/// the closure it is given. Closures in the expression, and functions that it calls, need `#[inline(always)]` likewise
/// unless they are a few lines.
macro_rules! vectorized {
    ($work:expr) => {
        $crate::cpu::dispatch(
            #[inline(always)]
            || $work,
        )
    };
}
pub(crate) use vectorized;

/// Copies; both slices have one length.
pub(crate) fn copy<T: Copy + Send + Sync>(x: &[T], y: &mut [T]) {
    tasks(y, |at, y| y.copy_from_slice(&x[at..at + y.len()]));
}
