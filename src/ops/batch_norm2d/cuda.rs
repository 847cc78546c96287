//! Bindings of `cuda/batch_norm2d.cu` over cudarc buffers. Work is queued on `stream` and runs asynchronously.
//!
//! `shape` is (images, channels, positions per channel), row-major; what belongs to channels is f32.

use std::sync::Arc;

use cudarc::driver::{CudaStream, DevicePtr, DevicePtrMut};

use super::{BatchNormStats, Channels, OP};
use crate::element::Float;
use crate::error::{Result, to_i32};
use crate::runtime::launch::{Launch, workspace};

const THREADS: usize = 256;
/// Bytes that a block asks for at once: four packs of 16 for each thread.
const AT_ONCE: usize = THREADS * 4 * 16;
/// A block takes so many of those at least, and there are so many blocks at most: both whatever the device, and with them the
/// order of the sums.
const STEPS: usize = 4;
const MAX_BLOCKS: usize = 1024;
/// Threads of the blocks that join parts, a channel each.
const FINISH_THREADS: usize = 64;

/// The running statistics on a device, and how far a batch moves them.
pub struct Running<'a, R> {
    /// (C).
    pub mean: &'a mut R,
    /// (C).
    pub var: &'a mut R,
    /// One number.
    pub num_batches_tracked: &'a mut R,
    /// The batch's part of the new statistics.
    pub momentum: f64,
}

/// In how many parts the sums of a channel are worked out.
fn splits<T: Float>(shape: &Channels) -> usize {
    let bytes = shape.images * shape.plane * size_of::<T>();
    let most = (MAX_BLOCKS / shape.channels).max(1);
    bytes.div_ceil(STEPS * AT_ONCE).clamp(1, most)
}

/// The mean of each channel and its biased variance; moves the running statistics, where there are any.
///
/// # Errors
/// Fewer than two values in a channel, 2^31 elements or more, a shorter buffer, buffers of another context, out of memory, or
/// whatever the driver answers.
pub fn batch_norm2d_stats<T: Float, R: DevicePtrMut<f32>>(
    stream: &Arc<CudaStream>,
    x: &impl DevicePtr<T>,
    mean: &mut impl DevicePtrMut<f32>,
    var: &mut impl DevicePtrMut<f32>,
    running: Option<Running<'_, R>>,
    shape: [usize; 3],
) -> Result<()> {
    let shape = Channels::new(OP, shape)?;
    shape.enough(OP)?;
    if shape.channels == 0 {
        return Ok(());
    }
    let splits = splits::<T>(&shape);
    let channels = shape.channels;
    let of_parts = (3 * splits + 1) * channels;
    let mut parts = workspace::<f32>(stream, OP, of_parts)?;
    let launch = Launch::new(stream, OP, &format!("batch_norm2d_stats_{}", T::NAME))?
        .grid(channels, splits, 1)
        .block(THREADS as u32)
        .read(x, shape.numel())
        .write(&mut parts, of_parts);
    shape.sides(launch).run()?;
    let mut momentum = 0.0;
    let [of_mean, of_var, batches] = match running {
        Some(running) => {
            momentum = running.momentum;
            [running.mean, running.var, running.num_batches_tracked].map(Some)
        }
        None => [None, None, None],
    };
    finish(stream, "batch_norm2d_finish", channels)?
        .read(&parts, of_parts)
        .write(mean, channels)
        .write(var, channels)
        .write_optional(of_mean, channels)
        .write_optional(of_var, channels)
        .write_optional(batches, 1)
        .scalar(to_i32(OP, "parts", splits)?)
        .scalar(channels as i32)
        .scalar(momentum as f32)
        .run()
}

/// `y = (x - mean) / sqrt(var + eps) * weight + bias`.
///
/// # Errors
/// 2^31 elements or more, a shorter buffer, buffers of another context, or whatever the driver answers.
pub fn batch_norm2d<T: Float, C: DevicePtr<f32>>(
    stream: &Arc<CudaStream>,
    x: &impl DevicePtr<T>,
    stats: &BatchNormStats<'_, C>,
    affine: Option<[&C; 2]>,
    y: &mut impl DevicePtrMut<T>,
    shape: [usize; 3],
) -> Result<()> {
    let shape = Channels::new(OP, shape)?;
    let (n, channels) = (shape.numel(), shape.channels);
    if n == 0 {
        return Ok(());
    }
    let launch = Launch::elementwise::<T>(stream, OP, OP, n)?
        .read(x, n)
        .read(stats.mean, channels)
        .read(stats.var, channels)
        .read_optional(affine.map(|[weight, _]| weight), channels)
        .read_optional(affine.map(|[_, bias]| bias), channels)
        .write(y, n);
    shape.flat(launch).scalar(stats.eps as f32).run()
}

