//! Products with vectors and of batches, under the names that PyTorch has beside `matmul`.

use crate::element::Float;
use crate::error::{Error, Result};
use crate::tensor::Tensor;

impl<T: Float> Tensor<T> {
    /// A matrix times a vector (`torch.mv`): (m, k) times (k) is (m).
    ///
    /// # Errors
    /// Other ranks, sizes that do not fit, or different devices.
    pub fn mv(&self, vector: &Self) -> Result<Self> {
        self.ranks("mv", [2, 1], vector)?;
        self.matmul(vector)
    }

    /// The sum of the products of two vectors' elements (`torch.dot`), a tensor without dimensions.
    ///
    /// # Errors
    /// Other ranks, different lengths or devices.
    pub fn dot(&self, other: &Self) -> Result<Self> {
        self.ranks("dot", [1, 1], other)?;
        self.matmul(other)
    }

    /// Each element of a vector times each of another (`torch.outer`): (m) and (n) is (m, n).
    ///
    /// # Errors
    /// Other ranks, or different devices.
    pub fn outer(&self, other: &Self) -> Result<Self> {
        self.ranks("outer", [1, 1], other)?;
        self.reshape(&[self.numel(), 1])?.mul(other)
    }

    /// A batch of products (`torch.bmm`): (b, m, k) times (b, k, n) is (b, m, n).
    ///
    /// # Errors
    /// Other ranks, sizes that do not fit, or different devices.
    pub fn bmm(&self, other: &Self) -> Result<Self> {
        self.ranks("bmm", [3, 3], other)?;
        match self.shape()[0] == other.shape()[0] {
            true => self.matmul(other),
            false => {
                let got = format!("{:?} and {:?}", self.shape(), other.shape());
                Err(Error::shape("bmm", "batches of one size", got))
            }
        }
    }

    /// The sums over the last `dims` dimensions of one with the first of the other (`torch.tensordot`).
    ///
    /// # Errors
    /// Fewer dimensions than that, sizes that do not fit, or different devices.
    pub fn tensordot(&self, other: &Self, dims: usize) -> Result<Self> {
        let [left, right] = [self.shape(), other.shape()];
        let kept = left.len().checked_sub(dims);
        let Some(kept) = kept.filter(|kept| right.get(..dims) == Some(&left[*kept..])) else {
            let expected = format!("{dims} last dimensions that are the other's first");
            let got = format!("{left:?} and {right:?}");
            return Err(Error::shape("tensordot", expected, got));
        };
        let product = |sizes: &[usize]| sizes.iter().product::<usize>();
        let (m, k, n) = (
            product(&left[..kept]),
            product(&left[kept..]),
            product(&right[dims..]),
        );
        let sums = self.reshape(&[m, k])?.matmul(&other.reshape(&[k, n])?)?;
        sums.reshape(&[&left[..kept], &right[dims..]].concat())
    }

    fn ranks(&self, op: &'static str, ranks: [usize; 2], other: &Self) -> Result<()> {
        match [self.dim(), other.dim()] == ranks {
            true => Ok(()),
            false => {
                let expected = format!("tensors of {} and {} dimensions", ranks[0], ranks[1]);
                let got = format!("{:?} and {:?}", self.shape(), other.shape());
                Err(Error::shape(op, expected, got))
            }
        }
    }
}
