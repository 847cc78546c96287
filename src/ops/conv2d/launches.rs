//! The launches behind [`cuda`](super::cuda)'s functions: which kernel, on what grid, with which scratch memory.

use std::sync::Arc;

use cudarc::driver::{CudaSlice, CudaStream, DevicePtr, DevicePtrMut};

use super::layout::gradient_summed;
use super::mma;
use super::padded::Padded;
use super::shape::BIAS;
use super::tile::{BACKWARD_INPUT, BACKWARD_WEIGHT, Tile, geometry};
use super::{Conv, OP};
use crate::element::Float;
use crate::error::{Result, to_i32};
use crate::ops::activation::Activation;
use crate::ops::matmul::cuda::Kernel;
use crate::ops::window::check_count;
use crate::runtime::grid::multiprocessors;
use crate::runtime::launch::{Launch, workspace};

const THREADS: usize = 256;
/// Blocks that keep a multiprocessor busy while some of them wait.
const BLOCKS_EACH: usize = 4;

pub(super) fn forward<T: Float>(
    stream: &Arc<CudaStream>,
    x: &impl DevicePtr<T>,
    w: &impl DevicePtr<T>,
    bias: Option<&impl DevicePtr<T>>,
    y: &mut impl DevicePtrMut<T>,
    conv: &Conv,
    kernel: Option<Kernel>,
) -> Result<()> {
    let [x_len, w_len, y_len] = conv.counts();
    if y_len == 0 {
        return Ok(());
    }
    let ([m, n], k) = (conv.product(""), conv.terms());
    let tile = match kernel {
        Some(kernel) => Tile::of(kernel)?,
        None => Tile::choose::<T>(stream, conv, "")?,
    };
    if tile.is_mma() {
        return mma::forward(stream, tile, (x, w), bias, y, conv);
    }
    let launch = tile
        .launch::<T>(stream, "", conv.groups, [m, n], true)?
        .read(w, w_len)
        .read(x, x_len)
        .read_optional(bias, conv.groups * conv.outputs)
        .write(y, y_len);
    let launch = launch.scalar(m as i32).scalar(n as i32).scalar(k as i32);
    let launch = launch.scalar(conv.activation.code());
    geometry(launch, conv, tile.step::<T>()).run()
}

pub(super) fn backward_input<T: Float>(
    stream: &Arc<CudaStream>,
    dy: &impl DevicePtr<T>,
    w: &impl DevicePtr<T>,
    dx: &mut impl DevicePtrMut<T>,
    conv: &Conv,
    kernel: Option<Kernel>,
) -> Result<()> {
    const KIND: &str = BACKWARD_INPUT;
    let [x_len, w_len, y_len] = conv.counts();
    if x_len == 0 {
        return Ok(());
    }
    let [m, n] = conv.product(KIND);
    let tile = match kernel {
        Some(kernel) => Tile::of(kernel)?,
        None => Tile::choose::<T>(stream, conv, KIND)?,
    };
    if tile.is_mma() {
        return mma::backward_input(stream, tile, (dy, w), dx, conv);
    }
    let mirrored = conv.mirrored();
    let mut a = workspace::<T>(stream, OP, w_len.max(1))?;
    if w_len > 0 {
        Launch::new(stream, OP, &format!("conv2d_repack_{}", T::NAME))?
            .grid(w_len.div_ceil(THREADS), 1, 1)
            .block(THREADS as u32)
            .read(w, w_len)
            .write(&mut a, w_len)
            .scalar(w_len as i32)
            .scalar(conv.outputs as i32)
            .scalar(conv.inputs as i32)
            .scalar(conv.taps() as i32)
            .scalar(i32::from(mirrored.is_some()))
            .run()?;
    }
    let k = to_i32(OP, "terms", conv.outputs * conv.taps())?;
    let (kind, conv) = match &mirrored {
        Some(forward) => ("", forward),
        None => (KIND, conv),
    };
    let launch = tile
        .launch::<T>(stream, kind, conv.groups, [m, n], true)?
        .read(&a, w_len)
        .read(dy, y_len)
        .read_optional(None::<&CudaSlice<T>>, 0)
        .write(dx, x_len);
    let launch = launch.scalar(m as i32).scalar(n as i32).scalar(k);
    let launch = launch.scalar(Activation::None.code());
    geometry(launch, conv, tile.step::<T>()).run()
}

