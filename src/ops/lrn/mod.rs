//! Local response normalisation across channels: `y = x / (k + alpha / size * sum x^2)^beta`, the sum over a window of
//! `size` channels around x's own, fewer at the ends. Shape (N, C, ...).
//!
//! | | spelling |
//! |---|---|
//! | ONNX | `LRN(size, alpha, beta, bias = k)`, window from `c - floor((size-1)/2)` to `c + ceil((size-1)/2)`; this one |
//! | PyTorch | `F.local_response_norm(x, size, alpha, beta, k)`: the same for odd sizes; for even ones its window is from `c - size/2` to `c + size/2 - 1`, one channel lower |
//! | Caffe | `local_size`, `alpha`, `beta`, `k`: the same, odd sizes only |
//! | TensorFlow | `depth_radius` is `(size-1)/2`, its alpha is ours divided by `size`, its `bias` is `k` |
//!
//! Backward, with `s = k + alpha / size * sum x^2`:
//! `dx = dy s^-beta - 2 alpha beta / size * x * sum (dy x s^(-beta-1))`, the sum over the channels in whose windows x's
//! own lies: the window mirrored, which differs for even sizes. It takes the input; `s` is computed anew.
//!
//! `s` below zero (a negative k or alpha) gives NaN unless beta is 1; `s` of zero gives what dividing by zero gives.

pub(crate) mod cpu;
pub mod cuda;
mod windows;

use crate::checks::expect_shape;
use crate::element::Float;
use crate::error::{Error, Result};
use crate::ops::dispatch;
use crate::tensor::Tensor;

const OP: &str = "lrn";

/// What the normalisation is parameterised with; the defaults are PyTorch's, and `size` has none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LrnOptions {
    /// Channels in the window.
    pub size: usize,
    /// Weight of the window's mean square.
    pub alpha: f64,
    /// The exponent.
    pub beta: f64,
    /// What is added to the weighted mean square.
    pub k: f64,
}

impl LrnOptions {
    /// A window of `size` channels with PyTorch's defaults: alpha 1e-4, beta 0.75, k 1.
    pub fn new(size: usize) -> Self {
        Self {
            size,
            alpha: 1e-4,
            beta: 0.75,
            k: 1.0,
        }
    }

    /// How many channels the window reaches before and after its middle, where there are that many.
    pub(crate) fn reach(&self, channels: usize) -> (usize, usize) {
        let most = channels.saturating_sub(1);
        let others = self.size.saturating_sub(1);
        ((others / 2).min(most), others.div_ceil(2).min(most))
    }

    /// What the sum of squares is multiplied with.
    pub(crate) fn scale(&self) -> f64 {
        self.alpha / self.size as f64
    }

    pub(crate) fn check(&self, op: &'static str) -> Result<()> {
        if self.size == 0 {
            return Err(Error::argument(op, "a window size of at least 1", 0));
        }
        match [self.alpha, self.beta, self.k]
            .iter()
            .all(|&v| (v as f32).is_finite())
        {
            true => Ok(()),
            false => Err(Error::argument(
                op,
                "alpha, beta and k that are finite in f32",
                format!("{}, {} and {}", self.alpha, self.beta, self.k),
            )),
        }
    }
}

/// Images, channels and positions per channel of a shape (N, C, ...).
fn split(op: &'static str, shape: &[usize]) -> Result<[usize; 3]> {
    match shape {
        [images, channels, rest @ ..] => Ok([*images, *channels, rest.iter().product()]),
        _ => Err(Error::shape(
            op,
            "a shape (N, C, ...)",
            format!("{shape:?}"),
        )),
    }
}

impl<T: Float> Tensor<T> {
    /// `x / (k + alpha / size * sum x^2)^beta` over a window of `size` channels; the tensor is (N, C, ...).
    ///
    /// PyTorch's `F.local_response_norm` for odd sizes; for even ones the window is ONNX's (see [`crate::ops::lrn`]).
    ///
    /// # Errors
    /// Fewer than two dimensions, a size of 0, a scalar that is not finite, or whatever the device answers.
    pub fn local_response_norm(&self, size: usize, alpha: f64, beta: f64, k: f64) -> Result<Self> {
        let mut out = Self::empty(self.shape(), self.device())?;
        self.local_response_norm_out(size, alpha, beta, k, &mut out)?;
        Ok(out)
    }

    /// [`Tensor::local_response_norm`] into `out`, of the same shape and device.
    ///
    /// # Errors
    /// Those of [`Tensor::local_response_norm`], and another shape or device.
    pub fn local_response_norm_out(
        &self,
        size: usize,
        alpha: f64,
        beta: f64,
        k: f64,
        out: &mut Self,
    ) -> Result<()> {
        let options = LrnOptions {
            size,
            alpha,
            beta,
            k,
        };
        options.check(OP)?;
        let shape = split(OP, self.shape())?;
        expect_shape(OP, self.shape(), out.shape())?;
        dispatch::unary(
            OP,
            self,
            out,
            |x, y| cpu::lrn(x, y, shape, &options),
            |s, x, y| cuda::lrn(s, x, y, shape, &options),
        )
    }
}

/// The gradient of [`Tensor::local_response_norm`]'s input, from that of its output and the input itself.
///
/// # Errors
/// Different shapes or devices, fewer than two dimensions, a size of 0, or a scalar that is not finite.
pub fn local_response_norm_backward<T: Float>(
    grad: &Tensor<T>,
    input: &Tensor<T>,
    options: &LrnOptions,
) -> Result<Tensor<T>> {
    let mut out = Tensor::empty(grad.shape(), grad.device())?;
    local_response_norm_backward_out(grad, input, options, &mut out)?;
    Ok(out)
}

/// [`local_response_norm_backward`] into `out`.
///
/// # Errors
/// Those of [`local_response_norm_backward`].
pub fn local_response_norm_backward_out<T: Float>(
    grad: &Tensor<T>,
    input: &Tensor<T>,
    options: &LrnOptions,
    out: &mut Tensor<T>,
) -> Result<()> {
    const OP: &str = "lrn_backward";
    options.check(OP)?;
    let shape = split(OP, grad.shape())?;
    expect_shape(OP, grad.shape(), input.shape())?;
    expect_shape(OP, grad.shape(), out.shape())?;
    dispatch::binary(
        OP,
        grad,
        input,
        out,
        |dy, x, dx| cpu::lrn_backward(dy, x, dx, shape, options),
        |s, dy, x, dx| cuda::lrn_backward(s, dy, x, dx, shape, options),
    )
}
