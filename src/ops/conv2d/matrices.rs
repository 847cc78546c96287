//! The 36 matrices that a minimal filtering (`minimal.rs`) multiplies, one for each point.

use std::array::from_fn;

use faer::{MatMut, MatRef};

use super::minimal::{LANES, SIDE};
use crate::error::Result;
use crate::pool::Buffer;

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

    pub(super) fn point(&self, point: usize) -> MatRef<'_, f32> {
        let data = &self.data[point * self.stride()..];
        MatRef::from_row_major_slice(&data[..self.rows * self.cols], self.rows, self.cols)
    }

    pub(super) fn point_mut(&mut self, point: usize) -> MatMut<'_, f32> {
        let at = point * self.stride();
        let data = &mut self.data[at..];
        MatMut::from_row_major_slice_mut(&mut data[..self.rows * self.cols], self.rows, self.cols)
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
