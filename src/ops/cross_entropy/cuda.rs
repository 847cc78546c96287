//! Bindings of `cuda/cross_entropy.cu` over cudarc buffers. Work is queued on `stream` and runs asynchronously.
//!
//! Labels are not looked at by the host: one outside 0..classes, unless it is ignored, makes the loss, and its row of the
//! gradient, NaN.

use std::sync::Arc;

use cudarc::driver::{CudaSlice, CudaStream, CudaView, DevicePtr, DevicePtrMut};

use super::options::check_smoothing;
use super::{BACKWARD, CrossEntropyOptions, OP, Reduction};
use crate::element::{Element, Float};
use crate::error::{Error, Result, numel, to_i32};
use crate::ops::cast::cuda::cast;
use crate::runtime::launch::{Launch, workspace};

const THREADS: u32 = 256;
/// Rows that a block adds up, and blocks at most: both independent of the device, and with them the order of the sum.
const PER_BLOCK: usize = 4096;
const MAX_BLOCKS: usize = 1024;

/// [`CrossEntropyOptions`] over cudarc's buffers.
#[derive(Debug)]
pub struct Options<'a> {
    /// The weight of each class, at least `classes` long.
    pub weight: Option<CudaView<'a, f32>>,
    /// Rows of this label count for nothing.
    pub ignore_index: i32,
    /// What becomes of the losses.
    pub reduction: Reduction,
    /// The part of each label that is spread over all classes evenly, from 0 to 1.
    pub label_smoothing: f64,
}

impl Default for Options<'_> {
    fn default() -> Self {
        let options = CrossEntropyOptions::default();
        Self {
            weight: None,
            ignore_index: options.ignore_index,
            reduction: options.reduction,
            label_smoothing: options.label_smoothing,
        }
    }
}

impl Options<'_> {
    /// The kernel that does what the options ask for: those without weights and smoothing have one of their own.
    fn kernel(&self, plain: &'static str, weighted: &'static str) -> &'static str {
        match self.is_plain() {
            true => plain,
            false => weighted,
        }
    }

    fn is_plain(&self) -> bool {
        self.weight.is_none() && self.label_smoothing == 0.0
    }

    /// The parameters that only the weighted kernels have.
    fn weigh<'a>(&'a self, launch: Launch<'a>, classes: usize) -> Launch<'a> {
        if self.is_plain() {
            return launch;
        }
        let launch = launch.read_optional(self.weight.as_ref(), classes);
        let (keep, spread) = (
            1.0 - self.label_smoothing,
            self.label_smoothing / classes as f64,
        );
        launch.scalar(keep as f32).scalar(spread as f32)
    }
}

/// `loss[0]` = the mean cross-entropy of logits `x` (rows, classes) for `labels` (rows); NaN where there are no rows.
///
/// # Errors
/// Those of [`cross_entropy_with`].
pub fn cross_entropy<T: Float>(
    stream: &Arc<CudaStream>,
    x: &impl DevicePtr<T>,
    labels: &impl DevicePtr<i32>,
    loss: &mut impl DevicePtrMut<T>,
    rows: usize,
    classes: usize,
) -> Result<()> {
    cross_entropy_with(
        stream,
        x,
        labels,
        loss,
        [rows, classes],
        &Options::default(),
    )
}

/// `loss` = the cross-entropy of logits `x` (rows, classes) for `labels` (rows) with these options: `loss[0]`, or for
/// [`Reduction::None`] one for each row.
///
/// # Errors
/// No classes, bad options, shorter buffers, buffers of another context, out of memory, sizes past the grid, or whatever
/// the driver answers.
pub fn cross_entropy_with<T: Float>(
    stream: &Arc<CudaStream>,
    x: &impl DevicePtr<T>,
    labels: &impl DevicePtr<i32>,
    loss: &mut impl DevicePtrMut<T>,
    shape: [usize; 2],
    options: &Options<'_>,
) -> Result<()> {
    cross_entropy_at(stream, x, labels, (loss, None), shape, options)
}

