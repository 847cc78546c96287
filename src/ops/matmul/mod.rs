//! Matrix product: `y = activation(op(a) op(b) + bias)`. ONNX `MatMul` and (with alpha = beta = 1) `Gemm`, PyTorch
//! `torch.matmul` and `torch.nn.functional.linear`.
//!
//! [`Tensor::matmul`] takes ranks and broadcasts batches as PyTorch does. [`matmul_with`] adds what a layer needs
//! without another pass over memory: transposed operands, which are read as they are stored, a bias, an activation.
//!
//! Sums are accumulated in `f32` in an order of the device's own, whatever the element; `f16` and `bf16` results are
//! rounded once, at the end. NaN and infinities are those of IEEE 754 (0 times infinity is NaN). On CUDA, `f16` and
//! `bf16` use Tensor Cores (`bf16` from sm_80 on), and `f32` does only where [`MatmulOptions::allow_tf32`] says so.

mod blocks;
mod boxes;
mod choice;
pub(crate) mod cpu;
pub mod cuda;
mod dots;
mod few_rows;
mod gemm;
mod kernel;
mod lanes;
mod shape;
mod split;
mod thin;
mod turned;
mod vectors;

pub use gemm::Gemm;

use cudarc::driver::CudaSlice;

use crate::checks::expect_shape;
use crate::element::Float;
use crate::error::{Error, Result};
use crate::ops::activation::Activation;
use crate::ops::dispatch;
use crate::tensor::Tensor;
use shape::Plan;

const OP: &str = "matmul";

/// What [`matmul_with`] does besides multiplying. The default does nothing besides.
#[derive(Clone, Copy, Debug)]
pub struct MatmulOptions<'a, T: Float> {
    /// `a` is (..., k, m) and used as its transpose.
    pub transpose_a: bool,
    /// `b` is (..., n, k) and used as its transpose.
    pub transpose_b: bool,
    /// Added to every row: one number per column of the output.
    pub bias: Option<&'a Tensor<T>>,
    /// Applied after the bias.
    pub activation: Activation,
    /// On CUDA, `f32` factors may lose all but 10 bits of their fractions (tf32) for the sake of Tensor Cores (PyTorch's
    /// `torch.backends.cuda.matmul.allow_tf32`): rounded, or cut off by the faster kernels. Without effect where there
    /// are none.
    pub allow_tf32: bool,
}

impl<T: Float> Default for MatmulOptions<'_, T> {
    fn default() -> Self {
        Self {
            transpose_a: false,
            transpose_b: false,
            bias: None,
            activation: Activation::None,
            allow_tf32: false,
        }
    }
}

impl<T: Float> Tensor<T> {
    /// The matrix product, as `torch.matmul`: (..., m, k) times (..., k, n) is (..., m, n).
    ///
    /// Batch dimensions broadcast. A first tensor of one dimension is a row and a second one a column, and the
    /// dimension of size 1 is left out of the result.
    ///
    /// # Errors
    /// Shapes that do not fit, different devices, more than 2^31 - 257 rows or columns.
    pub fn matmul(&self, other: &Self) -> Result<Self> {
        matmul_with(self, other, &MatmulOptions::default())
    }

    /// [`Tensor::matmul`] into `out`, of the result's shape.
    ///
    /// # Errors
    /// As [`Tensor::matmul`], and where `out` has another shape or device.
    pub fn matmul_out(&self, other: &Self, out: &mut Self) -> Result<()> {
        matmul_with_out(self, other, &MatmulOptions::default(), out)
    }
}

/// `activation(op(a) op(b) + bias)`, with the shapes of [`Tensor::matmul`] after transposing.
///
/// ```
/// use warpsmith::ops::{MatmulOptions, matmul_with};
/// use warpsmith::{Device, Tensor};
///
/// // the gradient of a weight: dy^T x, from dy (rows, out) and x (rows, in)
/// let dy = Tensor::from_slice(&[1.0_f32, 2.0], &[2, 1], &Device::Cpu)?;
/// let x = Tensor::from_slice(&[1.0_f32, 2.0, 3.0, 4.0], &[2, 2], &Device::Cpu)?;
/// let options = MatmulOptions { transpose_a: true, ..Default::default() };
/// assert_eq!(matmul_with(&dy, &x, &options)?.to_vec()?, [7.0, 10.0]);
/// # Ok::<(), warpsmith::Error>(())
/// ```
///
/// # Errors
/// As [`Tensor::matmul`], and where the bias does not have one element per column.
pub fn matmul_with<T: Float>(
    a: &Tensor<T>,
    b: &Tensor<T>,
    options: &MatmulOptions<'_, T>,
) -> Result<Tensor<T>> {
    product(OP, a, b, options)
}

/// [`matmul_with`] into `out`, of the result's shape.
///
/// # Errors
/// As [`matmul_with`], and where `out` has another shape or device.
pub fn matmul_with_out<T: Float>(
    a: &Tensor<T>,
    b: &Tensor<T>,
    options: &MatmulOptions<'_, T>,
    out: &mut Tensor<T>,
) -> Result<()> {
    product_out(OP, a, b, options, out)
}

