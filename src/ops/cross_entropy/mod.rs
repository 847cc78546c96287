//! Softmax and cross-entropy in one. PyTorch `torch.nn.functional.cross_entropy`; ONNX `SoftmaxCrossEntropyLoss` likewise.
//!
//! ```text
//! p = softmax(x[r]),  w = the classes' weights, else 1,  y = labels[r],  s = label_smoothing
//! loss[r] = -(1 - s) w[y] log p[y] - s / classes * sum_c w[c] log p[c]
//! loss    = sum_r loss[r] / sum_r w[y]                                          for the mean
//! dx[r, c] = (p[c] sum_k t[k] - t[c]) dloss[r],  t[c] = (1 - s) w[y] [c == y] + s w[c] / classes
//! ```
//! Rows labelled `ignore_index` have loss and gradient 0, and no part in the mean. Backward works the softmax out from the
//! logits: none is stored.
//!
//! # Labels outside the classes
//! On the CPU they are an [`Error`]. On CUDA the host cannot look at the labels without waiting for everything queued
//! before, so such a row shows in the result instead: its loss, and with it the mean, is NaN, and so is its row of
//! the gradient. Nothing is read or written out of bounds.
//!
//! The mean over no rows, or over ignored ones alone, is NaN, as in PyTorch.

pub(crate) mod cpu;
pub mod cuda;
mod options;

pub use options::{CrossEntropyOptions, Reduction};

use crate::checks::{expect_shape, same_device};
use crate::element::Float;
use crate::error::{Error, Result};
use crate::ops::dispatch::mixed;
use crate::tensor::{Data, DataMut, Tensor};

const OP: &str = "cross_entropy";
const BACKWARD: &str = "cross_entropy_backward";

/// The mean cross-entropy, a tensor without dimensions, of logits (rows, classes) for labels (rows) in 0..classes, or -100
/// for a row that does not count.
///
/// # Errors
/// Other shapes, different devices; on the CPU a label outside the classes (on CUDA the loss is then NaN).
pub fn cross_entropy<T: Float>(logits: &Tensor<T>, labels: &Tensor<i32>) -> Result<Tensor<T>> {
    cross_entropy_with(logits, labels, &CrossEntropyOptions::default())
}

/// [`cross_entropy`] into `out`, a tensor without dimensions.
///
/// # Errors
/// Those of [`cross_entropy`].
pub fn cross_entropy_out<T: Float>(
    logits: &Tensor<T>,
    labels: &Tensor<i32>,
    out: &mut Tensor<T>,
) -> Result<()> {
    cross_entropy_with_out(logits, labels, &CrossEntropyOptions::default(), out)
}

/// [`cross_entropy`] with weights, smoothing, another label to ignore or another reduction: without dimensions, but
/// (rows) for [`Reduction::None`].
///
/// # Errors
/// Those of [`cross_entropy`], weights of another shape or device, a smoothing outside 0..=1.
pub fn cross_entropy_with<T: Float>(
    logits: &Tensor<T>,
    labels: &Tensor<i32>,
    options: &CrossEntropyOptions<'_>,
) -> Result<Tensor<T>> {
    let mut out = Tensor::empty(&options.shape(labels.numel()), logits.device())?;
    cross_entropy_with_out(logits, labels, options, &mut out)?;
    Ok(out)
}

/// [`cross_entropy_with`] into `out`.
///
/// # Errors
/// Those of [`cross_entropy_with`].
pub fn cross_entropy_with_out<T: Float>(
    logits: &Tensor<T>,
    labels: &Tensor<i32>,
    options: &CrossEntropyOptions<'_>,
    out: &mut Tensor<T>,
) -> Result<()> {
    forward(logits, labels, options, out, None)
}

/// The gradient of [`cross_entropy`]'s logits, of the same shape.
///
/// # Errors
/// Other shapes, different devices; on the CPU a label outside the classes (on CUDA its row is then NaN).
pub fn cross_entropy_backward<T: Float>(
    logits: &Tensor<T>,
    labels: &Tensor<i32>,
) -> Result<Tensor<T>> {
    cross_entropy_backward_with(None, logits, labels, &CrossEntropyOptions::default())
}

/// [`cross_entropy_backward`] into `out`.
///
/// # Errors
/// Those of [`cross_entropy_backward`].
pub fn cross_entropy_backward_out<T: Float>(
    logits: &Tensor<T>,
    labels: &Tensor<i32>,
    out: &mut Tensor<T>,
) -> Result<()> {
    let options = CrossEntropyOptions::default();
    cross_entropy_backward_with_out(None, logits, labels, &options, out)
}

/// The gradient of [`cross_entropy_with`]'s logits, from that of its result, of its shape, or for `None` from ones.
///
/// # Errors
/// Those of [`cross_entropy_with`], and another shape or device of `grad`.
pub fn cross_entropy_backward_with<T: Float>(
    grad: Option<&Tensor<T>>,
    logits: &Tensor<T>,
    labels: &Tensor<i32>,
    options: &CrossEntropyOptions<'_>,
) -> Result<Tensor<T>> {
    let mut out = Tensor::empty(logits.shape(), logits.device())?;
    cross_entropy_backward_with_out(grad, logits, labels, options, &mut out)?;
    Ok(out)
}

/// [`cross_entropy_backward_with`] into `out`.
///
/// # Errors
/// Those of [`cross_entropy_backward_with`].
pub fn cross_entropy_backward_with_out<T: Float>(
    grad: Option<&Tensor<T>>,
    logits: &Tensor<T>,
    labels: &Tensor<i32>,
    options: &CrossEntropyOptions<'_>,
    out: &mut Tensor<T>,
) -> Result<()> {
    backward(grad, logits, labels, options, None, out)
}