/// [`cross_entropy_with`], and the sum of the labels' weights beside it, which [`Reduction::None`] does not make.
pub(crate) fn cross_entropy_at<T: Float>(
    stream: &Arc<CudaStream>,
    x: &impl DevicePtr<T>,
    labels: &impl DevicePtr<i32>,
    (loss, total): (&mut impl DevicePtrMut<T>, Option<&mut CudaSlice<f32>>),
    [rows, classes]: [usize; 2],
    options: &Options<'_>,
) -> Result<()> {
    let n = elements(OP, rows, classes)?;
    check_smoothing(OP, options.label_smoothing)?;
    let each = options.reduction == Reduction::None;
    if each && rows == 0 {
        return Ok(());
    }
    let kernel = options.kernel("cross_entropy", "cross_entropy_weighted");
    // losses of rows are f32, so that those are written where they are wanted
    let direct = each && T::NAME == <f32 as Element>::NAME;
    let mut losses = workspace::<f32>(stream, OP, if direct { 1 } else { rows.max(1) })?;
    if rows > 0 {
        let launch = Launch::rows::<T>(stream, OP, kernel, rows, classes)?;
        let launch = launch.read(x, n).read(labels, rows);
        let launch = match direct {
            true => launch.write(loss, rows),
            false => launch.write(&mut losses, rows),
        };
        let launch = launch.scalar(rows as i64);
        let launch = launch.scalar(to_i32(OP, "classes", classes)?);
        let launch = launch.scalar(options.ignore_index);
        options.weigh(launch, classes).run()?;
    }
    if direct {
        return Ok(());
    }
    if each {
        return cast(stream, &losses, loss);
    }
    let mean = options.reduction == Reduction::Mean;
    let parts = parts(stream, Some(&losses), labels, [rows, classes], options)?;
    finish(stream, &parts, Some((loss, mean)), total)
}

/// `dx` = the gradient of [`cross_entropy`]'s logits `x`, both (rows, classes), for `labels` (rows).
///
/// # Errors
/// Those of [`cross_entropy_backward_with`].
pub fn cross_entropy_backward<T: Float>(
    stream: &Arc<CudaStream>,
    x: &impl DevicePtr<T>,
    labels: &impl DevicePtr<i32>,
    dx: &mut impl DevicePtrMut<T>,
    rows: usize,
    classes: usize,
) -> Result<()> {
    let (shape, options) = ([rows, classes], Options::default());
    let dy = None::<&CudaSlice<T>>;
    cross_entropy_backward_with(stream, dy, x, labels, dx, shape, &options)
}

/// `dx` = the gradient of [`cross_entropy_with`]'s logits `x`, both (rows, classes), from that of its result or from ones.
///
/// # Errors
/// Those of [`cross_entropy_with`].
pub fn cross_entropy_backward_with<T: Float>(
    stream: &Arc<CudaStream>,
    dy: Option<&impl DevicePtr<T>>,
    x: &impl DevicePtr<T>,
    labels: &impl DevicePtr<i32>,
    dx: &mut impl DevicePtrMut<T>,
    shape: [usize; 2],
    options: &Options<'_>,
) -> Result<()> {
    cross_entropy_backward_at(stream, (dy, None), x, labels, dx, shape, options)
}

