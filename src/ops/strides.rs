//! Boxes of indices and the places of their elements in several buffers: what broadcasting, slicing and permuting walk.

use crate::error::{Error, Result, numel};

/// Dimensions that a kernel walks (`cuda/strides.cuh`), once those that lie side by side are one.
const DIMS: usize = 8;

/// A box of indices, innermost dimension first, with the stride of each dimension in each of `N` buffers. Dimensions of
/// size 1 are left out, and neighbours are one where every buffer has them side by side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Strides<const N: usize> {
    dims: Vec<(usize, [isize; N])>,
}

impl<const N: usize> Strides<N> {
    /// Of these sizes and each buffer's strides, outermost first as shapes are written.
    pub(crate) fn new(sizes: &[usize], strides: [&[isize]; N]) -> Self {
        let mut dims: Vec<(usize, [isize; N])> = Vec::new();
        for (d, &size) in sizes.iter().enumerate().rev() {
            if size == 1 {
                continue;
            }
            let own = strides.map(|strides| strides[d]);
            match dims.last_mut() {
                Some((inner, steps))
                    if own == steps.map(|step| step.wrapping_mul(*inner as isize)) =>
                {
                    *inner *= size;
                }
                _ => dims.push((size, own)),
            }
        }
        Self { dims }
    }

    /// Whether every buffer has the box as one run of elements.
    pub(crate) fn is_contiguous(&self) -> bool {
        match self.dims[..] {
            [] => true,
            [(_, strides)] => strides == [1; N],
            _ => false,
        }
    }

    pub(crate) fn dims(&self) -> &[(usize, [isize; N])] {
        &self.dims
    }

    pub(crate) fn numel(&self) -> usize {
        let sizes = self.dims.iter().map(|(size, _)| *size);
        // beside a 0 the others may be of any size
        sizes.fold(1_usize, usize::saturating_mul)
    }

    /// The same box of words `by` times as wide, where the innermost dimension is a run of whole such words in each buffer
    /// of words and every other stride a multiple of them. A buffer that is not of words is to have one element for such a run.
    pub(crate) fn widened(&self, by: usize, of_words: [bool; N]) -> Option<Self> {
        let mut dims = self.dims.clone();
        let ((size, inner), outer) = dims.split_first_mut()?;
        if *inner != of_words.map(isize::from) || !size.is_multiple_of(by) {
            return None;
        }
        *size /= by;
        for (_, strides) in outer {
            for (step, _) in strides.iter_mut().zip(of_words).filter(|(_, words)| *words) {
                if !step.unsigned_abs().is_multiple_of(by) {
                    return None;
                }
                *step /= by as isize;
            }
        }
        dims.retain(|(size, _)| *size > 1);
        Some(Self { dims })
    }

    /// Parts of fewer than `most` elements, each with the place of its first element in each buffer.
    pub(crate) fn parts(&self, most: usize) -> Vec<([isize; N], Self)> {
        let Some((&(size, strides), inner)) = self.dims.split_last() else {
            return vec![([0; N], self.clone())];
        };
        if self.numel() < most {
            return vec![([0; N], self.clone())];
        }
        let inside: usize = inner.iter().map(|(size, _)| size).product();
        let mut parts = Vec::new();
        let step = (most - 1) / inside.max(1);
        for start in (0..size).step_by(step.max(1)) {
            let count = step.max(1).min(size - start);
            let at = strides.map(|stride| stride * start as isize);
            let mut dims = inner.to_vec();
            dims.push((count, strides));
            dims.retain(|(size, _)| *size > 1);
            for (below, part) in (Self { dims }).parts(most) {
                parts.push((std::array::from_fn(|k| at[k] + below[k]), part));
            }
        }
        parts
    }