/// The gradient of the weights leaves its sums in `Y`: in `T`, or in f32 as they are.
pub(super) fn backward_weight<T: Float, Y: Float>(
    stream: &Arc<CudaStream>,
    dy: &impl DevicePtr<T>,
    x: &impl DevicePtr<T>,
    dw: &mut impl DevicePtrMut<Y>,
    conv: &Conv,
    kernel: Option<Kernel>,
) -> Result<()> {
    const KIND: &str = BACKWARD_WEIGHT;
    let [x_len, w_len, y_len] = conv.counts();
    if w_len == 0 {
        return Ok(());
    }
    let [m, n] = conv.product(KIND);
    let tile = match kernel {
        Some(kernel) => Tile::of(kernel)?,
        None => Tile::choose::<T>(stream, conv, KIND)?,
    };
    if tile.is_mma() {
        return mma::backward_weight(stream, tile, (dy, x), dw, conv);
    }
    let blocks = conv.groups * tile.tiles(m, n);
    let (chunk, splits) = split_images(stream, conv.images, blocks)?;
    let mut partial = workspace::<f32>(stream, OP, (splits * w_len).max(1))?;
    if splits > 0 {
        let launch = tile
            .launch::<T>(stream, KIND, splits * conv.groups, [m, n], false)?
            .read(dy, y_len)
            .read(x, x_len)
            .write(&mut partial, splits * w_len)
            .scalar(conv.images as i32)
            .scalar(chunk as i32);
        geometry(launch, conv, tile.step::<T>()).run()?;
    }
    finish(stream, &partial, dw, splits, w_len)
}

pub(super) fn backward_bias<T: Float>(
    stream: &Arc<CudaStream>,
    dy: &impl DevicePtr<T>,
    db: &mut impl DevicePtrMut<T>,
    shape: [usize; 4],
) -> Result<()> {
    let kernel = format!("conv2d_bias_{}", T::NAME);
    bias_sums(stream, &kernel, |l, n| l.read(dy, n), None, db, shape)
}

/// The gradient `dx` of what is before the activation, from that of its output `y`, and the bias's.
pub(super) fn backward_bias_activated<T: Float>(
    stream: &Arc<CudaStream>,
    (dy, y): (&impl DevicePtr<T>, &impl DevicePtr<T>),
    activation: Activation,
    dx: &mut impl DevicePtrMut<T>,
    db: &mut impl DevicePtrMut<T>,
    shape: [usize; 4],
) -> Result<()> {
    let kernel = format!("conv2d_bias_activated_{}", T::NAME);
    bias_sums(
        stream,
        &kernel,
        |l, n| l.read(dy, n).read(y, n).write(dx, n),
        Some(activation),
        db,
        shape,
    )
}

/// [`backward_bias_activated`] of which `dx` becomes the copy that gradients of input and weights read; `y` is needed where there is an
/// activation.
pub(super) fn backward_bias_last<T: Float>(
    stream: &Arc<CudaStream>,
    (dy, y): (&impl DevicePtr<T>, Option<&impl DevicePtr<T>>),
    activation: Activation,
    dx: &mut impl DevicePtrMut<T>,
    db: &mut impl DevicePtrMut<T>,
    to: &Padded,
) -> Result<()> {
    let (partial, splits) = gradient_summed(stream, (dy, y), activation, dx, to)?;
    finish(stream, &partial, db, splits, to.groups * to.channels)
}

/// The sums over images and places of what a kernel makes of buffers of all elements.
fn bias_sums<'a, T: Float>(
    stream: &'a Arc<CudaStream>,
    kernel: &str,
    buffers: impl FnOnce(Launch<'a>, usize) -> Launch<'a>,
    activation: Option<Activation>,
    db: &mut impl DevicePtrMut<T>,
    [images, channels, h, w]: [usize; 4],
) -> Result<()> {
    let count = check_count(BIAS, &[images, channels, h, w])?;
    let (chunk, splits) = split_images(stream, images, channels)?;
    let mut partial = workspace::<f32>(stream, BIAS, (splits * channels).max(1))?;
    if splits * channels > 0 {
        let launch = Launch::new(stream, OP, kernel)?
            .grid(channels, splits, 1)
            .block(THREADS as u32);
        let launch = buffers(launch, count)
            .write(&mut partial, splits * channels)
            .scalar(images as i32)
            .scalar(channels as i32)
            .scalar((h * w) as i32)
            .scalar(chunk as i32);
        let code = activation.map(Activation::code).into_iter();
        code.fold(launch, Launch::scalar).run()?;
    }
    finish(stream, &partial, db, splits, channels)
}

/// Images of a split, and how many splits; together with `blocks` of each they fill the device.
fn split_images(stream: &Arc<CudaStream>, images: usize, blocks: usize) -> Result<(usize, usize)> {
    let count = multiprocessors(stream, OP)?;
    let wanted = (BLOCKS_EACH * count).div_ceil(blocks.max(1)).min(65535);
    let chunk = images.div_ceil(wanted).max(1);
    Ok((chunk, images.div_ceil(chunk)))
}

/// Adds the splits up; with none, that is zero.
fn finish<T: Float>(
    stream: &Arc<CudaStream>,
    partial: &CudaSlice<f32>,
    y: &mut impl DevicePtrMut<T>,
    splits: usize,
    n: usize,
) -> Result<()> {
    if n == 0 {
        return Ok(());
    }
    Launch::new(stream, OP, &format!("conv2d_finish_{}", T::NAME))?
        .grid(n.div_ceil(THREADS), 1, 1)
        .block(THREADS as u32)
        .read(partial, splits * n)
        .write(y, n)
        .scalar(splits as i32)
        .scalar(n as i32)
        .run()
}
