//! Views of f32 matrices, and their product by the `matrixmultiply` crate, which takes pointers and strides.

use std::marker::PhantomData;
use std::ops::Range;

/// A matrix to read: its element (i, j) lies at `i * strides[0] + j * strides[1]`.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a> {
    /// From the first element to the last, as [`Matrix::new`] has seen.
    data: &'a [f32],
    shape: [usize; 2],
    strides: [usize; 2],
}

/// Elements from a matrix's first to its last, that one too. What overflows is longer than any slice.
fn span([rows, cols]: [usize; 2], [down, across]: [usize; 2]) -> usize {
    if rows == 0 || cols == 0 {
        return 0;
    }
    let last = [
        (rows - 1).saturating_mul(down),
        (cols - 1).saturating_mul(across),
    ];
    last[0].saturating_add(last[1]).saturating_add(1)
}

impl<'a> Matrix<'a> {
    /// The caller has checked that `data` holds it.
    fn new(data: &'a [f32], shape: [usize; 2], strides: [usize; 2]) -> Self {
        let data = &data[..span(shape, strides)];
        Self {
            data,
            shape,
            strides,
        }
    }

    /// Rows of `cols` elements, each `stride` behind the one before. The caller has checked that `data` holds them.
    pub(crate) fn of_rows(data: &'a [f32], shape: [usize; 2], stride: usize) -> Self {
        Self::new(data, shape, [stride, 1])
    }

    pub(crate) fn transposed(self) -> Self {
        let ([rows, cols], [down, across]) = (self.shape, self.strides);
        Self {
            shape: [cols, rows],
            strides: [across, down],
            ..self
        }
    }

    pub(crate) fn rows(self, range: Range<usize>) -> Self {
        self.part(0, range)
    }

    pub(crate) fn cols(self, range: Range<usize>) -> Self {
        self.part(1, range)
    }

    fn part(self, axis: usize, range: Range<usize>) -> Self {
        let mut shape = self.shape;
        shape[axis] = range.len();
        let first = range.start * self.strides[axis];
        // where there are no elements, nothing lies there
        let data = self.data.get(first..).unwrap_or_default();
        Self::new(data, shape, self.strides)
    }

    pub(crate) fn shape(&self) -> [usize; 2] {
        self.shape
    }
}

/// A matrix to write: rows of neighbours, each `stride` behind the one before. Between them lie other matrices' rows, where
/// it was split off, so it is not a slice.
pub(crate) struct MatrixMut<'a> {
    first: *mut f32,
    shape: [usize; 2],
    stride: usize,
    elements: PhantomData<&'a mut [f32]>,
}

// SAFETY: the elements are borrowed by this matrix alone (`new`, `split`), as by a `&mut [f32]`, which may be sent.
unsafe impl Send for MatrixMut<'_> {}

impl<'a> MatrixMut<'a> {
    /// Rows that lie side by side. The caller has checked that `data` holds them.
    pub(crate) fn new(data: &'a mut [f32], [rows, cols]: [usize; 2]) -> Self {
        let data = &mut data[..span([rows, cols], [cols, 1])];
        Self {
            first: data.as_mut_ptr(),
            shape: [rows, cols],
            stride: cols,
            elements: PhantomData,
        }
    }

    /// The rows (axis 0) or columns (axis 1) before `at`, and the others.
    pub(crate) fn split(self, axis: usize, at: usize) -> (Self, Self) {
        let mut shapes = [self.shape; 2];
        let at = at.min(self.shape[axis]);
        shapes[0][axis] = at;
        shapes[1][axis] -= at;
        let step = [self.stride, 1][axis];
        // past the end only where the second has no elements
        let firsts = [self.first, self.first.wrapping_add(at * step)];
        let part = |which: usize| Self {
            first: firsts[which],
            shape: shapes[which],
            ..self
        };
        (part(0), part(1))
    }

    pub(crate) fn rows(&mut self) -> impl Iterator<Item = &mut [f32]> {
        let [rows, cols] = self.shape;
        let rows = if cols == 0 { 0 } else { rows };
        (0..rows).map(move |i| {
            let row = self.first.wrapping_add(i * self.stride);
            // SAFETY: `new` saw that the slice holds this row, and `split` gives it to one of its halves; each row is handed
            // out once, for as long as `self` is borrowed.
            unsafe { std::slice::from_raw_parts_mut(row, cols) }
        })
    }

