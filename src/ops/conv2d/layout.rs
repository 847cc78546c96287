//! Tensors as `conv2d_mma` reads them, and the launches of `cuda/conv2d/conv2d_layout.cu` that make them.

use std::sync::Arc;

use cudarc::driver::{CudaSlice, CudaStream, DevicePtr, DevicePtrMut};

use super::{Conv, OP};
use crate::element::Float;
use crate::error::{Result, to_i32};
use crate::runtime::launch::{Launch, workspace};

const MODULE: &str = "conv2d_layout";
const THREADS: usize = 256;
/// Elements of a plane that a warp of `conv2d_rows` moves.
const PART: usize = 256;
/// As many times the elements of a tensor may its copy have; past that, what is multiplied is mostly zeros.
const MOST: usize = 8;

/// Elements of 16 bytes, a chunk.
pub(super) const fn per_chunk<T: Float>() -> usize {
    16 / size_of::<T>()
}

/// A tensor with its channels side by side and its padding written out: (images, rows, columns, groups, chunks).
#[derive(Clone, Copy)]
pub(super) struct Padded {
    images: usize,
    pub(super) groups: usize,
    /// Channels of a group.
    channels: usize,
    /// The planes of the tensor that it is made of.
    plane: [usize; 2],
    /// What of its own lies before the first row and column of those; negative where they are cut.
    before: [isize; 2],
    /// Steps from one row, or column, of those to the next; zeros lie between.
    apart: [usize; 2],
    pub(super) sides: [usize; 2],
}

impl Padded {
    /// The input of a convolution, as far as windows reach.
    pub(super) fn input(conv: &Conv) -> Self {
        let window = &conv.window;
        Self {
            images: conv.images,
            groups: conv.groups,
            channels: conv.inputs,
            plane: conv.plane,
            before: window.padding.map(|p| p as isize),
            apart: [1; 2],
            sides: [0, 1].map(|d| (conv.output[d] - 1) * window.stride[d] + window.extent(d)),
        }
    }

    /// The gradient of its output: the gradient of its input is the convolution of this by the weights turned round, at
    /// stride 1.
    pub(super) fn gradient(conv: &Conv) -> Self {
        let window = &conv.window;
        Self {
            images: conv.images,
            groups: conv.groups,
            channels: conv.outputs,
            plane: conv.output,
            before: [0, 1].map(|d| window.extent(d) as isize - 1 - window.padding[d] as isize),
            apart: window.stride,
            sides: [0, 1].map(|d| conv.plane[d] - 1 + window.extent(d)),
        }
    }

    /// Chunks of a group's channels.
    pub(super) fn chunks<T: Float>(&self) -> usize {
        self.channels.div_ceil(per_chunk::<T>()).max(1)
    }

    fn pixels(&self) -> usize {
        (self.images.saturating_mul(self.sides[0])).saturating_mul(self.sides[1])
    }

    /// Chunks in all.
    fn count<T: Float>(&self) -> usize {
        let across = self.groups.saturating_mul(self.chunks::<T>());
        self.pixels().saturating_mul(across)
    }

    /// Whether it is worth making, and can be counted.
    pub(super) fn is_worth<T: Float>(&self) -> bool {
        let [h, w] = self.plane;
        let elements = self.images * self.groups * self.channels * h * w;
        let count = self.count::<T>();
        count <= i32::MAX as usize / 2 && count * per_chunk::<T>() <= MOST * elements
    }

    /// The tensor made of `x`.
    pub(super) fn of<T: Float>(
        &self,
        stream: &Arc<CudaStream>,
        x: &impl DevicePtr<T>,
    ) -> Result<CudaSlice<T>> {
        let (across, pixels) = (self.groups * self.chunks::<T>(), self.pixels());
        // a walk past the last window still counts
        to_i32(OP, "16 bytes of a padded tensor", self.count::<T>() * 2)?;
        let len = self.count::<T>() * per_chunk::<T>();
        let mut y = workspace::<T>(stream, OP, len.max(1))?;
        let wide = across.min(2);
        let blocks = pixels.div_ceil(THREADS / wide) * across.div_ceil(wide);
        let [h, w] = self.plane;
        let channels = self.images * self.groups * self.channels;
        let launch = Launch::new(stream, MODULE, &name::<T>("channels_last"))?
            .grid(blocks, 1, 1)
            .block(THREADS as u32)
            .read(x, channels * h * w)
            .write(&mut y, len);
        let [rows, cols] = self.sides;
        let sizes = [pixels, rows, cols, self.groups, self.chunks::<T>(), wide];
        let launch = scalars(launch, &sizes);
        let launch = scalars(launch, &[self.channels, h, w]);
        let before = self.before.iter();
        let launch = before.fold(launch, |launch, &b| launch.scalar(b as i32));
        scalars(launch, &self.apart).run()?;
        Ok(y)
    }
}

