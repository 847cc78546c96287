//! Softmax and cross-entropy in one: `loss = mean_r(log(sum_c exp(x[r, c])) - x[r, label[r]])`. PyTorch
//! `torch.nn.functional.cross_entropy` with `reduction="mean"`, no weights, no `ignore_index`; ONNX
//! `SoftmaxCrossEntropyLoss` likewise.
//!
//! Backward: `dx[r, c] = (softmax(x)[r, c] - [c == label[r]]) / rows`, worked out from the logits: no softmax is stored.
//!
//! # Labels outside the classes
//! On the CPU they are an [`Error`]. On CUDA the host cannot look at the labels without waiting for everything queued
//! before, so such a row shows in the result instead: its loss, and with it the mean, is NaN, and so is its row of
//! the gradient. Nothing is read or written out of bounds.
//!
//! The mean over no rows is NaN, as in PyTorch.

pub(crate) mod cpu;
pub mod cuda;

use crate::checks::expect_shape;
use crate::element::Float;
use crate::error::{Error, Result};
use crate::ops::dispatch;
use crate::tensor::{Data, Tensor};

const OP: &str = "cross_entropy";

/// The mean cross-entropy, a tensor without dimensions, of logits (rows, classes) for labels (rows) in 0..classes.
///
/// # Errors
/// Other shapes, different devices; on the CPU a label outside the classes (on CUDA the loss is then NaN).
pub fn cross_entropy<T: Float>(logits: &Tensor<T>, labels: &Tensor<i32>) -> Result<Tensor<T>> {
    let mut out = Tensor::empty(&[], logits.device())?;
    cross_entropy_out(logits, labels, &mut out)?;
    Ok(out)
}

/// [`cross_entropy`] into `out`, a tensor without dimensions.
///
/// # Errors
/// Other shapes, different devices; on the CPU a label outside the classes (on CUDA the loss is then NaN).
pub fn cross_entropy_out<T: Float>(
    logits: &Tensor<T>,
    labels: &Tensor<i32>,
    out: &mut Tensor<T>,
) -> Result<()> {
    let (rows, classes) = checked(OP, logits, labels)?;
    expect_shape(OP, &[], out.shape())?;
    let cpu = |x: &[T], labels: &[i32], y: &mut [T]| y[0] = cpu::cross_entropy(x, labels, classes);
    dispatch::binary(OP, logits, labels, out, cpu, |s, x, labels, y| {
        cuda::cross_entropy(s, x, labels, y, rows, classes)
    })
}

/// The gradient of [`cross_entropy`]'s logits, of the same shape.
///
/// # Errors
/// Other shapes, different devices; on the CPU a label outside the classes (on CUDA its row is then NaN).
pub fn cross_entropy_backward<T: Float>(
    logits: &Tensor<T>,
    labels: &Tensor<i32>,
) -> Result<Tensor<T>> {
    let mut out = Tensor::empty(logits.shape(), logits.device())?;
    cross_entropy_backward_out(logits, labels, &mut out)?;
    Ok(out)
}

/// [`cross_entropy_backward`] into `out`.
///
/// # Errors
/// Other shapes, different devices; on the CPU a label outside the classes (on CUDA its row is then NaN).
pub fn cross_entropy_backward_out<T: Float>(
    logits: &Tensor<T>,
    labels: &Tensor<i32>,
    out: &mut Tensor<T>,
) -> Result<()> {
    const OP: &str = "cross_entropy_backward";
    let (rows, classes) = checked(OP, logits, labels)?;
    expect_shape(OP, logits.shape(), out.shape())?;
    let cpu = |x: &[T], labels: &[i32], dx: &mut [T]| {
        cpu::cross_entropy_backward(x, labels, dx, classes);
    };
    dispatch::binary(OP, logits, labels, out, cpu, |s, x, labels, dx| {
        cuda::cross_entropy_backward(s, x, labels, dx, rows, classes)
    })
}

/// Rows and classes, where the shapes fit and the host's labels, if it is the host that has them, are classes.
fn checked<T: Float>(
    op: &'static str,
    logits: &Tensor<T>,
    labels: &Tensor<i32>,
) -> Result<(usize, usize)> {
    let &[rows, classes] = logits.shape() else {
        let got = format!("{:?}", logits.shape());
        return Err(Error::shape(op, "logits of shape [rows, classes]", got));
    };
    expect_shape(op, &[rows], labels.shape())?;
    if rows > 0 && classes == 0 {
        return Err(Error::shape(
            op,
            "at least one class",
            format!("{:?}", logits.shape()),
        ));
    }
    if let Data::Cpu(labels) = labels.data() {
        let known = |label: i32| usize::try_from(label).is_ok_and(|label| label < classes);
        if let Some(row) = labels.iter().position(|&label| !known(label)) {
            let label = i64::from(labels[row]);
            return Err(Error::Label {
                op,
                classes,
                label,
                row,
            });
        }
    }
    Ok((rows, classes))
}
