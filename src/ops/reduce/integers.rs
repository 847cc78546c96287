//! Sums and products of integers and of `bool`, in `i64`, which wraps: so any order gives the same bits.

use std::any::Any;

use super::Plan;
use super::cuda::{self, Names, read_as};
use crate::cpu::{TASK, collect, share_out};
use crate::element::{Element, Wide};
use crate::error::Result;
use crate::ops::dispatch;
use crate::tensor::Tensor;

/// Their kernels; `bool` is read as `u8`.
pub const INTEGER_KERNELS: &[&str] = &[
    "reduce_sum_i64",
    "reduce_sum_i32",
    "reduce_sum_u8",
    "reduce_sum_finish_i64",
    "reduce_prod_i64",
    "reduce_prod_i32",
    "reduce_prod_u8",
    "reduce_prod_finish_i64",
];

struct Op {
    name: &'static str,
    none: i64,
    both: fn(i64, i64) -> i64,
}

const SUM: Op = Op {
    name: "sum",
    none: 0,
    both: i64::wrapping_add,
};
const PROD: Op = Op {
    name: "prod",
    none: 1,
    both: i64::wrapping_mul,
};

/// Elements widened at a time.
const BLOCK: usize = 512;

fn reduce<T: Element>(
    op: &Op,
    x: &Tensor<T>,
    dims: &[isize],
    keepdim: bool,
) -> Result<Tensor<i64>> {
    let plan = Plan::new(op.name, x.shape(), dims, keepdim)?;
    let x = plan.ordered(x)?;
    let names = Names {
        first: format!("reduce_{}_{}", op.name, read_as::<T>()),
        finish: format!("reduce_{}_finish_i64", op.name),
        words: 2,
    };
    let mut out = Tensor::empty(&plan.left, x.device())?;
    dispatch::unary(
        op.name,
        &x,
        &mut out,
        |x, y| cpu(op, x, y, plan.of),
        |s, x, y| cuda::run::<T, i64>(s, &names, x, y, plan.of, 1.0),
    )?;
    Ok(out)
}

/// The elements of x as `i64` to `f`, with the place in a row of `inner` of each one's block.
fn blocks<T: Element>(x: &[T], inner: usize, mut f: impl FnMut(usize, &[i64])) {
    let mut wide = [0; BLOCK];
    for row in x.chunks(inner) {
        for (i, x) in row.chunks(BLOCK).enumerate() {
            let wide = &mut wide[..x.len()];
            T::block_to_i64(x, wide);
            f(i * BLOCK, wide);
        }
    }
}

fn cpu<T: Element>(op: &Op, x: &[T], y: &mut [i64], [_, n, inner]: [usize; 3]) {
    let take = |x: &[T], y: &mut [i64]| match y {
        // one column: its elements lie side by side
        [y] => blocks(x, x.len().max(1), |_, x| {
            *y = x.iter().copied().fold(*y, op.both);
        }),
        y => blocks(x, inner, |at, x| {
            let y = y[at..].iter_mut().zip(x);
            y.for_each(|(y, &x)| *y = (op.both)(*y, x));
        }),
    };
    y.fill(op.none);
    if n * inner <= TASK {
        let per_task = (TASK / (n * inner).max(1)).max(1) * inner;
        return share_out(y, per_task, |first, y| {
            for (i, y) in y.chunks_mut(inner).enumerate() {
                take(&x[(first / inner + i) * n * inner..][..n * inner], y);
            }
        });
    }
    for (x, y) in x.chunks(n * inner).zip(y.chunks_mut(inner)) {
        let parts = collect(x.chunks(TASK.div_ceil(inner) * inner), |x| {
            let mut part = vec![op.none; inner];
            take(x, &mut part);
            part
        });
        for part in parts {
            let y = y.iter_mut().zip(part);
            y.for_each(|(y, part)| *y = (op.both)(*y, part));
        }
    }
}

/// The sum over the first dimension of what is `f32` or `i64`.
pub(crate) fn sum_of_slabs<W: Wide>(x: &Tensor<W>) -> Result<Tensor<W>> {
    match (x as &dyn Any).downcast_ref::<Tensor<f32>>() {
        Some(x) => x.sum_dim(&[0], false)?.cast(),
        None => reduce(&SUM, x, &[0], false)?.cast(),
    }
}

macro_rules! integers {
    ($($type:ty)*) => {
        $(impl Tensor<$type> {
            /// The sum of all elements, a tensor without dimensions of `i64`, which wraps.
            ///
            /// # Errors
            /// Whatever the device answers.
            pub fn sum(&self) -> Result<Tensor<i64>> {
                reduce(&SUM, self, &[], false)
            }

            /// The sums along these dimensions (`torch.sum`) in `i64`, which wraps; 0 of nothing.
            ///
            /// # Errors
            /// A dimension that the tensor does not have, or one twice.
            pub fn sum_dim(&self, dims: &[isize], keepdim: bool) -> Result<Tensor<i64>> {
                reduce(&SUM, self, dims, keepdim)
            }

            /// The products along these dimensions (`torch.prod`) in `i64`, which wraps; 1 of nothing.
            ///
            /// # Errors
            /// A dimension that the tensor does not have, or one twice.
            pub fn prod(&self, dims: &[isize], keepdim: bool) -> Result<Tensor<i64>> {
                reduce(&PROD, self, dims, keepdim)
            }
        })*
    };
}
integers!(i64 i32 u8 bool);
