//! The sum over all but the last axis: `y[c] = sum_r x[r, c]`, the gradient of a bias. PyTorch `torch.sum(x, 0)` of a
//! matrix, ONNX `ReduceSum` with `axes = [0]`, `keepdims = 0`.
//!
//! The CPU adds in `f64`, kernels add in `f32`, both in an order that the shape alone decides.

pub(crate) mod cpu;
pub mod cuda;

use crate::checks::expect_shape;
use crate::element::Float;
use crate::error::Result;
use crate::ops::activation::Activation;
use crate::ops::dispatch;
use crate::ops::softmax::rows_and_cols;
use crate::tensor::Tensor;

const OP: &str = "column_sum";

/// The sum over the rows of a tensor (..., cols), a tensor (cols).
///
/// # Errors
/// A tensor without dimensions.
pub fn column_sum<T: Float>(input: &Tensor<T>) -> Result<Tensor<T>> {
    let (_, cols) = rows_and_cols(OP, input.shape())?;
    let mut out = Tensor::empty(&[cols], input.device())?;
    column_sum_out(input, &mut out)?;
    Ok(out)
}

/// [`column_sum`] into `out` (cols).
///
/// # Errors
/// Another shape or device, a tensor without dimensions.
pub fn column_sum_out<T: Float>(input: &Tensor<T>, out: &mut Tensor<T>) -> Result<()> {
    let (rows, cols) = rows_and_cols(OP, input.shape())?;
    expect_shape(OP, &[cols], out.shape())?;
    dispatch::unary(OP, input, out, cpu::column_sum, |s, x, y| {
        cuda::column_sum(s, x, y, rows, cols)
    })
}

/// `dx`, the gradient of an activation's input, from that of its output (..., cols) and the output, and the sum of `dx` over
/// the rows, the gradient of the bias (cols) before it: in one pass what [`activation_backward`](super::activation_backward)
/// and [`column_sum_out`] do.
///
/// # Errors
/// Different shapes or devices, tensors without dimensions.
pub fn column_sum_activated_out<T: Float>(
    grad: &Tensor<T>,
    output: &Tensor<T>,
    activation: Activation,
    dx: &mut Tensor<T>,
    out: &mut Tensor<T>,
) -> Result<()> {
    const OP: &str = "column_sum_activated";
    let (rows, cols) = rows_and_cols(OP, grad.shape())?;
    expect_shape(OP, grad.shape(), output.shape())?;
    expect_shape(OP, grad.shape(), dx.shape())?;
    expect_shape(OP, &[cols], out.shape())?;
    dispatch::binary_two(
        OP,
        [grad, output],
        [dx, out],
        |[dy, y], [dx, db]| {
            activation.backward(dy, y, dx);
            cpu::column_sum(dx, db);
        },
        |s, [dy, y], [dx, db]| {
            cuda::column_sum_activated(s, dy, y, activation, dx, db, [rows, cols])
        },
    )
}
