//! Where the elements of a tensor lie in the copy that `conv2d_mma` reads.

use super::{Conv, OP};
use crate::element::Float;
use crate::error::{Result, to_i32};

/// As many times the elements of a tensor may its copy have; past that, what is multiplied is mostly zeros.
const MOST: usize = 8;
/// Chunks behind a gradient's copy: where a tile of 128 rows has fewer, it reads what lies behind the last.
const BEHIND: usize = 16;

/// Elements of 16 bytes, a chunk.
pub(super) const fn per_chunk<T: Float>() -> usize {
    16 / size_of::<T>()
}

/// A tensor with its channels side by side and its padding written out: (images, rows, columns, groups, chunks). What lies
/// behind a row's end is what lies before the next one's beginning, as far as both are padding; so it is between images.
#[derive(Clone, Copy, Debug)]
pub(super) struct Padded {
    pub(super) images: usize,
    pub(super) groups: usize,
    /// Channels of a group.
    pub(super) channels: usize,
    /// The planes of the tensor that it is made of.
    pub(super) plane: [usize; 2],
    /// What of its own lies before the first row and column of those; negative where they are cut.
    pub(super) before: [isize; 2],
    /// Steps from one row, or column, of those to the next; zeros lie between.
    pub(super) apart: [usize; 2],
    /// Neighbours of a row that share a chunk: few channels fill it only together.
    pub(super) fold: usize,
    /// Rows and columns that windows reach over, the columns `fold` at a time, as all below.
    sides: [usize; 2],
    /// Chunks behind the last, which are zeros too.
    behind: usize,
    /// Windows down and across, and steps from one to the next.
    pub(super) windows: [usize; 2],
    pub(super) stride: [usize; 2],
    /// Taps of a window, and steps from one to the next.
    pub(super) kernel: [usize; 2],
    pub(super) dilation: [usize; 2],
}

impl Padded {
    /// The input of a convolution, as far as windows reach.
    pub(super) fn input<T: Float>(conv: &Conv) -> Self {
        let window = &conv.window;
        let (fold, [kh, kw], [down, across]) = (fold::<T>(conv), window.kernel, window.stride);
        let mut padded = Self {
            images: conv.images,
            groups: conv.groups,
            channels: conv.inputs,
            plane: conv.plane,
            before: window.padding.map(|p| p as isize),
            apart: [1; 2],
            fold,
            sides: [0; 2],
            behind: 0,
            windows: conv.output,
            stride: [down, across / fold],
            kernel: [kh, kw.div_ceil(fold)],
            dilation: window.dilation,
        };
        padded.reach();
        padded
    }

    /// The gradient of its output: the gradient of its input is the convolution of this by the weights turned round, at
    /// stride 1.
    pub(super) fn gradient(conv: &Conv) -> Self {
        let window = &conv.window;
        let mut padded = Self {
            images: conv.images,
            groups: conv.groups,
            channels: conv.outputs,
            plane: conv.output,
            before: [0, 1].map(|d| window.extent(d) as isize - 1 - window.padding[d] as isize),
            apart: window.stride,
            fold: 1,
            sides: [0; 2],
            behind: BEHIND,
            windows: conv.plane,
            stride: [1; 2],
            kernel: window.kernel,
            dilation: window.dilation,
        };
        padded.reach();
        padded
    }

    /// The gradient of its output without anything around, as the gradient of its weights has need of no more.
    pub(super) fn plain_gradient(conv: &Conv) -> Self {
        Self {
            before: [0; 2],
            apart: [1; 2],
            sides: conv.output,
            windows: conv.output,
            kernel: [1; 2],
            dilation: [1; 2],
            ..Self::gradient(conv)
        }
    }

    /// Whether every element of the tensor is there.
    pub(super) fn is_whole(&self) -> bool {
        [0, 1]
            .iter()
            .all(|&d| self.around(d).iter().all(|&zeros| zeros >= 0))
    }

    /// Where the first element of a plane is, in chunks from its image's.
    pub(super) fn first<T: Float>(&self) -> usize {
        let [_, row, pixel] = self.steps::<T>();
        let [above, left] = self.before.map(|b| b.max(0) as usize);
        above * row + left * pixel
    }

