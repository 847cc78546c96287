//! Average pooling: `y[n, c, i, j] = sum / count of x[n, c, i * stride - padding + tap * dilation]` over the taps of a
//! window. Shape (N, C, H, W). ONNX `AveragePool`, PyTorch `F.avg_pool2d(x, kernel, stride, padding, ceil_mode,
//! count_include_pad)`; PyTorch's default is to count the padding, ONNX's not to.
//!
//! With `count_include_pad` padding counts as zeros, but not what a last window of `ceil_mode` reaches beyond it.
//! Without, the mean is that of the inputs alone; of none, where holes of a dilation meet padding, it is NaN.
//!
//! Backward: `dx` at every input is the sum of `dy / count` over the outputs with a tap there.

pub(crate) mod cpu;
pub mod cuda;

use crate::checks::expect_shape;
use crate::element::Float;
use crate::error::Result;
use crate::ops::dispatch;
use crate::ops::max_pool2d::Planes;
use crate::ops::window::{Window, check_count};
use crate::tensor::Tensor;

const OP: &str = "avg_pool2d";

impl<T: Float> Tensor<T> {
    /// The mean of each window of a tensor (N, C, H, W).
    ///
    /// ```
    /// use warpsmith::{Device, Tensor, ops::Window};
    ///
    /// let x = Tensor::from_slice(&[1.0_f32, 5.0, 2.0, 4.0], &[1, 1, 2, 2], &Device::best())?;
    /// assert_eq!(x.avg_pool2d(&Window::new([2, 2]), true)?.to_vec()?, [3.0]);
    /// # Ok::<(), warpsmith::Error>(())
    /// ```
    ///
    /// # Errors
    /// Another rank, a window that does not fit or whose padding it does not span, or more than 2^31 - 1 elements.
    pub fn avg_pool2d(&self, window: &Window, count_include_pad: bool) -> Result<Self> {
        let (_, shape) = Planes::new(OP, self.shape(), window)?;
        let mut out = Self::empty(&shape, self.device())?;
        self.avg_pool2d_out(window, count_include_pad, &mut out)?;
        Ok(out)
    }

    /// [`Tensor::avg_pool2d`] into `out`, of the result's shape and the same device.
    ///
    /// # Errors
    /// Those of [`Tensor::avg_pool2d`], and another shape or device.
    pub fn avg_pool2d_out(
        &self,
        window: &Window,
        count_include_pad: bool,
        out: &mut Self,
    ) -> Result<()> {
        let (planes, shape) = Planes::new(OP, self.shape(), window)?;
        expect_shape(OP, &shape, out.shape())?;
        dispatch::unary(
            OP,
            self,
            out,
            |x, y| cpu::avg_pool2d(x, y, &planes, window, count_include_pad),
            |s, x, y| cuda::launch(s, x, y, &planes, window, count_include_pad),
        )
    }
}

/// The gradient of [`Tensor::avg_pool2d`]'s input of shape `input`, from that of its output.
///
/// # Errors
/// Shapes or devices that do not fit, and the errors of [`Tensor::avg_pool2d`].
pub fn avg_pool2d_backward<T: Float>(
    grad: &Tensor<T>,
    input: &[usize],
    window: &Window,
    count_include_pad: bool,
) -> Result<Tensor<T>> {
    check_count("avg_pool2d_backward", input)?;
    let mut out = Tensor::empty(input, grad.device())?;
    avg_pool2d_backward_out(grad, window, count_include_pad, &mut out)?;
    Ok(out)
}

/// [`avg_pool2d_backward`] into `out`, of the input's shape.
///
/// # Errors
/// Those of [`avg_pool2d_backward`].
pub fn avg_pool2d_backward_out<T: Float>(
    grad: &Tensor<T>,
    window: &Window,
    count_include_pad: bool,
    out: &mut Tensor<T>,
) -> Result<()> {
    const OP: &str = "avg_pool2d_backward";
    let (planes, shape) = Planes::new(OP, out.shape(), window)?;
    expect_shape(OP, &shape, grad.shape())?;
    dispatch::unary(
        OP,
        grad,
        out,
        |dy, dx| cpu::avg_pool2d_backward(dy, dx, &planes, window, count_include_pad),
        |s, dy, dx| cuda::launch_backward(s, dy, dx, &planes, window, count_include_pad),
    )
}
