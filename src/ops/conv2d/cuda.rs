//! Bindings of `cuda/conv2d/` over cudarc buffers. Work is queued on `stream` and runs asynchronously.
//!
//! `input` is the shape of the input, (N, C, H, W), and `weight` that of the weights, (O, C / groups, kh, kw).

use std::sync::Arc;

use cudarc::driver::{CudaStream, DevicePtr, DevicePtrMut};

use super::launches::{
    backward_bias, backward_bias_activated, backward_input, backward_weight, forward,
};
use super::tile::Tile;
use super::{Conv, Conv2dOptions, OP};
use crate::element::Float;
use crate::error::Result;
use crate::ops::activation::Activation;
use crate::ops::matmul::cuda::Kernel;
use crate::runtime::kernels;

/// The convolution of images; `bias` has one element for each output channel.
///
/// # Errors
/// Shapes that do not fit, sizes past the kernels' limits, a shorter buffer or one of another context, or whatever the
/// driver answers.
#[allow(clippy::too_many_arguments, reason = "buffers, their shapes, options")]
pub fn conv2d<T: Float>(
    stream: &Arc<CudaStream>,
    x: &impl DevicePtr<T>,
    w: &impl DevicePtr<T>,
    bias: Option<&impl DevicePtr<T>>,
    y: &mut impl DevicePtrMut<T>,
    input: [usize; 4],
    weight: [usize; 4],
    options: &Conv2dOptions,
) -> Result<()> {
    let conv = Conv::new(OP, &input, &weight, options)?;
    forward(stream, x, w, bias, y, &conv, None)
}

/// [`conv2d`] with a kernel of the caller's choice: the one that `conv2d_tiled`, `conv2d_wmma` or `conv2d_mma` has of this size.
///
/// # Errors
/// Those of [`conv2d`], and where there is no such kernel for `T` or this device.
#[allow(clippy::too_many_arguments, reason = "buffers, their shapes, options")]
pub fn conv2d_by<T: Float>(
    kernel: Kernel,
    stream: &Arc<CudaStream>,
    x: &impl DevicePtr<T>,
    w: &impl DevicePtr<T>,
    bias: Option<&impl DevicePtr<T>>,
    y: &mut impl DevicePtrMut<T>,
    input: [usize; 4],
    weight: [usize; 4],
    options: &Conv2dOptions,
) -> Result<()> {
    let conv = Conv::new(OP, &input, &weight, options)?;
    forward(stream, x, w, bias, y, &conv, Some(kernel))
}

/// The gradient of [`conv2d`]'s input, from that of its output and the weights.
///
/// # Errors
/// Those of [`conv2d`].
pub fn conv2d_backward_input<T: Float>(
    stream: &Arc<CudaStream>,
    dy: &impl DevicePtr<T>,
    w: &impl DevicePtr<T>,
    dx: &mut impl DevicePtrMut<T>,
    input: [usize; 4],
    weight: [usize; 4],
    options: &Conv2dOptions,
) -> Result<()> {
    let conv = Conv::new(OP, &input, &weight, options)?;
    backward_input(stream, dy, w, dx, &conv, None)
}

/// [`conv2d_backward_input`] with a kernel of the caller's choice, as [`conv2d_by`].
///
/// # Errors
/// Those of [`conv2d_by`].
#[allow(clippy::too_many_arguments, reason = "buffers, their shapes, options")]
pub fn conv2d_backward_input_by<T: Float>(
    kernel: Kernel,
    stream: &Arc<CudaStream>,
    dy: &impl DevicePtr<T>,
    w: &impl DevicePtr<T>,
    dx: &mut impl DevicePtrMut<T>,
    input: [usize; 4],
    weight: [usize; 4],
    options: &Conv2dOptions,
) -> Result<()> {
    let conv = Conv::new(OP, &input, &weight, options)?;
    backward_input(stream, dy, w, dx, &conv, Some(kernel))
}

/// Whether the stream's device has this kernel of the convolution for `T`.
pub fn is_available<T: Float>(kernel: Kernel, stream: &Arc<CudaStream>) -> bool {
    Tile::of(kernel).is_ok_and(|tile| {
        let (module, entry) = tile.entry::<T>("");
        kernels::is_available(stream.context(), module, &entry)
    })
}

/// The gradient of [`conv2d`]'s weights, from that of its output and the input.
///
/// # Errors
/// Those of [`conv2d`].
pub fn conv2d_backward_weight<T: Float>(
    stream: &Arc<CudaStream>,
    dy: &impl DevicePtr<T>,
    x: &impl DevicePtr<T>,
    dw: &mut impl DevicePtrMut<T>,
    input: [usize; 4],
    weight: [usize; 4],
    options: &Conv2dOptions,
) -> Result<()> {
    let conv = Conv::new(OP, &input, &weight, options)?;
    backward_weight(stream, dy, x, dw, &conv, None)
}

/// [`conv2d_backward_weight`] with a kernel of the caller's choice, as [`conv2d_by`]; `conv2d_wmma` has one size, 64, and
/// `conv2d_tiled` none below.
///
/// # Errors
/// Those of [`conv2d_by`].
#[allow(clippy::too_many_arguments, reason = "buffers, their shapes, options")]
pub fn conv2d_backward_weight_by<T: Float>(
    kernel: Kernel,
    stream: &Arc<CudaStream>,
    dy: &impl DevicePtr<T>,
    x: &impl DevicePtr<T>,
    dw: &mut impl DevicePtrMut<T>,
    input: [usize; 4],
    weight: [usize; 4],
    options: &Conv2dOptions,
) -> Result<()> {
    let conv = Conv::new(OP, &input, &weight, options)?;
    backward_weight(stream, dy, x, dw, &conv, Some(kernel))
}

/// The gradient of [`conv2d`]'s bias, from that of its output of shape (N, O, H, W).
///
/// # Errors
/// Those of [`conv2d`].
pub fn conv2d_backward_bias<T: Float>(
    stream: &Arc<CudaStream>,
    dy: &impl DevicePtr<T>,
    db: &mut impl DevicePtrMut<T>,
    shape: [usize; 4],
) -> Result<()> {
    backward_bias(stream, dy, db, shape)
}

/// `dx`, the gradient of what is before the activation, from that of its output `y`, and the bias's gradient `db`; `dy`, `y`
/// and `dx` are of shape (N, O, H, W).
///
/// # Errors
/// Those of [`conv2d`].
pub fn conv2d_backward_bias_activated<T: Float>(
    stream: &Arc<CudaStream>,
    dy: &impl DevicePtr<T>,
    y: &impl DevicePtr<T>,
    activation: Activation,
    dx: &mut impl DevicePtrMut<T>,
    db: &mut impl DevicePtrMut<T>,
    shape: [usize; 4],
) -> Result<()> {
    backward_bias_activated(stream, (dy, y), activation, dx, db, shape)
}