/// `input weight^T + bias`, as `torch.nn.functional.linear`: input (..., in), weight (out, in), bias (out).
///
/// # Errors
/// Shapes that do not fit, or different devices.
pub fn linear<T: Float>(
    input: &Tensor<T>,
    weight: &Tensor<T>,
    bias: Option<&Tensor<T>>,
) -> Result<Tensor<T>> {
    linear_with(input, weight, bias, Activation::None, false)
}

/// [`linear`] and an activation, whose factors may be rounded to tf32 ([`MatmulOptions::allow_tf32`]).
pub(crate) fn linear_with<T: Float>(
    input: &Tensor<T>,
    weight: &Tensor<T>,
    bias: Option<&Tensor<T>>,
    activation: Activation,
    allow_tf32: bool,
) -> Result<Tensor<T>> {
    let options = MatmulOptions {
        activation,
        allow_tf32,
        ..linear_options(weight, bias)?
    };
    product("linear", input, weight, &options)
}

/// [`linear`] into `out`, (..., out).
///
/// # Errors
/// As [`linear`], and where `out` has another shape or device.
pub fn linear_out<T: Float>(
    input: &Tensor<T>,
    weight: &Tensor<T>,
    bias: Option<&Tensor<T>>,
    out: &mut Tensor<T>,
) -> Result<()> {
    product_out("linear", input, weight, &linear_options(weight, bias)?, out)
}

fn linear_options<'a, T: Float>(
    weight: &Tensor<T>,
    bias: Option<&'a Tensor<T>>,
) -> Result<MatmulOptions<'a, T>> {
    if weight.shape().len() != 2 {
        let got = format!("{:?}", weight.shape());
        return Err(Error::shape("linear", "a weight of shape (out, in)", got));
    }
    Ok(MatmulOptions {
        transpose_b: true,
        bias,
        ..MatmulOptions::default()
    })
}

fn product<T: Float>(
    op: &'static str,
    a: &Tensor<T>,
    b: &Tensor<T>,
    options: &MatmulOptions<'_, T>,
) -> Result<Tensor<T>> {
    let plan = plan(op, a, b, options)?;
    let mut out = Tensor::empty(&plan.shape, a.device())?;
    run(op, &plan, a, b, options.bias, &mut out)?;
    Ok(out)
}

fn product_out<T: Float>(
    op: &'static str,
    a: &Tensor<T>,
    b: &Tensor<T>,
    options: &MatmulOptions<'_, T>,
    out: &mut Tensor<T>,
) -> Result<()> {
    let plan = plan(op, a, b, options)?;
    expect_shape(op, &plan.shape, out.shape())?;
    run(op, &plan, a, b, options.bias, out)
}

fn plan<T: Float>(
    op: &'static str,
    a: &Tensor<T>,
    b: &Tensor<T>,
    options: &MatmulOptions<'_, T>,
) -> Result<Plan> {
    let (transpose_a, transpose_b) = (options.transpose_a, options.transpose_b);
    let mut plan = Plan::new(op, a.shape(), b.shape(), transpose_a, transpose_b)?;
    plan.gemm.activation = options.activation;
    plan.gemm.allow_tf32 = options.allow_tf32;
    if let Some(bias) = options.bias {
        expect_shape(op, &[plan.gemm.n], bias.shape())?;
    }
    plan.gemm.spans(op)?;
    Ok(plan)
}

fn run<T: Float>(
    op: &'static str,
    plan: &Plan,
    a: &Tensor<T>,
    b: &Tensor<T>,
    bias: Option<&Tensor<T>>,
    out: &mut Tensor<T>,
) -> Result<()> {
    let gemm = &plan.gemm;
    let [span_a, span_b, span_y] = gemm.spans(op)?;
    dispatch::binary_optional(
        op,
        a,
        b,
        bias,
        out,
        |a, b, bias, y| {
            for [at_a, at_b, at_y] in plan.offsets() {
                let (a, b) = (&a[at_a..][..span_a], &b[at_b..][..span_b]);
                cpu::matmul(a, b, bias, &mut y[at_y..][..span_y], gemm)?;
            }
            Ok(())
        },
        |stream, a, b, bias, y| {
            for [at_a, at_b, at_y] in plan.offsets() {
                let a = view(op, a, at_a, span_a)?;
                let b = view(op, b, at_b, span_b)?;
                let mut y = y
                    .try_slice_mut(at_y..at_y + span_y)
                    .ok_or_else(|| outside(op))?;
                cuda::matmul(stream, &a, &b, bias, &mut y, gemm)?;
            }
            Ok(())
        },
    )
}

fn view<'a, T: Float>(
    op: &'static str,
    x: &'a CudaSlice<T>,
    at: usize,
    len: usize,
) -> Result<cudarc::driver::CudaView<'a, T>> {
    x.try_slice(at..at + len).ok_or_else(|| outside(op))
}

/// Spans and offsets come from the shapes that the tensors have, so this is only the other arm of an Option.
fn outside(op: &'static str) -> Error {
    Error::shape(op, "matrices inside their tensors", "one past the end")
}