    fn reach(&mut self) {
        self.sides = [0, 1].map(|d| {
            let taps = (self.kernel[d].max(1) - 1) * self.dilation[d] + 1;
            (self.windows[d].max(1) - 1) * self.stride[d] + taps
        });
    }

    /// Chunks of a group's channels, and of a pixel.
    pub(super) fn chunks<T: Float>(&self) -> usize {
        let channels = self.channels * self.fold;
        channels.div_ceil(per_chunk::<T>()).max(1)
    }

    /// Elements of a tap in whole chunks.
    pub(super) fn filled<T: Float>(&self) -> usize {
        self.chunks::<T>() * per_chunk::<T>()
    }

    pub(super) fn taps(&self) -> usize {
        self.kernel.iter().product()
    }

    fn folds(&self) -> [usize; 2] {
        [1, self.fold]
    }

    /// Of a dimension, the rows or columns of zeros before the plane and those behind it; negative where it is cut.
    fn around(&self, d: usize) -> [isize; 2] {
        let span = (self.plane[d].max(1) - 1) * self.apart[d] + 1;
        let side = (self.sides[d] * self.folds()[d]) as isize;
        [self.before[d], side - self.before[d] - span as isize]
    }

    /// Rows of an image and columns of a row, less what they share with the next.
    pub(super) fn pitch(&self) -> [usize; 2] {
        [0, 1].map(|d| {
            let shared = self.around(d).map(|zeros| zeros / self.folds()[d] as isize);
            let shared = shared[0].min(shared[1]).max(0) as usize;
            self.sides[d] - shared.min(self.sides[d] - 1)
        })
    }

    /// Chunks from image to image, from row to row and from pixel to pixel.
    pub(super) fn steps<T: Float>(&self) -> [usize; 3] {
        let ([rows, cols], pixel) = (self.pitch(), self.groups * self.chunks::<T>());
        let row = cols.saturating_mul(pixel);
        [rows.saturating_mul(row), row, pixel]
    }

    /// Pixels in all, with what is behind the last image's.
    pub(super) fn pixels<T: Float>(&self) -> usize {
        let [rows, cols] = self.pitch();
        let last = (self.sides[0] - 1) * cols + self.sides[1];
        let behind = self
            .behind
            .div_ceil((self.groups * self.chunks::<T>()).max(1));
        match self.images {
            0 => 0,
            images => (rows * cols).saturating_mul(images - 1) + last + behind,
        }
    }

    /// Chunks in all.
    pub(super) fn count<T: Float>(&self) -> usize {
        let across = self.groups.saturating_mul(self.chunks::<T>());
        self.pixels::<T>().saturating_mul(across)
    }

    /// Elements in all.
    pub(super) fn len<T: Float>(&self) -> usize {
        self.count::<T>() * per_chunk::<T>()
    }

    /// The same, where kernels can count it.
    pub(super) fn checked_len<T: Float>(&self) -> Result<usize> {
        // a walk past the last window still counts
        to_i32(OP, "16 bytes of a padded tensor", self.count::<T>() * 2)?;
        Ok(self.len::<T>())
    }

    /// Whether it is worth making, and can be counted.
    pub(super) fn is_worth<T: Float>(&self) -> bool {
        let bare = Self { behind: 0, ..*self };
        let counted = self.count::<T>() <= i32::MAX as usize / 2;
        counted && bare.len::<T>() <= MOST * self.elements()
    }

    /// Of the tensor that it is made of.
    pub(super) fn elements(&self) -> usize {
        let [h, w] = self.plane;
        self.images * self.groups * self.channels * h * w
    }
}

/// How many neighbours of a row make one chunk: as many as fit, where every window begins at a chunk.
fn fold<T: Float>(conv: &Conv) -> usize {
    let window = &conv.window;
    let fits = |fold: &usize| {
        fold * conv.inputs <= per_chunk::<T>() && window.stride[1].is_multiple_of(*fold)
    };
    let together = window.dilation[1] == 1 && conv.inputs > 0;
    let folds = [8, 4, 2].into_iter().filter(|_| together);
    folds.filter(fits).max().unwrap_or(1)
}