/// [`cross_entropy_backward_with`], with the sum of the labels' weights if there is one already.
pub(crate) fn cross_entropy_backward_at<T: Float>(
    stream: &Arc<CudaStream>,
    (dy, total): (Option<&impl DevicePtr<T>>, Option<&CudaSlice<f32>>),
    x: &impl DevicePtr<T>,
    labels: &impl DevicePtr<i32>,
    dx: &mut impl DevicePtrMut<T>,
    [rows, classes]: [usize; 2],
    options: &Options<'_>,
) -> Result<()> {
    let n = elements(BACKWARD, rows, classes)?;
    check_smoothing(BACKWARD, options.label_smoothing)?;
    if rows == 0 {
        return Ok(());
    }
    let own = match (options.reduction, total) {
        (Reduction::Mean, None) => {
            let none = None::<&CudaSlice<f32>>;
            let parts = parts(stream, none, labels, [rows, classes], options)?;
            let mut own = workspace::<f32>(stream, OP, 1)?;
            finish::<T>(
                stream,
                &parts,
                None::<(&mut CudaSlice<T>, bool)>,
                Some(&mut own),
            )?;
            Some(own)
        }
        _ => None,
    };
    let total = match options.reduction {
        Reduction::Mean => total.or(own.as_ref()),
        Reduction::Sum | Reduction::None => None,
    };
    let kernel = options.kernel("cross_entropy_backward", "cross_entropy_weighted_backward");
    let launch = Launch::rows::<T>(stream, OP, kernel, rows, classes)?;
    let (dys, dy_step) = match options.reduction {
        Reduction::None => (rows, 1),
        Reduction::Sum | Reduction::Mean => (1, 0),
    };
    let launch = launch.read(x, n).read(labels, rows);
    let launch = launch.read_optional(dy, dys).read_optional(total, 1);
    let launch = launch.write(dx, n).scalar(rows as i64);
    let launch = launch.scalar(to_i32(BACKWARD, "classes", classes)?);
    let launch = launch.scalar(options.ignore_index).scalar(dy_step);
    options.weigh(launch, classes).run()
}

/// Sums of the losses, if there are any, and of the labels' weights, a pair from each block.
fn parts(
    stream: &Arc<CudaStream>,
    losses: Option<&CudaSlice<f32>>,
    labels: &impl DevicePtr<i32>,
    [rows, classes]: [usize; 2],
    options: &Options<'_>,
) -> Result<CudaSlice<f32>> {
    let blocks = rows.div_ceil(PER_BLOCK).clamp(1, MAX_BLOCKS);
    let mut parts = workspace::<f32>(stream, OP, 2 * blocks)?;
    let launch = Launch::new(stream, OP, "cross_entropy_sum")?;
    let launch = launch.grid(blocks, 1, 1).block(THREADS);
    let launch = launch.read_optional(losses, rows).read(labels, rows);
    let launch = launch.read_optional(options.weight.as_ref(), classes);
    let launch = launch.write(&mut parts, 2 * blocks).scalar(rows as i64);
    let launch = launch.scalar(to_i32(OP, "classes", classes)?);
    launch.scalar(options.ignore_index).run()?;
    Ok(parts)
}

/// What the parts add up to: the loss, and whether that is the mean; the sum of the labels' weights.
fn finish<T: Float>(
    stream: &Arc<CudaStream>,
    parts: &CudaSlice<f32>,
    loss: Option<(&mut impl DevicePtrMut<T>, bool)>,
    total: Option<&mut CudaSlice<f32>>,
) -> Result<()> {
    let (loss, mean) = loss.map_or((None, false), |(loss, mean)| (Some(loss), mean));
    let blocks = parts.len() / 2;
    let launch = Launch::new(stream, OP, &format!("cross_entropy_finish_{}", T::NAME))?;
    let launch = launch.block(THREADS).read(parts, 2 * blocks);
    let launch = launch.write_optional(loss, 1).write_optional(total, 1);
    let launch = launch.scalar(to_i32(OP, "blocks", blocks)?);
    launch.scalar(i32::from(mean)).run()
}

fn elements(op: &'static str, rows: usize, classes: usize) -> Result<usize> {
    match (rows, classes) {
        (1.., 0) => Err(Error::shape(
            op,
            "at least one class",
            format!("{rows} rows of none"),
        )),
        _ => numel(op, &[rows, classes]),
    }
}
