//! Tensors as `conv2d_mma` reads them, and the launches of `cuda/conv2d/conv2d_layout.cu` that make them.

use std::sync::Arc;

use cudarc::driver::{CudaSlice, CudaStream, DevicePtr, DevicePtrMut};

use super::padded::{Padded, per_chunk};
use super::{Conv, OP};
use crate::element::Float;
use crate::error::{Result, to_i32};
use crate::ops::activation::Activation;
use crate::runtime::grid::multiprocessors;
use crate::runtime::launch::{Launch, workspace};

const MODULE: &str = "conv2d_layout";
const THREADS: usize = 256;
/// Chunks side by side that a block of `conv2d_channels_last` writes: a sector.
const WIDE: usize = 2;
/// Blocks that keep a multiprocessor busy while some of them wait.
const BLOCKS_EACH: usize = 8;
/// Elements of a plane that a warp of `conv2d_rows` moves.
const PART: usize = 256;

/// The tensor made of `x`.
pub(super) fn padded<T: Float>(
    stream: &Arc<CudaStream>,
    x: &impl DevicePtr<T>,
    to: &Padded,
) -> Result<CudaSlice<T>> {
    let mut y = workspace::<T>(stream, OP, to.len::<T>().max(1))?;
    padded_out(stream, x, &mut y, to)?;
    Ok(y)
}

/// [`padded`] into `y`, of elements in `T` or f32.
pub(super) fn padded_out<S: Float, T: Float>(
    stream: &Arc<CudaStream>,
    x: &impl DevicePtr<S>,
    y: &mut impl DevicePtrMut<T>,
    to: &Padded,
) -> Result<()> {
    let (across, pixels) = (to.groups * to.chunks::<T>(), to.pixels::<T>());
    let len = to.checked_len::<T>()?;
    if len == 0 {
        return Ok(());
    }
    let wide = across.min(WIDE);
    let (of, blocks, shared) = match to.fold {
        1 => {
            let blocks = pixels.div_ceil(THREADS / wide) * across.div_ceil(wide);
            ("channels_last", blocks, &[to.chunks::<T>(), wide][..])
        }
        _ => (
            "neighbours_last",
            (pixels * across).div_ceil(THREADS),
            &[][..],
        ),
    };
    let kernel = match S::NAME == T::NAME {
        true => name::<T>(of),
        false => name::<T>(&format!("{of}_{}", S::NAME)),
    };
    let launch = Launch::new(stream, MODULE, &kernel)?
        .grid(blocks, 1, 1)
        .block(THREADS as u32)
        .read(x, to.elements())
        .write(y, len);
    let launch = places::<T>(launch, to, shared);
    match to.fold {
        1 => scalars(launch, &to.apart),
        fold => scalars(launch, &[fold]),
    }
    .run()
}

/// What kernels are told of a copy and of the tensor that it is made of; `shared` is how a block's threads share it.
fn places<'a, T: Float>(launch: Launch<'a>, to: &Padded, shared: &[usize]) -> Launch<'a> {
    let ([rows, cols], [h, w]) = (to.pitch(), to.plane);
    let sizes = [to.pixels::<T>(), to.images, rows, cols, to.groups];
    let launch = scalars(scalars(launch, &sizes), shared);
    let launch = scalars(launch, &[to.channels, h, w]);
    let before = to.before.iter();
    before.fold(launch, |launch, &b| launch.scalar(b as i32))
}

