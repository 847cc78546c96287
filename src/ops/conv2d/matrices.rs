//! The 36 matrices that a minimal filtering (`minimal.rs`) multiplies, one for each point.

use std::array::from_fn;

use super::minimal::{LANES, SIDE};
use crate::cpu::{Buffer, Matrix, MatrixMut};
use crate::error::Result;

pub(super) const POINTS: usize = SIDE * SIDE;

/// A matrix for each point, row-major.
pub(super) struct Matrices {
    pub(super) data: Buffer<f32>,
    pub(super) rows: usize,
    cols: usize,
}

impl Matrices {
    pub(super) fn stale(rows: usize, cols: usize) -> Result<Self> {
        let data = Buffer::stale(POINTS * Self::between(rows, cols))?;
        Ok(Self { data, rows, cols })
    }

    /// From one point's matrix to the next: a line more than it has, so that what is written to all of them does not
    /// fall on one place of a cache.
    fn between(rows: usize, cols: usize) -> usize {
        rows * cols + LANES
    }

    pub(super) fn stride(&self) -> usize {
        Self::between(self.rows, self.cols)
    }

    pub(super) fn point(&self, point: usize) -> Matrix<'_> {
        let data = &self.data[point * self.stride()..];
        Matrix::of_rows(data, [self.rows, self.cols], self.cols)
    }

    pub(super) fn point_mut(&mut self, point: usize) -> MatrixMut<'_> {
        let at = point * self.stride();
        MatrixMut::new(&mut self.data[at..], [self.rows, self.cols])
    }

    /// Runs of `rows` rows: of each, those of every point.
    pub(super) fn runs(&mut self, rows: usize) -> Vec<[&mut [f32]; POINTS]> {
        let (stride, all) = (self.stride(), self.rows * self.cols);
        let points = self.data.chunks_exact_mut(stride);
        let mut points: Vec<_> = points
            .map(|point| point[..all].chunks_mut(rows * self.cols))
            .collect();
        (0..self.rows.div_ceil(rows))
            .map(|_| from_fn(|point| points[point].next().unwrap_or_default()))
            .collect()
    }
}
