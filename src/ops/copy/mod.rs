//! Copies of boxes of elements from one pattern of strides to another: what stands behind slices, permutations, repetitions
//! and concatenations. Every tensor is contiguous, so each of these copies what it keeps, once.

pub(crate) mod cpu;
pub mod cuda;

use crate::element::Element;
use crate::error::{Error, Result};
use crate::ops::dispatch;
use crate::ops::strides::Strides;
use crate::tensor::Tensor;

const OP: &str = "copy";

/// `y[at[1] + place in y] = x[at[0] + place in x]` for every index of the box, whose places the caller has checked. What
/// of `y` it does not write the caller does.
pub(crate) fn copy<T: Element>(
    x: &Tensor<T>,
    y: &mut Tensor<T>,
    at: [usize; 2],
    strides: &Strides<2>,
) -> Result<()> {
    if strides.numel() == 0 {
        return Ok(());
    }
    dispatch::unary(
        OP,
        x,
        y,
        |x, y| cpu::copy(x, y, at, strides),
        |s, x, y| cuda::run(s, (x, at[0]), (y, at[1]), strides),
    )
}

/// Whether the box is one run of elements in `y`.
fn is_dense(strides: &Strides<2>) -> bool {
    let mut next = 1;
    strides.dims().iter().all(|&(size, [_, step])| {
        let dense = step == next;
        next *= size as isize;
        dense
    })
}

/// Rows and columns of the matrices in `x`, each of which `y` has transposed, if that is all there is to the copy.
fn transposed(strides: &Strides<2>) -> Option<(usize, usize)> {
    let (&[(rows, [across, _]), (cols, [1, _])], batch) = strides.dims().split_first_chunk()?
    else {
        return None;
    };
    let matrix = (rows * cols) as isize;
    let whole = match batch {
        [] => true,
        [(_, strides)] => *strides == [matrix; 2],
        _ => false,
    };
    (whole && is_dense(strides) && across == cols as isize).then_some((rows, cols))
}

/// Errors unless all places are in buffers of these lengths, and those in `y` differ.
fn check_places(strides: &Strides<2>, at: [usize; 2], len: [usize; 2]) -> Result<()> {
    for k in 0..2 {
        let reach = |of: fn(i128) -> bool| -> i128 {
            let ends = strides.dims().iter();
            let ends = ends.map(|(size, s)| (*size as i128 - 1) * s[k] as i128);
            ends.filter(|end| of(*end)).sum()
        };
        let low = at[k] as i128 + reach(|end| end < 0);
        let high = at[k] as i128 + reach(|end| end > 0);
        if low < 0 || high >= len[k] as i128 {
            let expected = format!("places within a buffer of {} elements", len[k]);
            return Err(Error::argument(OP, expected, format!("{low} to {high}")));
        }
    }
    let mut steps: Vec<(usize, usize)> = strides
        .dims()
        .iter()
        .map(|(size, s)| (s[1].unsigned_abs(), *size))
        .collect();
    steps.sort_unstable();
    let mut reach = 0;
    for (step, size) in steps {
        if step <= reach {
            let expected = "strides of the output whose places differ";
            return Err(Error::argument(OP, expected, step));
        }
        reach += step * (size - 1);
    }
    Ok(())
}
