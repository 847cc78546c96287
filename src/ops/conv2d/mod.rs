//! Convolution of images: `y[n, o, i, j] = activation(bias[o] + sum of w[o, c, a, b] x[n, c, i * stride - padding + a * dilation, ...]`
//! over the channels c of o's group and the taps (a, b); outside the plane x is zero. x (N, C, H, W), w (O, C / groups,
//! kh, kw), bias (O). ONNX `Conv`, PyTorch `F.conv2d(x, w, bias, stride, padding, dilation, groups)`.
//!
//! Backward, each its own function, as PyTorch's `torch.nn.grad` has them: the input's gradient is the same sum seen from
//! x, the weights' sums over images and places, the bias's is the sum of `dy` over them.
//!
//! On CUDA it is a matmul whose second operand is fetched from the tensor window by window, never written out; `f16` and
//! `bf16` use Tensor Cores (`bf16` from sm_80 on), `f32` where [`Conv2dOptions::allow_tf32`] says so. From sm_80 on they read
//! copies with the channels side by side, where those have at most 8 times the tensor's elements; a layer keeps them from pass to
//! pass. Sums are
//! accumulated in `f32`, in an order of the device's own; on the CPU, windows of 3 x 3 and 5 x 5 over many channels by
//! Winograd's minimal filtering, whose error is that of the largest number nearby.

pub(crate) mod cpu;
pub mod cuda;
mod kept;
mod launches;
mod layout;
mod matrices;
mod minimal;
mod mma;
mod padded;
mod shape;
mod spread;
mod tile;
mod tiling;
mod unfold;
mod windows;
mod winograd;

pub(crate) use kept::{Gradient, Kept, keeping};
pub(crate) use shape::Conv;
pub use shape::Conv2dOptions;

use crate::checks::expect_shape;
use crate::element::Float;
use crate::error::Result;
use crate::ops::activation::Activation;
use crate::ops::dispatch;
use crate::tensor::Tensor;

const OP: &str = "conv2d";

impl<T: Float> Tensor<T> {
    /// The convolution of images (N, C, H, W) with weights (O, C / groups, kh, kw), and a bias (O) added.
    ///
    /// ```
    /// use warpsmith::{Device, Tensor, ops::Conv2dOptions};
    ///
    /// let device = Device::best();
    /// let x = Tensor::from_slice(&[1.0_f32, 2.0, 3.0, 4.0], &[1, 1, 2, 2], &device)?;
    /// let w = Tensor::from_slice(&[1.0_f32, -1.0], &[1, 1, 1, 2], &device)?;
    /// assert_eq!(x.conv2d(&w, None, &Conv2dOptions::default())?.to_vec()?, [-1.0, -1.0]);
    /// # Ok::<(), warpsmith::Error>(())
    /// ```
    ///
    /// # Errors
    /// Shapes that do not fit each other, a window larger than the padded plane, different devices, sides past 32767 or
    /// tensors of more than 2^31 - 1 elements.
    pub fn conv2d(
        &self,
        weight: &Self,
        bias: Option<&Self>,
        options: &Conv2dOptions,
    ) -> Result<Self> {
        let conv = Conv::new(OP, self.shape(), weight.shape(), options)?;
        let mut out = Self::empty(&conv.output_shape(), self.device())?;
        self.conv2d_out(weight, bias, options, &mut out)?;
        Ok(out)
    }

    /// [`Tensor::conv2d`] into `out`, of the result's shape and the same device.
    ///
    /// # Errors
    /// Those of [`Tensor::conv2d`], and another shape or device.
    pub fn conv2d_out(
        &self,
        weight: &Self,
        bias: Option<&Self>,
        options: &Conv2dOptions,
        out: &mut Self,
    ) -> Result<()> {
        let conv = Conv::new(OP, self.shape(), weight.shape(), options)?;
        expect_shape(OP, &conv.output_shape(), out.shape())?;
        if let Some(bias) = bias {
            expect_shape(OP, &[weight.shape()[0]], bias.shape())?;
        }
        dispatch::binary_optional(
            OP,
            self,
            weight,
            bias,
            out,
            |x, w, bias, y| cpu::conv2d(x, w, bias, y, &conv),
            |s, x, w, bias, y| launches::forward(s, x, w, bias, y, &conv, None),
        )
    }
}

/// The gradient of [`Tensor::conv2d`]'s input of shape `input`, from that of its output and the weights
/// (`torch.nn.grad.conv2d_input`).
///
/// # Errors
/// Those of [`Tensor::conv2d`].
pub fn conv2d_backward_input<T: Float>(
    grad: &Tensor<T>,
    weight: &Tensor<T>,
    input: &[usize],
    options: &Conv2dOptions,
) -> Result<Tensor<T>> {
    Conv::new("conv2d_backward_input", input, weight.shape(), options)?;
    let mut out = Tensor::empty(input, grad.device())?;
    conv2d_backward_input_out(grad, weight, options, &mut out)?;
    Ok(out)
}

/// [`conv2d_backward_input`] into `out`, of the input's shape.
///
/// # Errors
/// Those of [`Tensor::conv2d_out`].
pub fn conv2d_backward_input_out<T: Float>(
    grad: &Tensor<T>,
    weight: &Tensor<T>,
    options: &Conv2dOptions,
    out: &mut Tensor<T>,
) -> Result<()> {
    let conv = Conv::new(
        "conv2d_backward_input",
        out.shape(),
        weight.shape(),
        options,
    )?;
    backward_input(grad, weight, &conv, out)
}