/// The loss, and where it is wanted the sum of the labels' weights, without dimensions, which [`backward`] can take.
pub(crate) fn forward<T: Float>(
    logits: &Tensor<T>,
    labels: &Tensor<i32>,
    options: &CrossEntropyOptions<'_>,
    out: &mut Tensor<T>,
    total: Option<&mut Tensor<f32>>,
) -> Result<()> {
    let shape = checked(OP, logits, labels, options)?;
    expect_shape(OP, &options.shape(shape[0]), out.shape())?;
    same_device(OP, &[logits.device(), out.device()])?;
    if out.numel() == 0 {
        return Ok(());
    }
    let weight = options.weight.map(Tensor::data);
    let total = total.map(Tensor::data_mut).transpose()?;
    match (logits.data(), labels.data(), out.data_mut()?) {
        (Data::Cpu(x), Data::Cpu(labels), DataMut::Cpu(y)) => {
            let sum = cpu::cross_entropy(x, labels, y, shape[1], &host(options, weight));
            if let Some(DataMut::Cpu(total)) = total {
                total[0] = sum as f32;
            }
            Ok(())
        }
        (Data::Cuda(x), Data::Cuda(labels), DataMut::Cuda(y)) => {
            let total = match total {
                Some(DataMut::Cuda(total)) => Some(total),
                _ => None,
            };
            let options = device(options, weight);
            cuda::cross_entropy_at(x.stream(), x, labels, (y, total), shape, &options)
        }
        _ => Err(mixed(OP)),
    }
}

/// The gradient, for the mean with the sum of the labels' weights that [`forward`] wrote or, without one, worked out anew.
pub(crate) fn backward<T: Float>(
    grad: Option<&Tensor<T>>,
    logits: &Tensor<T>,
    labels: &Tensor<i32>,
    options: &CrossEntropyOptions<'_>,
    total: Option<&Tensor<f32>>,
    out: &mut Tensor<T>,
) -> Result<()> {
    let shape = checked(BACKWARD, logits, labels, options)?;
    expect_shape(BACKWARD, logits.shape(), out.shape())?;
    same_device(BACKWARD, &[logits.device(), out.device()])?;
    if let Some(grad) = grad {
        expect_shape(BACKWARD, &options.shape(shape[0]), grad.shape())?;
        same_device(BACKWARD, &[logits.device(), grad.device()])?;
    }
    if out.numel() == 0 {
        return Ok(());
    }
    let (weight, grad) = (options.weight.map(Tensor::data), grad.map(Tensor::data));
    match (logits.data(), labels.data(), out.data_mut()?) {
        (Data::Cpu(x), Data::Cpu(labels), DataMut::Cpu(dx)) => {
            let dy = match grad {
                Some(Data::Cpu(dy)) => Some(dy),
                _ => None,
            };
            let terms = host(options, weight);
            cpu::cross_entropy_backward(dy, x, labels, dx, shape[1], &terms);
            Ok(())
        }
        (Data::Cuda(x), Data::Cuda(labels), DataMut::Cuda(dx)) => {
            let dy = match grad {
                Some(Data::Cuda(dy)) => Some(dy),
                _ => None,
            };
            let total = match total.map(Tensor::data) {
                Some(Data::Cuda(total)) => Some(total),
                _ => None,
            };
            let options = device(options, weight);
            cuda::cross_entropy_backward_at(x.stream(), (dy, total), x, labels, dx, shape, &options)
        }
        _ => Err(mixed(BACKWARD)),
    }
}

/// The options with weights on the host; where they are was checked before.
fn host<'a>(options: &CrossEntropyOptions<'_>, weight: Option<Data<'a, f32>>) -> cpu::Terms<'a> {
    cpu::Terms {
        weight: match weight {
            Some(Data::Cpu(weight)) => Some(weight),
            _ => None,
        },
        ignore_index: options.ignore_index,
        reduction: options.reduction,
        label_smoothing: options.label_smoothing,
    }
}

/// The options with weights on the device; where they are was checked before.
fn device<'a>(
    options: &CrossEntropyOptions<'_>,
    weight: Option<Data<'a, f32>>,
) -> cuda::Options<'a> {
    cuda::Options {
        weight: match weight {
            Some(Data::Cuda(weight)) => Some(weight.as_view()),
            _ => None,
        },
        ignore_index: options.ignore_index,
        reduction: options.reduction,
        label_smoothing: options.label_smoothing,
    }
}

/// Rows and classes, where shapes, devices and options fit and the host's labels, if it is the host that has them, are
/// classes.
fn checked<T: Float>(
    op: &'static str,
    logits: &Tensor<T>,
    labels: &Tensor<i32>,
    options: &CrossEntropyOptions<'_>,
) -> Result<[usize; 2]> {
    let &[rows, classes] = logits.shape() else {
        let got = format!("{:?}", logits.shape());
        return Err(Error::shape(op, "logits of shape [rows, classes]", got));
    };
    expect_shape(op, &[rows], labels.shape())?;
    same_device(op, &[logits.device(), labels.device()])?;
    options.check(op, classes, logits.device())?;
    if rows > 0 && classes == 0 {
        return Err(Error::shape(
            op,
            "at least one class",
            format!("{:?}", logits.shape()),
        ));
    }
    if let Data::Cpu(labels) = labels.data() {
        let known = |label: i32| usize::try_from(label).is_ok_and(|label| label < classes);
        let known = |&label: &i32| label == options.ignore_index || known(label);
        if let Some(row) = labels.iter().position(|label| !known(label)) {
            let label = i64::from(labels[row]);
            return Err(Error::Label {
                op,
                classes,
                label,
                row,
            });
        }
    }
    Ok([rows, classes])
}
