//! Comparisons on the CPU.

use super::{EQUAL, GREATER, LESS, UNORDERED};
use crate::cpu::{tasks, vectorized};
use crate::element::Number;
use crate::ops::binary::cpu::{BLOCK, Reader};
use crate::ops::dispatch::Side;
use crate::ops::strides::Strides;

/// `y[i]` = whether what a and b are to each other is among the wanted.
pub(crate) fn compare<T: Number>(
    wanted: i32,
    [a, b]: [Side<&[T], T::Wide>; 2],
    y: &mut [bool],
    strides: &Strides<2>,
) {
    let [less, equal, greater, unordered] =
        [LESS, EQUAL, GREATER, UNORDERED].map(|order| wanted & order != 0);
    tasks(y, |first, y| {
        let [mut of_a, mut of_b] =
            [(a, 0), (b, 1)].map(|(side, which)| Reader::new(Some(side), strides, which));
        for (block, y) in y.chunks_mut(BLOCK).enumerate() {
            let at = first + block * BLOCK;
            let (a, b) = (of_a.read(at, y.len(), &[]), of_b.read(at, y.len(), &[]));
            vectorized!(for ((y, a), b) in y.iter_mut().zip(a).zip(b) {
                let (lt, eq, gt) = (a < b, a == b, a > b);
                *y = (lt & less) | (eq & equal) | (gt & greater) | (!(lt | eq | gt) & unordered);
            });
        }
    });
}
