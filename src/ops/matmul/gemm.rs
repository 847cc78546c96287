//! What one launch computes: sizes, layouts and the epilogue of a batch of products, and the checks on them.

use crate::element::Float;
use crate::error::{Error, Result};
use crate::ops::activation::Activation;

/// Tiles end past the matrix by less than this, and a kernel's i32 indices must hold their ends.
const MARGIN: usize = 256;

/// `y = activation(op(a) op(b) + bias)` for every matrix of a batch, all row-major.
///
/// `op(a)` is m x k and `op(b)` is k x n; a transposed one is stored as k x m or n x k. Made by [`Gemm::new`] for dense
/// matrices; a program with other layouts changes the fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gemm {
    /// How many products.
    pub batch: usize,
    /// Rows of the output.
    pub m: usize,
    /// Columns of the output.
    pub n: usize,
    /// Terms of each sum; with 0 every sum is 0.
    pub k: usize,
    /// `a` is stored transposed.
    pub transpose_a: bool,
    /// `b` is stored transposed.
    pub transpose_b: bool,
    /// Elements from one stored row of `a` to the next.
    pub lda: usize,
    /// Elements from one stored row of `b` to the next.
    pub ldb: usize,
    /// Elements from one row of the output to the next.
    pub ldy: usize,
    /// Elements from one matrix of `a` to the next; 0 uses one for all.
    pub stride_a: usize,
    /// Elements from one matrix of `b` to the next; 0 uses one for all.
    pub stride_b: usize,
    /// Elements from one matrix of the output to the next.
    pub stride_y: usize,
    /// Applied at the end.
    pub activation: Activation,
    /// Whether `f32` products may use Tensor Cores, which take 10 bits of their factors' fractions (tf32).
    pub allow_tf32: bool,
}

impl Gemm {
    /// One product of dense matrices, or, with `batch` set afterwards, of dense batches.
    pub fn new(m: usize, n: usize, k: usize, transpose_a: bool, transpose_b: bool) -> Self {
        Self {
            batch: 1,
            m,
            n,
            k,
            transpose_a,
            transpose_b,
            lda: if transpose_a { m } else { k },
            ldb: if transpose_b { k } else { n },
            ldy: n,
            stride_a: m.saturating_mul(k),
            stride_b: k.saturating_mul(n),
            stride_y: m.saturating_mul(n),
            activation: Activation::None,
            allow_tf32: false,
        }
    }

    /// Whether there is nothing to write.
    pub(crate) fn is_empty(&self) -> bool {
        self.batch == 0 || self.m == 0 || self.n == 0
    }

    /// Outputs of the whole batch.
    pub(crate) fn outputs(&self) -> usize {
        self.batch.saturating_mul(self.m).saturating_mul(self.n)
    }

    /// Whether every row begins at a multiple of 16 bytes from its buffer's start, and every matrix at a multiple of its rows'
    /// distance, as tensor maps need it.
    pub(crate) fn in_16_bytes<T: Float>(&self) -> bool {
        let per = 16 / size_of::<T>();
        let apart = |ld: usize, stride: usize| {
            let matrices = self.batch == 1 || stride.is_multiple_of(ld);
            ld.is_multiple_of(per) && matrices
        };
        apart(self.lda, self.stride_a)
            && apart(self.ldb, self.stride_b)
            && apart(self.ldy, self.stride_y)
    }

    /// Whether `a` and `b` are stored in whole pieces of 16 bytes, each at a multiple of 16 bytes from its buffer's start.
    pub(crate) fn in_pieces<T: Float>(&self) -> bool {
        let per = 16 / size_of::<T>();
        let whole = |(rows, cols): (usize, usize), ld: usize, stride: usize| {
            let apart = (self.batch == 1 || stride.is_multiple_of(per))
                && (rows == 1 || ld.is_multiple_of(per));
            apart && cols.is_multiple_of(per)
        };
        let [a, b] = self.stored();
        whole(a, self.lda, self.stride_a) && whole(b, self.ldb, self.stride_b)
    }

    /// Rows and columns of `a` and `b` as they are stored.
    pub(crate) fn stored(&self) -> [(usize, usize); 2] {
        let swap = |(rows, cols), transpose| {
            if transpose {
                (cols, rows)
            } else {
                (rows, cols)
            }
        };
        [
            swap((self.m, self.k), self.transpose_a),
            swap((self.k, self.n), self.transpose_b),
        ]
    }

    /// Checks sizes and layouts, and says how many elements of `a`, `b` and `y` are touched.
    pub(crate) fn spans(&self, op: &'static str) -> Result<[usize; 3]> {
        let limit = i32::MAX as usize - MARGIN;
        for (what, value) in [
            ("rows", self.m),
            ("columns", self.n),
            ("inner size", self.k),
        ] {
            if value > limit {
                return Err(Error::TooLarge {
                    op,
                    what,
                    limit,
                    value,
                });
            }
        }
        let [a, b] = self.stored();
        let output = (self.m, self.n);
        let spans = [
            self.span(op, "lda", a, self.lda, self.stride_a)?,
            self.span(op, "ldb", b, self.ldb, self.stride_b)?,
            self.span(op, "ldy", output, self.ldy, self.stride_y)?,
        ];
        let matrix = self.m.saturating_sub(1).saturating_mul(self.ldy) + self.n;
        if self.batch > 1 && self.stride_y < matrix {
            let expected = format!("stride_y of at least {matrix}, so that outputs do not overlap");
            return Err(Error::argument(op, expected, self.stride_y));
        }
        Ok(spans)
    }

    fn span(
        &self,
        op: &'static str,
        name: &str,
        (rows, cols): (usize, usize),
        ld: usize,
        stride: usize,
    ) -> Result<usize> {
        if rows > 1 && ld < cols {
            let expected = format!("{name} of at least {cols}, the columns of a row");
            return Err(Error::argument(op, expected, ld));
        }
        if self.batch == 0 || rows == 0 || cols == 0 {
            return Ok(0);
        }
        let all = (self.batch - 1).checked_mul(stride);
        let last = (rows - 1).checked_mul(ld).and_then(|n| n.checked_add(cols));
        // byte offsets must stay within an i64
        let span = all.and_then(|n| n.checked_add(last?));
        span.filter(|&n| n <= isize::MAX as usize / 8)
            .ok_or_else(|| {
                let got = format!("{self:?}");
                Error::shape(op, "matrices that fit the address space", got)
            })
    }
}