/// What the weights are to the rows of a product.
#[derive(Clone, Copy)]
pub(super) enum Rows {
    Outputs,
    /// With the window turned round.
    Inputs,
}

/// The weights as rows of whole chunks, tap after tap: (groups, rows, taps, chunks).
pub(super) fn pack<T: Float>(
    stream: &Arc<CudaStream>,
    w: &impl DevicePtr<T>,
    conv: &Conv,
    padded: &Padded,
    by: Rows,
) -> Result<CudaSlice<T>> {
    let (rows, flipped) = match by {
        Rows::Outputs => (conv.outputs, 0),
        Rows::Inputs => (conv.inputs, 1),
    };
    let filled = padded.chunks::<T>() * per_chunk::<T>();
    let len = conv.groups * rows * conv.taps() * filled;
    to_i32(OP, "elements of the weights in whole chunks", len + THREADS)?;
    let mut a = workspace::<T>(stream, OP, len)?;
    let launch = Launch::new(stream, MODULE, &name::<T>("pack"))?
        .grid(len.div_ceil(THREADS), 1, 1)
        .block(THREADS as u32)
        .read(w, conv.counts()[1])
        .write(&mut a, len);
    let sizes = [len, rows, padded.channels, filled, conv.taps(), flipped];
    scalars(launch, &sizes).run()?;
    Ok(a)
}

/// The channels of `dy` as rows with the positions of all images side by side, and how far rows are apart.
pub(super) fn rows<T: Float>(
    stream: &Arc<CudaStream>,
    dy: &impl DevicePtr<T>,
    conv: &Conv,
) -> Result<(CudaSlice<T>, usize)> {
    let (plane, channels) = (conv.planes()[1], conv.groups * conv.outputs);
    let ld = (conv.images * plane).next_multiple_of(per_chunk::<T>());
    let mut y = workspace::<T>(stream, OP, channels * ld)?;
    let warps = conv.images * channels * plane.div_ceil(PART);
    let launch = Launch::new(stream, MODULE, &name::<T>("rows"))?
        .grid(warps.div_ceil(THREADS / 32), 1, 1)
        .block(THREADS as u32)
        .read(dy, conv.counts()[2])
        .write(&mut y, channels * ld);
    scalars(launch, &[conv.images, channels, plane])
        .scalar(ld as i64)
        .run()?;
    Ok((y, ld))
}

/// The gradient of the weights, from the sums of every split.
pub(super) fn unpack<T: Float>(
    stream: &Arc<CudaStream>,
    partial: &CudaSlice<f32>,
    dw: &mut impl DevicePtrMut<T>,
    conv: &Conv,
    splits: usize,
) -> Result<()> {
    let filled = Padded::input(conv).chunks::<T>() * per_chunk::<T>();
    let n = conv.groups * conv.outputs * conv.taps() * filled;
    let launch = Launch::new(stream, MODULE, &name::<T>("unpack"))?
        .grid(n.div_ceil(THREADS), 1, 1)
        .block(THREADS as u32)
        .read(partial, splits * n)
        .write(dw, conv.counts()[1]);
    scalars(launch, &[n, splits, conv.inputs, filled, conv.taps()]).run()
}

fn name<T: Float>(of: &str) -> String {
    format!("conv2d_{of}_{}", T::NAME)
}

/// Sizes that [`Conv::new`] or the caller has checked.
pub(super) fn scalars<'a>(launch: Launch<'a>, sizes: &[usize]) -> Launch<'a> {
    let sizes = sizes.iter();
    sizes.fold(launch, |launch, &size| launch.scalar(size as i32))
}
