//! Max pooling: `y[n, c, i, j] = max x[n, c, i * stride - padding + tap * dilation]` over the taps of a window inside the
//! plane. Shape (N, C, H, W). ONNX `MaxPool` (whose `Indices` count over the whole tensor), PyTorch
//! `F.max_pool2d(x, kernel, stride, padding, dilation, ceil_mode, return_indices)`.
//!
//! Of equal values the first stands, by rows; NaN counts as the largest, and the last of several is taken. Where padding
//! and dilation leave a window no input at all, `y` is minus infinity and the index -1.
//!
//! Backward: `dx` at every input is the sum of `dy` over the outputs that chose it. Forward's indices say which did, so
//! the input need not be kept.

pub(crate) mod cpu;
pub mod cuda;
mod rows;

use crate::checks::expect_shape;
use crate::element::Float;
use crate::error::Result;
use crate::ops::dispatch;
use crate::ops::window::{Window, check_count, split};
use crate::tensor::Tensor;

const OP: &str = "max_pool2d";

/// The planes that one call works on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Planes {
    /// Images times channels.
    pub(crate) count: usize,
    pub(crate) input: [usize; 2],
    pub(crate) output: [usize; 2],
}

impl Planes {
    /// Checks a window over a tensor of this shape; also gives the output's shape.
    pub(crate) fn new(
        op: &'static str,
        shape: &[usize],
        window: &Window,
    ) -> Result<(Self, [usize; 4])> {
        let [n, c, h, w] = split(op, shape)?;
        let [oh, ow] = window.output(op, [h, w])?;
        window.check_padding(op)?;
        check_count(op, shape)?;
        let output = [n, c, oh, ow];
        check_count(op, &output)?;
        let planes = Self {
            count: n * c,
            input: [h, w],
            output: [oh, ow],
        };
        Ok((planes, output))
    }
}

impl<T: Float> Tensor<T> {
    /// The largest value in each window of a tensor (N, C, H, W).
    ///
    /// ```
    /// use warpsmith::{Device, Tensor, ops::Window};
    ///
    /// let x = Tensor::from_slice(&[1.0_f32, 5.0, 2.0, 3.0], &[1, 1, 2, 2], &Device::best())?;
    /// assert_eq!(x.max_pool2d(&Window::new([2, 2]))?.to_vec()?, [5.0]);
    /// # Ok::<(), warpsmith::Error>(())
    /// ```
    ///
    /// # Errors
    /// Another rank, a window that does not fit or whose padding it does not span, or more than 2^31 - 1 elements.
    pub fn max_pool2d(&self, window: &Window) -> Result<Self> {
        let (_, shape) = Planes::new(OP, self.shape(), window)?;
        let mut out = Self::empty(&shape, self.device())?;
        self.max_pool2d_out(window, &mut out)?;
        Ok(out)
    }

    /// [`Tensor::max_pool2d`] into `out`, of the result's shape and the same device.
    ///
    /// # Errors
    /// Those of [`Tensor::max_pool2d`], and another shape or device.
    pub fn max_pool2d_out(&self, window: &Window, out: &mut Self) -> Result<()> {
        run(self, window, out, None)
    }
}

/// [`Tensor::max_pool2d`] and where in its plane each largest value stands, `row * W + column` (PyTorch's
/// `return_indices`).
///
/// # Errors
/// Those of [`Tensor::max_pool2d`].
pub fn max_pool2d_with_indices<T: Float>(
    input: &Tensor<T>,
    window: &Window,
) -> Result<(Tensor<T>, Tensor<i32>)> {
    let (_, shape) = Planes::new(OP, input.shape(), window)?;
    let mut out = Tensor::empty(&shape, input.device())?;
    let mut indices = Tensor::empty(&shape, input.device())?;
    max_pool2d_with_indices_out(input, window, &mut out, &mut indices)?;
    Ok((out, indices))
}

/// [`max_pool2d_with_indices`] into `out` and `indices`, both of the result's shape.
///
/// # Errors
/// Those of [`Tensor::max_pool2d`], and another shape or device.
pub fn max_pool2d_with_indices_out<T: Float>(
    input: &Tensor<T>,
    window: &Window,
    out: &mut Tensor<T>,
    indices: &mut Tensor<i32>,
) -> Result<()> {
    run(input, window, out, Some(indices))
}

fn run<T: Float>(
    input: &Tensor<T>,
    window: &Window,
    out: &mut Tensor<T>,
    indices: Option<&mut Tensor<i32>>,
) -> Result<()> {
    let (planes, shape) = Planes::new(OP, input.shape(), window)?;
    expect_shape(OP, &shape, out.shape())?;
    if let Some(indices) = &indices {
        expect_shape(OP, &shape, indices.shape())?;
    }
    dispatch::unary_also(
        OP,
        input,
        out,
        indices,
        |x, y, indices| cpu::max_pool2d(x, y, indices, &planes, window),
        |s, x, y, indices| cuda::launch(s, x, y, indices, &planes, window),
    )
}

/// The gradient of [`Tensor::max_pool2d`]'s input of shape `input`, from that of its output and the indices that
/// [`max_pool2d_with_indices`] gave with the same window. Other indices give other numbers.
///
/// # Errors
/// Shapes or devices that do not fit, and the errors of [`Tensor::max_pool2d`].
pub fn max_pool2d_backward<T: Float>(
    grad: &Tensor<T>,
    indices: &Tensor<i32>,
    input: &[usize],
    window: &Window,
) -> Result<Tensor<T>> {
    check_count("max_pool2d_backward", input)?;
    let mut out = Tensor::empty(input, grad.device())?;
    max_pool2d_backward_out(grad, indices, window, &mut out)?;
    Ok(out)
}

/// [`max_pool2d_backward`] into `out`, of the input's shape.
///
/// # Errors
/// Those of [`max_pool2d_backward`].
pub fn max_pool2d_backward_out<T: Float>(
    grad: &Tensor<T>,
    indices: &Tensor<i32>,
    window: &Window,
    out: &mut Tensor<T>,
) -> Result<()> {
    const OP: &str = "max_pool2d_backward";
    let (planes, shape) = Planes::new(OP, out.shape(), window)?;
    expect_shape(OP, &shape, grad.shape())?;
    expect_shape(OP, &shape, indices.shape())?;
    dispatch::binary(
        OP,
        grad,
        indices,
        out,
        |dy, indices, dx| cpu::max_pool2d_backward(dy, indices, dx, &planes),
        |s, dy, indices, dx| cuda::launch_backward(s, dy, indices, dx, &planes, window),
    )
}