    /// The words of `Strides<N>` in `cuda/strides.cuh`.
    pub(crate) fn words(&self, op: &'static str) -> Result<Vec<u64>> {
        if self.dims.len() > DIMS {
            return Err(Error::TooLarge {
                op,
                what: "dimensions that do not lie side by side",
                limit: DIMS,
                value: self.dims.len(),
            });
        }
        let mut words = vec![self.dims.len() as u64];
        let unused = (1, [0; N]);
        let dims = self.dims.iter().chain(std::iter::repeat(&unused));
        for (size, strides) in dims.take(DIMS) {
            let (reciprocal, shift) = reciprocal(*size as u64);
            words.extend([*size as u64 | reciprocal << 32, shift]);
            words.extend(strides.map(|step| (step as i64).cast_unsigned()));
        }
        Ok(words)
    }

    /// [`Strides::words`] for a kernel that does without them, told by no dimensions, where all buffers have one run.
    pub(crate) fn words_unless_contiguous(&self, op: &'static str) -> Result<Vec<u64>> {
        match self.is_contiguous() {
            true => Self { dims: Vec::new() }.words(op),
            false => self.words(op),
        }
    }

    /// Calls `f` with the places of the first element and the length of each innermost run, of the indices from `first` to
    /// `end` in row-major order.
    pub(crate) fn runs(&self, first: usize, end: usize, mut f: impl FnMut([isize; N], usize)) {
        let (size, _) = self.dims.first().copied().unwrap_or((1, [0; N]));
        let mut at = first;
        while at < end {
            let len = (size - at % size).min(end - at);
            f(self.places(at), len);
            at += len;
        }
    }

    /// The places of the first of `len` indices from `at` on, where these lie in one innermost run.
    pub(crate) fn one_run(&self, at: usize, len: usize) -> Option<[isize; N]> {
        let size = self.dims.first().map_or(1, |(size, _)| *size);
        (at % size + len <= size).then(|| self.places(at))
    }

    /// The box without its outermost dimension.
    pub(crate) fn inside(&self) -> Self {
        let inside = self.dims.split_last().map_or(&[][..], |(_, inside)| inside);
        let dims = inside.to_vec();
        Self { dims }
    }

    /// The innermost stride in each buffer.
    pub(crate) fn inner(&self) -> [isize; N] {
        self.dims.first().map_or([1; N], |(_, strides)| *strides)
    }

    fn places(&self, mut index: usize) -> [isize; N] {
        let mut places = [0; N];
        for (size, strides) in &self.dims {
            let at = (index % size) as isize;
            index /= size;
            places
                .iter_mut()
                .zip(strides)
                .for_each(|(p, s)| *p += at * s);
        }
        places
    }
}

/// For sizes below 2^31, `index / size` is `(index * reciprocal / 2^32 + index) >> shift` for every index below 2^31
/// (Granlund and Montgomery, 1994).
fn reciprocal(size: u64) -> (u64, u64) {
    let shift = u64::from(size.next_power_of_two().trailing_zeros());
    let reciprocal = ((1_u64 << 32) * ((1 << shift) - size)) / size + 1;
    (reciprocal & u64::from(u32::MAX), shift)
}

/// The strides of a contiguous tensor, in elements.
pub(crate) fn of_shape(shape: &[usize]) -> Vec<isize> {
    let mut strides = vec![1_isize; shape.len()];
    for d in (1..shape.len()).rev() {
        // of no elements sizes may be anything, and no place is asked for
        strides[d - 1] = strides[d].saturating_mul(shape[d].max(1) as isize);
    }
    strides
}

/// The strides by which a contiguous tensor of `shape` is read as one of `as_shape`: 0 along what is repeated.
pub(crate) fn expanded(
    op: &'static str,
    shape: &[usize],
    as_shape: &[usize],
) -> Result<Vec<isize>> {
    let missing = as_shape.len().checked_sub(shape.len());
    let fits = missing.is_some_and(|missing| {
        let pairs = shape.iter().zip(&as_shape[missing..]);
        pairs.into_iter().all(|(own, to)| own == to || *own == 1)
    });
    let Some(missing) = missing.filter(|_| fits) else {
        let expected = format!("a shape that broadcasts to {as_shape:?}");
        return Err(Error::shape(op, expected, format!("{shape:?}")));
    };
    let mut strides = vec![0; as_shape.len()];
    let own = of_shape(shape);
    for (d, stride) in own.into_iter().enumerate() {
        if shape[d] != 1 {
            strides[missing + d] = stride;
        }
    }
    Ok(strides)
}