/// The gradients of weight and bias.
///
/// # Errors
/// Those of [`batch_norm2d`], or out of memory.
pub fn batch_norm2d_backward_parameters<T: Float, C: DevicePtr<f32>>(
    stream: &Arc<CudaStream>,
    dy: &impl DevicePtr<T>,
    x: &impl DevicePtr<T>,
    stats: &BatchNormStats<'_, C>,
    dweight: &mut impl DevicePtrMut<f32>,
    dbias: &mut impl DevicePtrMut<f32>,
    shape: [usize; 3],
) -> Result<()> {
    let shape = Channels::new(OP, shape)?;
    let (n, channels) = (shape.numel(), shape.channels);
    if channels == 0 {
        return Ok(());
    }
    // of no elements there are no parts, and their sums are 0
    let splits = if n == 0 { 0 } else { splits::<T>(&shape) };
    let of_parts = 2 * splits * channels;
    let mut parts = workspace::<f32>(stream, OP, of_parts.max(1))?;
    if splits > 0 {
        let name = format!("batch_norm2d_backward_sums_{}", T::NAME);
        let launch = Launch::new(stream, OP, &name)?
            .grid(channels, splits, 1)
            .block(THREADS as u32)
            .read(dy, n)
            .read(x, n)
            .read(stats.mean, channels)
            .write(&mut parts, of_parts);
        shape.sides(launch).run()?;
    }
    finish(stream, "batch_norm2d_backward_finish", channels)?
        .read(&parts, of_parts)
        .read(stats.var, channels)
        .write(dweight, channels)
        .write(dbias, channels)
        .scalar(to_i32(OP, "parts", splits)?)
        .scalar(channels as i32)
        .scalar(stats.eps as f32)
        .run()
}

/// The gradient of the input: with those of weight and bias where mean and variance are the batch's, without where they are
/// constants.
///
/// # Errors
/// Those of [`batch_norm2d`].
pub fn batch_norm2d_backward_input<T: Float, C: DevicePtr<f32>>(
    stream: &Arc<CudaStream>,
    [dy, x]: [&impl DevicePtr<T>; 2],
    stats: &BatchNormStats<'_, C>,
    weight: Option<&C>,
    gradients: Option<[&C; 2]>,
    dx: &mut impl DevicePtrMut<T>,
    shape: [usize; 3],
) -> Result<()> {
    let shape = Channels::new(OP, shape)?;
    let (n, channels) = (shape.numel(), shape.channels);
    if n == 0 {
        return Ok(());
    }
    let share = gradients.map_or(0.0, |_| 1.0 / (n / channels) as f32);
    let launch = Launch::elementwise::<T>(stream, OP, "batch_norm2d_backward", n)?
        .read(dy, n)
        .read(x, n)
        .read(stats.mean, channels)
        .read(stats.var, channels)
        .read_optional(weight, channels)
        .read_optional(gradients.map(|[dweight, _]| dweight), channels)
        .read_optional(gradients.map(|[_, dbias]| dbias), channels)
        .write(dx, n);
    shape
        .flat(launch)
        .scalar(stats.eps as f32)
        .scalar(share)
        .run()
}

/// The kernel that joins the parts of each channel.
fn finish<'a>(stream: &'a Arc<CudaStream>, name: &str, channels: usize) -> Result<Launch<'a>> {
    let launch = Launch::new(stream, OP, name)?;
    let blocks = channels.div_ceil(FINISH_THREADS);
    Ok(launch.grid(blocks, 1, 1).block(FINISH_THREADS as u32))
}

impl Channels {
    /// What the kernels that reduce take by value.
    fn sides<'a>(&self, launch: Launch<'a>) -> Launch<'a> {
        let sides = [self.images, self.channels, self.plane];
        let sides = sides.into_iter();
        sides.fold(launch, |launch, side| launch.scalar(side as i32))
    }

    /// What those over elements take.
    fn flat<'a>(&self, launch: Launch<'a>) -> Launch<'a> {
        let sides = [self.numel(), self.channels, self.plane].into_iter();
        sides.fold(launch, |launch, side| launch.scalar(side as i32))
    }
}
