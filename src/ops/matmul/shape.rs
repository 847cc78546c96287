//! How the shapes of two tensors become a [`Gemm`]: PyTorch's rules for ranks and broadcasting.

use super::gemm::Gemm;
use crate::error::{Error, Result, numel};

/// The products that a call asks for.
#[derive(Debug, PartialEq)]
pub(crate) struct Plan {
    pub(crate) shape: Vec<usize>,
    pub(crate) gemm: Gemm,
    /// Repetitions around `gemm`, outermost last.
    outer: Vec<Axis>,
}

/// A batch dimension, and how far one step along it is in each tensor; 0 where it is broadcast.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Axis {
    size: usize,
    a: usize,
    b: usize,
    y: usize,
}

impl Plan {
    pub(crate) fn new(
        op: &'static str,
        a: &[usize],
        b: &[usize],
        transpose_a: bool,
        transpose_b: bool,
    ) -> Result<Self> {
        let refuse = |expected: &str| {
            let mark = |transpose| if transpose { " transposed" } else { "" };
            let (ta, tb) = (mark(transpose_a), mark(transpose_b));
            Error::shape(op, expected, format!("{a:?}{ta} and {b:?}{tb}"))
        };
        let (batch_a, matrix_a) = split(a, transpose_a, Vector::Row)
            .ok_or_else(|| refuse("a first tensor of at least 1 dimension, or 2 to transpose"))?;
        let (batch_b, matrix_b) = split(b, transpose_b, Vector::Column)
            .ok_or_else(|| refuse("a second tensor of at least 1 dimension, or 2 to transpose"))?;
        let ([m, k], [inner, n]) = (matrix_a, matrix_b);
        if k != inner {
            return Err(refuse("(..., m, k) and (..., k, n) with one k"));
        }
        let batch = broadcast(batch_a, batch_b)
            .ok_or_else(|| refuse("batch dimensions that are equal or 1"))?;

        let mut shape = batch.clone();
        shape.extend((a.len() > 1).then_some(m));
        shape.extend((b.len() > 1).then_some(n));
        numel(op, &shape)?;

        let mut gemm = Gemm::new(m, n, k, transpose_a, transpose_b);
        let mut axes = axes(&batch, batch_a, batch_b, &gemm);
        let mut inner = Axis {
            size: 1,
            a: 0,
            b: 0,
            y: 0,
        };
        if !axes.is_empty() {
            inner = axes.remove(0);
        }
        if inner.b == 0
            && inner.a == gemm.stride_a
            && !transpose_a
            && m.checked_mul(inner.size).is_some()
        {
            // the rows of all matrices are the rows of one
            gemm.m *= inner.size;
            inner = Axis {
                size: 1,
                a: 0,
                b: 0,
                y: 0,
            };
        }
        (gemm.batch, gemm.stride_a, gemm.stride_b) = (inner.size, inner.a, inner.b);
        gemm.stride_y = if gemm.batch > 1 { inner.y } else { 0 };
        Ok(Self {
            shape,
            gemm,
            outer: axes,
        })
    }

    /// Where in a, b and y each repetition of `gemm` begins.
    pub(crate) fn offsets(&self) -> impl Iterator<Item = [usize; 3]> {
        let count: usize = self.outer.iter().map(|axis| axis.size).product();
        (0..count).map(|mut i| {
            let mut at = [0; 3];
            for axis in &self.outer {
                let along = i % axis.size;
                i /= axis.size;
                for (at, step) in at.iter_mut().zip([axis.a, axis.b, axis.y]) {
                    *at += along * step;
                }
            }
            at
        })
    }
}

/// What a tensor of one dimension is as a matrix.
enum Vector {
    Row,
    Column,
}

/// A shape as batch dimensions and the matrix that is multiplied.
fn split(shape: &[usize], transpose: bool, vector: Vector) -> Option<(&[usize], [usize; 2])> {
    match (shape, vector) {
        ([], _) => None,
        ([_], _) if transpose => None,
        (&[length], Vector::Row) => Some((&[], [1, length])),
        (&[length], Vector::Column) => Some((&[], [length, 1])),
        (&[ref batch @ .., rows, cols], _) => Some((
            batch,
            if transpose {
                [cols, rows]
            } else {
                [rows, cols]
            },
        )),
    }
}