/// The shape that both broadcast to: sizes from the end are equal, or one of them is 1.
pub(crate) fn broadcast(op: &'static str, a: &[usize], b: &[usize]) -> Result<Vec<usize>> {
    let rank = a.len().max(b.len());
    let size = |shape: &[usize], d: usize| match (d + shape.len()).checked_sub(rank) {
        Some(own) => shape[own],
        None => 1,
    };
    let mut shape = Vec::with_capacity(rank);
    for d in 0..rank {
        match (size(a, d), size(b, d)) {
            (own, other) if own == other || other == 1 => shape.push(own),
            (1, other) => shape.push(other),
            _ => {
                let expected = "shapes that broadcast together";
                return Err(Error::shape(op, expected, format!("{a:?} and {b:?}")));
            }
        }
    }
    numel(op, &shape)?;
    Ok(shape)
}

/// A dimension from the front; negative ones count from the end, as in PyTorch.
pub(crate) fn axis(op: &'static str, dim: isize, rank: usize) -> Result<usize> {
    let axis = match dim {
        0.. => usize::try_from(dim).ok(),
        _ => rank.checked_sub(dim.unsigned_abs()),
    };
    axis.filter(|&axis| axis < rank).ok_or_else(|| {
        let expected = format!("a dimension of {rank}, or from the end as a negative one");
        Error::argument(op, expected, dim)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_one_dimension() {
        let all = of_shape(&[4, 5, 6]);
        let bias = expanded("t", &[6], &[4, 5, 6]).unwrap();
        assert_eq!(bias, [0, 0, 1]);
        let plain = Strides::new(&[4, 5, 6], [&all, &all]);
        assert!(plain.is_contiguous() && plain.dims() == [(120, [1, 1])]);
        let mixed = Strides::new(&[4, 5, 6], [&all, &bias]);
        assert_eq!(mixed.dims(), [(6, [1, 1]), (20, [6, 0])]);
        assert_eq!(Strides::<1>::new(&[1, 1], [&[7, 7]]).dims(), []);
    }

    #[test]
    fn reciprocals_divide() {
        let sizes = [
            1,
            2,
            3,
            5,
            7,
            10,
            641,
            65_535,
            65_537,
            999_999_937,
            (1 << 31) - 1,
        ];
        for size in sizes {
            let (reciprocal, shift) = reciprocal(size);
            let most = (1_u64 << 31) - 1;
            let around = [0, 1, size - 1, size, size + 1, most / size * size, most];
            let spread = (0..1000).map(|i| i * 2_147_481 % most);
            for index in around.into_iter().chain(spread).filter(|i| *i <= most) {
                let got = (((index * reciprocal) >> 32) + index) >> shift;
                assert_eq!(got, index / size, "{index} / {size}");
            }
        }
    }

    #[test]
    fn long_boxes_are_cut() {
        let sizes = [5, 4, 3];
        let (all, turned) = (of_shape(&sizes), [1, 5, 20]);
        let strides = Strides::new(&sizes, [&all, &turned]);
        for most in [2, 4, 13, 61] {
            let mut seen = Vec::new();
            for (first, part) in strides.parts(most) {
                assert!(part.numel() < most);
                for i in 0..part.numel() {
                    let places = part.places(i);
                    seen.push([places[0] + first[0], places[1] + first[1]]);
                }
            }
            let whole: Vec<_> = (0..60).map(|i| strides.places(i)).collect();
            assert_eq!(seen, whole, "{most}");
        }
    }

    #[test]
    fn shapes_broadcast_as_in_numpy() {
        assert_eq!(broadcast("t", &[3, 1], &[2, 1, 4]).unwrap(), [2, 3, 4]);
        assert_eq!(broadcast("t", &[], &[2]).unwrap(), [2]);
        assert_eq!(broadcast("t", &[0, 1], &[1, 5]).unwrap(), [0, 5]);
        let error = broadcast("t", &[2, 3], &[4]).unwrap_err().to_string();
        assert!(error.contains("[2, 3] and [4]"), "{error}");
    }
}
