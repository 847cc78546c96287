//! How indices, and what they are of, are walked: the same on both sides.

use crate::checks::expect_shape;
use crate::error::{Error, Result};
use crate::ops::strides::{Strides, of_shape};

/// All kernels of `cuda/index.cu`.
pub const KERNELS: &[&str] = &[
    "gather_b128",
    "gather_b64",
    "gather_b32",
    "gather_b16",
    "gather_b8",
    "scatter_add_f32",
    "scatter_add_f16",
    "scatter_add_bf16",
    "scatter_add_i64",
];

/// Errors unless `index` has as many dimensions as `shape`, and outside of `dim` is no longer.
fn fits(op: &'static str, shape: &[usize], dim: usize, index: &[usize]) -> Result<()> {
    let mut pairs = shape.iter().zip(index).enumerate();
    let fits = index.len() == shape.len() && pairs.all(|(d, (size, own))| d == dim || own <= size);
    match fits {
        true => Ok(()),
        false => {
            let expected = format!("an index no longer than {shape:?} but in dimension {dim}");
            Err(Error::shape(op, expected, format!("{index:?}")))
        }
    }
}

/// The strides with that of the dimension left out, and that one.
fn without(shape: &[usize], dim: usize) -> (Vec<isize>, isize) {
    let mut strides = of_shape(shape);
    let step = std::mem::replace(&mut strides[dim], 0);
    (strides, step)
}

/// What `gather` and `index_select` read.
pub(super) struct Gather {
    pub(super) op: &'static str,
    pub(super) dim: usize,
    /// Of the output.
    pub(super) shape: Vec<usize>,
    /// The size of the dimension that is indexed, and between neighbours along it.
    pub(super) size: usize,
    pub(super) step: isize,
    /// An output's element in x, the dimension left out, and in index.
    pub(super) strides: Strides<2>,
}

impl Gather {
    pub(super) fn list(op: &'static str, of: &[usize], dim: usize, len: usize) -> Self {
        let (mut shape, mut index) = (of.to_vec(), vec![0; of.len()]);
        shape[dim] = len;
        index[dim] = 1;
        Self::new(op, of, dim, shape, &index)
    }

    pub(super) fn elements(
        op: &'static str,
        of: &[usize],
        dim: usize,
        index: &[usize],
    ) -> Result<Self> {
        fits(op, of, dim, index)?;
        Ok(Self::new(op, of, dim, index.to_vec(), &of_shape(index)))
    }

    fn new(op: &'static str, of: &[usize], dim: usize, shape: Vec<usize>, index: &[isize]) -> Self {
        let (x, step) = without(of, dim);
        let strides = Strides::new(&shape, [&x, index]);
        Self {
            op,
            dim,
            size: of[dim],
            step,
            strides,
            shape,
        }
    }

    /// The error of this index.
    pub(super) fn error(&self, index: i64) -> Error {
        let (op, dim, size) = (self.op, self.dim, self.size);
        Error::Index {
            op,
            dim,
            size,
            index,
        }
    }
}

/// What `scatter_add` and the gradients read and add to.
pub(super) struct Scatter {
    pub(super) op: &'static str,
    pub(super) dim: usize,
    /// The size of the dimension that is added to.
    pub(super) size: usize,
    /// Elements of a column.
    pub(super) n: usize,
    /// Between neighbours of a column in src, index and y.
    pub(super) steps: [isize; 3],
    /// A column's first place in each of them.
    pub(super) columns: Strides<3>,
    /// Sizes and strides of the columns before the dimension and behind it, for those who cut y along the dimension.
    pub(super) outer: Strides<3>,
    pub(super) inner: Strides<3>,
}

/// How a launch of `scatter_add` is cut, by shapes alone.
pub(super) struct Cut {
    /// Columns that a warp has side by side.
    pub(super) lanes: usize,
    /// Parts of the dimension that is added to, each a warp's.
    pub(super) ranges: usize,
    /// Parts of a column, each with a slab of sums, and the elements of one.
    pub(super) chunks: usize,
    pub(super) chunk: usize,
    /// Elements of a slab.
    pub(super) slab: usize,
}

/// Warps that fill a GPU, and turns that one takes at least before its column is cut.
const WARPS: usize = 4096;
const TURNS: usize = 16;
const MOST_RANGES: usize = 64;

impl Scatter {
    pub(super) fn list(
        op: &'static str,
        shape: &[usize],
        dim: usize,
        len: usize,
        src: &[usize],
    ) -> Result<Self> {
        let (mut of, mut index) = (shape.to_vec(), vec![0; shape.len()]);
        of[dim] = len;
        index[dim] = 1;
        expect_shape(op, &of, src)?;
        Ok(Self::new(op, shape, dim, &of, [&of_shape(src), &index]))
    }

    pub(super) fn elements(
        op: &'static str,
        shape: &[usize],
        dim: usize,
        index: &[usize],
        src: &[usize],
    ) -> Result<Self> {
        fits(op, shape, dim, index)?;
        if src.len() != index.len() || src.iter().zip(index).any(|(src, own)| src < own) {
            let expected = format!("a src no shorter than the index's shape {index:?}");
            return Err(Error::shape(op, expected, format!("{src:?}")));
        }
        let steps = [of_shape(src), of_shape(index)];
        Ok(Self::new(op, shape, dim, index, [&steps[0], &steps[1]]))
    }

    fn new(
        op: &'static str,
        shape: &[usize],
        dim: usize,
        of: &[usize],
        [src, index]: [&[isize]; 2],
    ) -> Self {
        let y = of_shape(shape);
        let strides = [src, index, &y];
        let part = |dims: &[usize]| {
            let pick = |of: &[isize]| dims.iter().map(|d| of[*d]).collect::<Vec<_>>();
            let sizes: Vec<usize> = dims.iter().map(|d| of[*d]).collect();
            let [src, index, y] = strides.map(pick);
            Strides::new(&sizes, [&src, &index, &y])
        };
        let all: Vec<usize> = (0..of.len()).collect();
        let (before, behind) = (&all[..dim], &all[dim + 1..]);
        Self {
            op,
            dim,
            size: shape[dim],
            n: of[dim],
            steps: strides.map(|of| of[dim]),
            columns: part(&[before, behind].concat()),
            outer: part(before),
            inner: part(behind),
        }
    }

    /// For sums of `slab` elements.
    pub(super) fn cut(&self, slab: usize) -> Cut {
        let (columns, beside) = (self.columns.numel(), self.inner.numel());
        // neighbours in memory side by side, and as many more as would otherwise have nothing to do
        let depth = 32 / beside.next_power_of_two().min(32);
        let depth = depth.min(self.n.next_power_of_two());
        let lanes = 32 / depth;
        let needed = WARPS / columns.div_ceil(lanes);
        // slabs cost what their elements do: no more than there are to add
        let most = (self.n / (depth * TURNS)).min(self.n * columns / slab.max(1));
        let chunks = needed.clamp(1, most.max(1));
        let chunk = self.n.div_ceil(chunks);
        let most = (self.n / (depth * TURNS)).min(self.size).min(MOST_RANGES);
        let ranges = (needed / chunks).clamp(1, most.max(1));
        Cut {
            lanes,
            ranges,
            chunks: self.n.div_ceil(chunk),
            chunk,
            slab,
        }
    }
}