fn backward_input<T: Float>(
    grad: &Tensor<T>,
    weight: &Tensor<T>,
    conv: &Conv,
    out: &mut Tensor<T>,
) -> Result<()> {
    const OP: &str = "conv2d_backward_input";
    expect_shape(OP, &conv.output_shape(), grad.shape())?;
    expect_shape(OP, &conv.weight_shape(), weight.shape())?;
    dispatch::binary_optional(
        OP,
        grad,
        weight,
        None::<&Tensor<T>>,
        out,
        |dy, w, _, dx| cpu::backward_input(dy, w, dx, conv),
        |s, dy, w, _, dx| launches::backward_input(s, dy, w, dx, conv, None),
    )
}

/// The gradient of [`Tensor::conv2d`]'s weights of shape `weight`, from that of its output and the input
/// (`torch.nn.grad.conv2d_weight`).
///
/// # Errors
/// Those of [`Tensor::conv2d`].
pub fn conv2d_backward_weight<T: Float>(
    grad: &Tensor<T>,
    input: &Tensor<T>,
    weight: &[usize],
    options: &Conv2dOptions,
) -> Result<Tensor<T>> {
    Conv::new("conv2d_backward_weight", input.shape(), weight, options)?;
    let mut out = Tensor::empty(weight, grad.device())?;
    conv2d_backward_weight_out(grad, input, options, &mut out)?;
    Ok(out)
}

/// [`conv2d_backward_weight`] into `out`, of the weights' shape.
///
/// # Errors
/// Those of [`Tensor::conv2d_out`].
pub fn conv2d_backward_weight_out<T: Float>(
    grad: &Tensor<T>,
    input: &Tensor<T>,
    options: &Conv2dOptions,
    out: &mut Tensor<T>,
) -> Result<()> {
    let conv = Conv::new(
        "conv2d_backward_weight",
        input.shape(),
        out.shape(),
        options,
    )?;
    backward_weight(grad, input, &conv, out)
}

/// The sums in `Y`: in `T`, or in f32.
fn backward_weight<T: Float, Y: Float>(
    grad: &Tensor<T>,
    input: &Tensor<T>,
    conv: &Conv,
    out: &mut Tensor<Y>,
) -> Result<()> {
    const OP: &str = "conv2d_backward_weight";
    expect_shape(OP, &conv.output_shape(), grad.shape())?;
    expect_shape(OP, &conv.weight_shape(), out.shape())?;
    dispatch::binary_optional(
        OP,
        grad,
        input,
        None::<&Tensor<T>>,
        out,
        |dy, x, _, dw| cpu::backward_weight(dy, x, dw, conv),
        |s, dy, x, _, dw| launches::backward_weight(s, dy, x, dw, conv, None),
    )
}

/// The gradient of [`Tensor::conv2d`]'s bias: the sum of the output's over images and places, one for each channel.
///
/// # Errors
/// Another rank than (N, O, H, W), or more than 2^31 - 1 elements.
pub fn conv2d_backward_bias<T: Float>(grad: &Tensor<T>) -> Result<Tensor<T>> {
    let [_, channels, _, _] = shape::gradient(grad.shape())?;
    let mut out = Tensor::empty(&[channels], grad.device())?;
    conv2d_backward_bias_out(grad, &mut out)?;
    Ok(out)
}

/// [`conv2d_backward_bias`] into `out`, (O).
///
/// # Errors
/// Those of [`conv2d_backward_bias`], and another shape or device.
pub fn conv2d_backward_bias_out<T: Float>(grad: &Tensor<T>, out: &mut Tensor<T>) -> Result<()> {
    let shape = shape::gradient(grad.shape())?;
    expect_shape(shape::BIAS, &[shape[1]], out.shape())?;
    dispatch::unary(
        shape::BIAS,
        grad,
        out,
        |dy, db| cpu::backward_bias(dy, db, shape),
        |s, dy, db| launches::backward_bias(s, dy, db, shape),
    )
}

/// `dx`, the gradient of what is before the activation, from that of the output and the output itself (N, O, H, W), and its
/// sum over images and places, the bias's gradient (O): in one pass what [`activation_backward`](super::activation_backward)
/// and [`conv2d_backward_bias_out`] do.
///
/// # Errors
/// Those of [`conv2d_backward_bias_out`], and different shapes.
pub fn conv2d_backward_bias_activated_out<T: Float>(
    grad: &Tensor<T>,
    output: &Tensor<T>,
    activation: Activation,
    dx: &mut Tensor<T>,
    out: &mut Tensor<T>,
) -> Result<()> {
    const OP: &str = "conv2d_backward_bias_activated";
    let shape = shape::gradient(grad.shape())?;
    expect_shape(OP, grad.shape(), output.shape())?;
    expect_shape(OP, grad.shape(), dx.shape())?;
    expect_shape(OP, &[shape[1]], out.shape())?;
    dispatch::binary_two(
        OP,
        [grad, output],
        [dx, out],
        |[dy, y], [dx, db]| {
            activation.backward(dy, y, dx);
            cpu::backward_bias(dx, db, shape);
        },
        |s, [dy, y], [dx, db]| {
            launches::backward_bias_activated(s, (dy, y), activation, dx, db, shape)
        },
    )
}
