//! The triangles of matrices.

use crate::element::Element;
use crate::error::{Error, Result};
use crate::ops::where_::where_;
use crate::tensor::Tensor;

impl<T: Element> Tensor<T> {
    /// The matrix, or each of a batch, with zeros above its diagonal (`torch.tril`); `diagonal` moves that to the right.
    ///
    /// # Errors
    /// Fewer than two dimensions.
    pub fn tril(&self, diagonal: i32) -> Result<Self> {
        let (rows, cols) = self.places("tril", diagonal)?;
        where_(&cols.le(&rows)?, self, T::default())
    }

    /// The matrix, or each of a batch, with zeros below its diagonal (`torch.triu`); `diagonal` moves that to the right.
    ///
    /// # Errors
    /// Fewer than two dimensions.
    pub fn triu(&self, diagonal: i32) -> Result<Self> {
        let (rows, cols) = self.places("triu", diagonal)?;
        where_(&cols.ge(&rows)?, self, T::default())
    }

    /// The place of the diagonal in each row, as a column, and the columns' places, as a row.
    fn places(&self, op: &'static str, diagonal: i32) -> Result<(Tensor<i64>, Tensor<i64>)> {
        let [.., rows, cols] = *self.shape() else {
            let got = format!("{:?}", self.shape());
            return Err(Error::shape(op, "at least two dimensions", got));
        };
        let (device, first) = (self.device(), i64::from(diagonal));
        let places = Tensor::arange(first, first + rows as i64, 1, device)?;
        let cols = Tensor::arange(0, cols as i64, 1, device)?;
        Ok((places.reshape(&[rows, 1])?, cols))
    }
}
