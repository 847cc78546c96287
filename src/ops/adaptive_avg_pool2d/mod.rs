//! Adaptive average pooling: `y[n, c, i, j]` is the mean of `x[n, c]` over the rows `floor(i h / oh)` to `ceil((i + 1) h / oh) - 1`
//! and the columns likewise, so that a plane of any size (h, w) becomes one of (oh, ow). Shape (N, C, H, W). PyTorch
//! `F.adaptive_avg_pool2d(x, output_size)`; ONNX has it for one output as `GlobalAveragePool`.
//!
//! Windows overlap where a side is no multiple of its outputs, and an input is in several where there are more outputs than
//! inputs. Backward: `dx` at every input is the sum of `dy / count` over the outputs whose windows hold it.

pub(crate) mod cpu;
pub mod cuda;

use crate::checks::expect_shape;
use crate::element::Float;
use crate::error::{Error, Result, to_i32};
use crate::ops::dispatch;
use crate::ops::max_pool2d::Planes;
use crate::ops::window::{check_count, split};
use crate::tensor::Tensor;

const OP: &str = "adaptive_avg_pool2d";

/// The inputs that an output's window has along a side.
pub(crate) fn window(output: usize, size: usize, outputs: usize) -> std::ops::Range<usize> {
    output * size / outputs..((output + 1) * size).div_ceil(outputs)
}

impl Planes {
    /// Checks what becomes of a tensor of this shape; also gives the output's shape.
    fn adaptive(
        op: &'static str,
        shape: &[usize],
        output_size: [usize; 2],
    ) -> Result<(Self, [usize; 4])> {
        let [n, c, h, w] = split(op, shape)?;
        check_count(op, shape)?;
        for (size, outputs) in [(h, output_size[0]), (w, output_size[1])] {
            if size == 0 || outputs == 0 {
                let got = format!("{size} and {outputs}");
                let expected = "sides of at least 1 before and after";
                return Err(Error::argument(op, expected, got));
            }
            // what the kernels divide
            let product = size.saturating_mul(outputs);
            to_i32(op, "a side times its outputs", product)?;
        }
        let output = [n, c, output_size[0], output_size[1]];
        check_count(op, &output)?;
        let planes = Self {
            count: n * c,
            input: [h, w],
            output: output_size,
        };
        Ok((planes, output))
    }
}

impl<T: Float> Tensor<T> {
    /// The means of `output_size` (height, width) windows that cover each plane of a tensor (N, C, H, W).
    ///
    /// ```
    /// use warpsmith::{Device, Tensor};
    ///
    /// let x = Tensor::from_slice(&[1.0_f32, 3.0, 5.0], &[1, 1, 1, 3], &Device::best())?;
    /// assert_eq!(x.adaptive_avg_pool2d([1, 2])?.to_vec()?, [2.0, 4.0]);
    /// # Ok::<(), warpsmith::Error>(())
    /// ```
    ///
    /// # Errors
    /// Another rank, a side of 0, or more than 2^31 - 1 elements, or that as the product of a side before and after.
    pub fn adaptive_avg_pool2d(&self, output_size: [usize; 2]) -> Result<Self> {
        let (_, shape) = Planes::adaptive(OP, self.shape(), output_size)?;
        let mut out = Self::empty(&shape, self.device())?;
        self.adaptive_avg_pool2d_out(output_size, &mut out)?;
        Ok(out)
    }

    /// [`Tensor::adaptive_avg_pool2d`] into `out`, of the result's shape and the same device.
    ///
    /// # Errors
    /// Those of [`Tensor::adaptive_avg_pool2d`], and another shape or device.
    pub fn adaptive_avg_pool2d_out(&self, output_size: [usize; 2], out: &mut Self) -> Result<()> {
        let (planes, shape) = Planes::adaptive(OP, self.shape(), output_size)?;
        expect_shape(OP, &shape, out.shape())?;
        dispatch::unary(
            OP,
            self,
            out,
            |x, y| cpu::adaptive_avg_pool2d(x, y, &planes),
            |s, x, y| cuda::launch(s, x, y, &planes),
        )
    }
}

/// The gradient of [`Tensor::adaptive_avg_pool2d`]'s input of shape `input`, from that of its output.
///
/// # Errors
/// Shapes or devices that do not fit, and the errors of [`Tensor::adaptive_avg_pool2d`].
pub fn adaptive_avg_pool2d_backward<T: Float>(
    grad: &Tensor<T>,
    input: &[usize],
) -> Result<Tensor<T>> {
    check_count("adaptive_avg_pool2d_backward", input)?;
    let mut out = Tensor::empty(input, grad.device())?;
    adaptive_avg_pool2d_backward_out(grad, &mut out)?;
    Ok(out)
}

/// [`adaptive_avg_pool2d_backward`] into `out`, of the input's shape.
///
/// # Errors
/// Those of [`adaptive_avg_pool2d_backward`].
pub fn adaptive_avg_pool2d_backward_out<T: Float>(
    grad: &Tensor<T>,
    out: &mut Tensor<T>,
) -> Result<()> {
    const OP: &str = "adaptive_avg_pool2d_backward";
    let [_, _, oh, ow] = split(OP, grad.shape())?;
    let (planes, shape) = Planes::adaptive(OP, out.shape(), [oh, ow])?;
    expect_shape(OP, &shape, grad.shape())?;
    dispatch::unary(
        OP,
        grad,
        out,
        |dy, dx| cpu::adaptive_avg_pool2d_backward(dy, dx, &planes),
        |s, dy, dx| cuda::launch_backward(s, dy, dx, &planes),
    )
}
