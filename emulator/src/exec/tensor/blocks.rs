//! Which block of a fragment lies where, and blocks to and from matrices in memory.

use super::numbers::Rows;
use std::mem::MaybeUninit;

/// Blocks of a multiplication: 8 rows of A, 8 columns of B, 16 (f64: 32) bytes along k.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tiling {
    pub m: usize,
    pub n: usize,
    pub k: usize,
}

impl Tiling {
    /// Number of the block of A in rows `8 * m..` and the k-th 16 bytes.
    #[inline(always)]
    pub fn a(self, m: usize, k: usize) -> usize {
        stacked(self.m, self.k, m, k)
    }

    /// Number of the block of B in columns `8 * n..` and the k-th 16 bytes.
    #[inline(always)]
    pub fn b(self, n: usize, k: usize) -> usize {
        n * self.k + k
    }

    /// Number of the block of C and D in rows `8 * m..` and columns `8 * n..`.
    #[cfg(test)]
    pub fn c(self, m: usize, n: usize) -> usize {
        stacked(self.m, self.n, m, n)
    }

    /// Where a block of C and D is: the inverse of `c`.
    #[inline(always)]
    pub fn c_at(self, block: usize) -> (usize, usize) {
        if self.m == 1 {
            return (0, block);
        }
        (
            block / (2 * self.n) * 2 + block % 2,
            block % (2 * self.n) / 2,
        )
    }
}

/// Two blocks below each other first, then to the right, then the next two rows of blocks.
#[inline(always)]
fn stacked(height: usize, width: usize, row: usize, column: usize) -> usize {
    if height == 1 {
        column
    } else {
        row / 2 * 2 * width + 2 * column + row % 2
    }
}

/// Where a block's elements lie in a matrix: the first, and the steps to the next row and the next element of a row.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub first: usize,
    pub row: usize,
    pub along: usize,
}

/// A block of a matrix.
#[inline(always)]
pub fn gather<T: Copy + Default, const P: usize>(matrix: &[T], place: Place) -> Rows<T, P> {
    let mut out = [[T::default(); P]; 8];
    for (r, row) in out.iter_mut().enumerate() {
        let start = place.first + r * place.row;
        if place.along == 1 {
            row.copy_from_slice(&matrix[start..start + P]);
        } else {
            for (e, value) in row.iter_mut().enumerate() {
                *value = matrix[start + e * place.along];
            }
        }
    }
    out
}

/// Puts a block into a matrix.
#[inline(always)]
pub fn scatter<T: Copy, const P: usize>(matrix: &mut [T], place: Place, block: &Rows<T, P>) {
    for (r, row) in block.iter().enumerate() {
        let start = place.first + r * place.row;
        if place.along == 1 {
            matrix[start..start + P].copy_from_slice(row);
        } else {
            for (e, value) in row.iter().enumerate() {
                matrix[start + e * place.along] = *value;
            }
        }
    }
}

/// The two registers of an accumulator block: elements at even and at odd columns. A lane has two neighbours of a row,
/// so that element 2 l of the block is in lane l.
#[inline(always)]
pub fn split<T: Plain>(block: &Rows<T, 8>) -> [[T; 32]; 2] {
    let flat: [T; 64] = recast(block);
    let mut out = [[T::default(); 32]; 2];
    for lane in 0..32 {
        out[0][lane] = flat[2 * lane];
        out[1][lane] = flat[2 * lane + 1];
    }
    out
}

/// The accumulator block of two registers.
#[inline(always)]
pub fn join<T: Plain>(even: &[T; 32], odd: &[T; 32]) -> Rows<T, 8> {
    let mut flat = [T::default(); 64];
    for lane in 0..32 {
        flat[2 * lane] = even[lane];
        flat[2 * lane + 1] = odd[lane];
    }
    recast(&flat)
}

/// Up to `N` blocks: an array of which only what is there is ever written.
pub struct Blocks<T, const N: usize> {
    blocks: [MaybeUninit<T>; N],
    count: usize,
}

impl<T: Copy, const N: usize> Blocks<T, N> {
    #[inline(always)]
    pub fn new() -> Self {
        Blocks {
            blocks: [const { MaybeUninit::uninit() }; N],
            count: 0,
        }
    }

    #[inline(always)]
    pub fn push(&mut self, block: T) {
        self.blocks[self.count].write(block);
        self.count += 1;
    }

    #[inline(always)]
    pub fn all(&self) -> &[T] {
        // SAFETY: `push` has written this many.
        unsafe { std::slice::from_raw_parts(self.blocks.as_ptr().cast(), self.count) }
    }
}

/// Types of which any bits are a value.
pub trait Plain: Copy + Default + 'static {}
impl Plain for u8 {}
impl Plain for i8 {}
impl Plain for u16 {}
impl Plain for u32 {}
impl Plain for u64 {}
impl Plain for u128 {}
impl Plain for i32 {}
impl Plain for f32 {}
impl Plain for f64 {}
impl<T: Plain, const N: usize> Plain for [T; N] where [T; N]: Default {}

/// The same bytes in another type, as a little-endian device sees them.
#[inline(always)]
pub fn recast<From: Copy + Bytes, To: Copy + Bytes>(from: &From) -> To {
    const { assert!(size_of::<From>() == size_of::<To>()) };
    // SAFETY: the sizes are equal, and `Bytes` is implemented for arrays of integers and floats only.
    unsafe { std::mem::transmute_copy(from) }
}

/// Arrays of numbers: no padding, and any bits are a value.
pub trait Bytes {}
impl<T: Plain, const N: usize> Bytes for [T; N] {}