    pub(crate) fn shape(&self) -> [usize; 2] {
        self.shape
    }
}

/// `y = a b`, on this thread.
pub(crate) fn product(a: Matrix<'_>, b: Matrix<'_>, y: &mut MatrixMut<'_>) {
    multiply(a, b, 0.0, y);
}

/// `y = y + a b`, on this thread.
pub(crate) fn add_product(a: Matrix<'_>, b: Matrix<'_>, y: &mut MatrixMut<'_>) {
    multiply(a, b, 1.0, y);
}

fn multiply(a: Matrix<'_>, b: Matrix<'_>, keep: f32, y: &mut MatrixMut<'_>) {
    let ([m, k], [terms, n]) = (a.shape, b.shape);
    assert_eq!(
        (terms, y.shape),
        (k, [m, n]),
        "the caller has checked the shapes"
    );
    let [a_strides, b_strides] = [a, b].map(|x| x.strides.map(usize::cast_signed));
    // SAFETY: every element of `a` and `b` lies in its slice (`Matrix::new`), those of `y` in the slice that it was made of,
    // and they are its own (`MatrixMut`); the shapes are those of a product, as was just asserted.
    unsafe {
        matrixmultiply::sgemm(
            m,
            k,
            n,
            1.0,
            a.data.as_ptr(),
            a_strides[0],
            a_strides[1],
            b.data.as_ptr(),
            b_strides[0],
            b_strides[1],
            keep,
            y.first,
            y.stride.cast_signed(),
            1,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of 7 with numbers of their own.
    fn numbers() -> Vec<f32> {
        (0..35).map(|i| i as f32).collect()
    }

    #[test]
    fn parts_of_parts_are_multiplied() {
        let data = numbers();
        let a = Matrix::of_rows(&data, [5, 6], 7).rows(1..4).cols(2..5);
        let b = Matrix::of_rows(&data, [5, 7], 7).cols(3..5).transposed();
        let b = b.cols(2..5).transposed();
        let mut whole = vec![1.0; 4 * 9];
        let (_, below) = MatrixMut::new(&mut whole, [4, 9]).split(0, 1);
        let (_, right) = below.split(1, 3);
        let (mut y, _) = right.split(1, 2);
        add_product(a, b, &mut y);
        let of = |i: usize, j: usize| {
            let terms = (0..3).map(|l| data[(1 + i) * 7 + 2 + l] * data[(2 + l) * 7 + 3 + j]);
            1.0 + terms.sum::<f32>()
        };
        for (at, got) in whole.into_iter().enumerate() {
            let (i, j) = (at / 9, at % 9);
            let inside = i > 0 && (3..5).contains(&j);
            let want = if inside { of(i - 1, j - 3) } else { 1.0 };
            assert_eq!(got, want, "{i}, {j}");
        }
    }

    #[test]
    fn rows_of_a_tile_are_its_own() {
        let mut data = numbers();
        let (left, mut right) = MatrixMut::new(&mut data, [5, 7]).split(1, 5);
        assert_eq!((left.shape(), right.shape()), ([5, 5], [5, 2]));
        right.rows().for_each(|row| row.fill(-1.0));
        for (i, x) in data.into_iter().enumerate() {
            assert_eq!(x, if i % 7 < 5 { i as f32 } else { -1.0 });
        }
    }

    #[test]
    fn matrices_without_elements_have_no_place() {
        let none = Matrix::of_rows(&[], [0, 3], 3);
        assert_eq!(none.cols(2..3).transposed().shape(), [1, 0]);
        let mut y = [f32::NAN; 2];
        let (a, b) = (
            Matrix::of_rows(&[], [2, 0], 0),
            Matrix::of_rows(&[], [0, 1], 1),
        );
        product(a, b, &mut MatrixMut::new(&mut y, [2, 1]));
        assert_eq!(y, [0.0; 2]);
        let (_, mut none) = MatrixMut::new(&mut y, [2, 1]).split(1, 1);
        assert_eq!((none.shape(), none.rows().count()), ([2, 0], 0));
    }

    #[test]
    #[should_panic(expected = "out of range")]
    fn what_the_slice_does_not_hold_is_refused() {
        Matrix::of_rows(&[0.0; 8], [usize::MAX, 2], usize::MAX / 2);
    }
}