/// The gradient of what is before an activation, from that of its output `y`, as [`padded_out`] makes it, and its sums over images and
/// places: a row of all channels for each split, how many of which the answer says.
pub(super) fn gradient_summed<T: Float>(
    stream: &Arc<CudaStream>,
    (dy, y): (&impl DevicePtr<T>, Option<&impl DevicePtr<T>>),
    activation: Activation,
    dx: &mut impl DevicePtrMut<T>,
    to: &Padded,
) -> Result<(CudaSlice<f32>, usize)> {
    let (across, pixels) = (to.groups * to.chunks::<T>(), to.pixels::<T>());
    let len = to.checked_len::<T>()?;
    let (wide, channels) = (across.min(WIDE), to.groups * to.channels);
    let pairs = across.div_ceil(wide);
    let wanted = (BLOCKS_EACH * multiprocessors(stream, OP)?).div_ceil(pairs);
    let split = pixels.div_ceil(wanted).next_multiple_of(THREADS / wide);
    let splits = pixels.div_ceil(split);
    let mut partial = workspace::<f32>(stream, OP, splits * channels)?;
    let launch = Launch::new(stream, MODULE, &name::<T>("bias_last"))?
        .grid(pairs * splits, 1, 1)
        .block(THREADS as u32)
        .read(dy, to.elements())
        .read_optional(y, to.elements())
        .write(dx, len)
        .write(&mut partial, splits * channels);
    let launch = places::<T>(launch, to, &[to.chunks::<T>(), wide]);
    scalars(scalars(launch, &to.apart), &[split])
        .scalar(activation.code())
        .run()?;
    Ok((partial, splits))
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
    let len = conv.groups * rows * padded.taps() * padded.filled::<T>();
    to_i32(OP, "elements of the weights in whole chunks", len + THREADS)?;
    let mut a = workspace::<T>(stream, OP, len)?;
    let launch = Launch::new(stream, MODULE, &name::<T>("pack"))?
        .grid(len.div_ceil(THREADS), 1, 1)
        .block(THREADS as u32)
        .read(w, conv.counts()[1])
        .write(&mut a, len);
    taps::<T>(scalars(launch, &[len, rows]), conv, padded)
        .scalar(flipped)
        .run()?;
    Ok(a)
}

/// How a convolution's gradient lies where that of its weights reads it.
#[derive(Clone, Copy)]
pub(super) enum Gradient {
    /// Channels with the positions of all images side by side, so far apart: in f32.
    Rows(usize),
    /// Channels-last: in halves.
    Last(Padded),
}

/// A copy of `dy` for the gradient of the weights.
pub(super) fn gradient<T: Float>(
    stream: &Arc<CudaStream>,
    dy: &impl DevicePtr<T>,
    conv: &Conv,
) -> Result<(CudaSlice<T>, Gradient)> {
    if T::NAME != "f32" {
        let to = Padded::plain_gradient(conv);
        return Ok((padded(stream, dy, &to)?, Gradient::Last(to)));
    }
    let (plane, channels) = (conv.planes()[1], conv.groups * conv.outputs);
    let ld = (conv.images * plane).next_multiple_of(per_chunk::<T>());
    let mut y = workspace::<T>(stream, OP, (channels * ld).max(1))?;
    let warps = conv.images * channels * plane.div_ceil(PART);
    if warps == 0 {
        return Ok((y, Gradient::Rows(ld)));
    }
    let launch = Launch::new(stream, MODULE, &name::<T>("rows"))?
        .grid(warps.div_ceil(THREADS / 32), 1, 1)
        .block(THREADS as u32)
        .read(dy, conv.counts()[2])
        .write(&mut y, channels * ld);
    scalars(launch, &[conv.images, channels, plane])
        .scalar(ld as i64)
        .run()?;
    Ok((y, Gradient::Rows(ld)))
}

/// The gradient of the weights, from the sums of every split.
pub(super) fn unpack<T: Float, Y: Float>(
    stream: &Arc<CudaStream>,
    partial: &CudaSlice<f32>,
    dw: &mut impl DevicePtrMut<Y>,
    conv: &Conv,
    splits: usize,
) -> Result<()> {
    let padded = Padded::input::<T>(conv);
    let n = conv.groups * conv.outputs * padded.taps() * padded.filled::<T>();
    let launch = Launch::new(stream, MODULE, &name::<Y>("unpack"))?
        .grid(n.div_ceil(THREADS), 1, 1)
        .block(THREADS as u32)
        .read(partial, splits * n)
        .write(dw, conv.counts()[1]);
    taps::<T>(scalars(launch, &[n, splits]), conv, &padded).run()
}

/// What kernels are told of weights in whole chunks.
fn taps<'a, T: Float>(launch: Launch<'a>, conv: &Conv, padded: &Padded) -> Launch<'a> {
    let [kh, kw] = conv.window.kernel;
    let sizes = [padded.channels, padded.filled::<T>(), kh, kw];
    scalars(scalars(launch, &sizes), &[padded.kernel[1], padded.fold])
}

fn name<T: Float>(of: &str) -> String {
    format!("conv2d_{of}_{}", T::NAME)
}

/// Sizes that [`Conv::new`] or the caller has checked.
pub(super) fn scalars<'a>(launch: Launch<'a>, sizes: &[usize]) -> Launch<'a> {
    let sizes = sizes.iter();
    sizes.fold(launch, |launch, &size| launch.scalar(size as i32))
}