/// The i-th dimension from the right, 1 where there is none.
fn dimension(shape: &[usize], i: usize) -> usize {
    shape.len().checked_sub(i + 1).map_or(1, |at| shape[at])
}

fn broadcast(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let rank = a.len().max(b.len());
    (0..rank)
        .rev()
        .map(|i| match (dimension(a, i), dimension(b, i)) {
            (a, b) if a == b => Some(a),
            (1, b) => Some(b),
            (a, 1) => Some(a),
            _ => None,
        })
        .collect()
}

/// The batch dimensions, innermost first, those that are walked in one stride merged.
fn axes(batch: &[usize], a: &[usize], b: &[usize], gemm: &Gemm) -> Vec<Axis> {
    let mut merged: Vec<Axis> = Vec::new();
    let (mut step_a, mut step_b, mut step_y) = (gemm.stride_a, gemm.stride_b, gemm.stride_y);
    for i in 0..batch.len() {
        let (size, size_a, size_b) = (dimension(batch, i), dimension(a, i), dimension(b, i));
        let own = |own: usize, step| if own == 1 { 0 } else { step };
        let axis = Axis {
            size,
            a: own(size_a, step_a),
            b: own(size_b, step_b),
            y: step_y,
        };
        (step_a, step_b, step_y) = (step_a * size_a, step_b * size_b, step_y * size);
        if size == 1 {
            continue;
        }
        match merged.last_mut() {
            Some(last) if last.a * last.size == axis.a && last.b * last.size == axis.b => {
                last.size *= size;
            }
            _ => merged.push(axis),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(a: &[usize], b: &[usize]) -> Plan {
        Plan::new("matmul", a, b, false, false).unwrap()
    }

    #[test]
    fn ranks_as_pytorch_has_them() {
        for (a, b, y) in [
            (&[3][..], &[3][..], &[][..]),
            (&[3], &[3, 2], &[2]),
            (&[2, 3], &[3], &[2]),
            (&[5, 2, 3], &[3], &[5, 2]),
            (&[5, 2, 3], &[3, 4], &[5, 2, 4]),
            (&[2, 3], &[5, 3, 4], &[5, 2, 4]),
            (&[7, 1, 2, 3], &[5, 3, 4], &[7, 5, 2, 4]),
            (&[0, 2, 3], &[1, 3, 4], &[0, 2, 4]),
        ] {
            assert_eq!(plan(a, b).shape, y, "{a:?} {b:?}");
        }
    }

    #[test]
    fn batches_merge_into_rows_or_one_stride() {
        let rows = plan(&[6, 5, 2, 3], &[3, 4]);
        assert_eq!((rows.gemm.m, rows.gemm.batch), (60, 1));
        let both = plan(&[6, 5, 2, 3], &[6, 5, 3, 4]);
        assert_eq!(
            (both.gemm.batch, both.gemm.stride_a, both.gemm.stride_b),
            (30, 6, 12)
        );
        let shared = plan(&[2, 3], &[6, 5, 3, 4]);
        assert_eq!(
            (
                shared.gemm.batch,
                shared.gemm.stride_a,
                shared.gemm.stride_b
            ),
            (30, 0, 12)
        );
        assert!(both.outer.is_empty() && shared.outer.is_empty());
    }

    #[test]
    fn what_does_not_merge_is_repeated() {
        let plan = plan(&[2, 1, 2, 3], &[5, 3, 4]);
        assert_eq!(
            (plan.gemm.batch, plan.gemm.stride_a, plan.gemm.stride_b),
            (5, 0, 12)
        );
        let offsets: Vec<_> = plan.offsets().collect();
        assert_eq!(offsets, [[0, 0, 0], [6, 0, 40]]);
    }
}
