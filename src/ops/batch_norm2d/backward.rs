//! The gradients of batch normalisation.

use super::{BatchNormStats, Channels, both, cpu, cuda, on_cuda};
use crate::checks::{expect_shape, same_device};
use crate::device::Device;
use crate::element::Float;
use crate::error::Result;
use crate::tensor::Tensor;

const OP: &str = "batch_norm2d_backward";

/// The gradients of weight and bias of [`Tensor::batch_norm2d`], from that of its output and its input.
///
/// # Errors
/// Shapes or devices that do not fit each other, an eps below 0, or 2^31 elements or more.
pub fn batch_norm2d_backward_parameters<T: Float>(
    grad: &Tensor<T>,
    input: &Tensor<T>,
    stats: &BatchNormStats<'_>,
) -> Result<[Tensor<f32>; 2]> {
    let mut dweight = Tensor::empty(stats.mean.shape(), grad.device())?;
    let mut dbias = Tensor::empty(stats.mean.shape(), grad.device())?;
    batch_norm2d_backward_parameters_out(grad, input, stats, &mut dweight, &mut dbias)?;
    Ok([dweight, dbias])
}

/// [`batch_norm2d_backward_parameters`] into tensors (C).
///
/// # Errors
/// Those of [`batch_norm2d_backward_parameters`], and other shapes or devices.
pub fn batch_norm2d_backward_parameters_out<T: Float>(
    grad: &Tensor<T>,
    input: &Tensor<T>,
    stats: &BatchNormStats<'_>,
    dweight: &mut Tensor<f32>,
    dbias: &mut Tensor<f32>,
) -> Result<()> {
    let (shape, sides) = Channels::of(OP, grad.shape())?;
    expect_shape(OP, grad.shape(), input.shape())?;
    stats.check(OP, shape.channels)?;
    expect_shape(OP, &[shape.channels], dweight.shape())?;
    expect_shape(OP, &[shape.channels], dbias.shape())?;
    let devices = [
        grad.device(),
        input.device(),
        stats.mean.device(),
        stats.var.device(),
        dweight.device(),
        dbias.device(),
    ];
    same_device(OP, &devices)?;
    if grad.numel() == 0 {
        dweight.fill_(0.0)?;
        return dbias.fill_(0.0);
    }
    let Device::Cuda(device) = grad.device() else {
        let tensors = [grad.data().cpu(OP)?, input.data().cpu(OP)?];
        let (dweight, dbias) = (dweight.data_mut()?.cpu(OP)?, dbias.data_mut()?.cpu(OP)?);
        cpu::backward_parameters(tensors, &stats.on_cpu(OP)?, dweight, dbias, &shape);
        return Ok(());
    };
    let (dy, x) = (grad.data().cuda(OP)?, input.data().cuda(OP)?);
    let (dweight, dbias) = (dweight.data_mut()?.cuda(OP)?, dbias.data_mut()?.cuda(OP)?);
    let (stream, stats) = (device.stream(), on_cuda!(OP, stats));
    cuda::batch_norm2d_backward_parameters(stream, dy, x, &stats, dweight, dbias, sides)
}

/// The gradient of [`Tensor::batch_norm2d`]'s input, from that of its output. `gradients` are those of weight and bias
/// ([`batch_norm2d_backward_parameters`], whether or not there is a weight) where mean and variance are the batch's own, as in
/// training; without them both are constants, as in evaluation.
///
/// # Errors
/// Those of [`batch_norm2d_backward_parameters`].
pub fn batch_norm2d_backward_input<T: Float>(
    grad: &Tensor<T>,
    input: &Tensor<T>,
    stats: &BatchNormStats<'_>,
    weight: Option<&Tensor<f32>>,
    gradients: Option<[&Tensor<f32>; 2]>,
) -> Result<Tensor<T>> {
    let mut out = Tensor::empty(grad.shape(), grad.device())?;
    batch_norm2d_backward_input_out(grad, input, stats, weight, gradients, &mut out)?;
    Ok(out)
}

/// [`batch_norm2d_backward_input`] into `out`.
///
/// # Errors
/// Those of [`batch_norm2d_backward_input`], and another shape or device.
pub fn batch_norm2d_backward_input_out<T: Float>(
    grad: &Tensor<T>,
    input: &Tensor<T>,
    stats: &BatchNormStats<'_>,
    weight: Option<&Tensor<f32>>,
    gradients: Option<[&Tensor<f32>; 2]>,
    out: &mut Tensor<T>,
) -> Result<()> {
    let (shape, sides) = Channels::of(OP, grad.shape())?;
    expect_shape(OP, grad.shape(), input.shape())?;
    expect_shape(OP, grad.shape(), out.shape())?;
    stats.check(OP, shape.channels)?;
    let (mean, var) = (stats.mean.device(), stats.var.device());
    let mut devices = vec![grad.device(), input.device(), mean, var];
    for side in weight.iter().chain(gradients.iter().flatten()) {
        expect_shape(OP, &[shape.channels], side.shape())?;
        devices.push(side.device());
    }
    devices.push(out.device());
    same_device(OP, &devices)?;
    if out.numel() == 0 {
        return Ok(());
    }
    let Device::Cuda(device) = grad.device() else {
        let tensors = [grad.data().cpu(OP)?, input.data().cpu(OP)?];
        let weight = weight.map(|weight| weight.data().cpu(OP)).transpose()?;
        let gradients = both(gradients, |side| side.data().cpu(OP))?;
        let (stats, dx) = (stats.on_cpu(OP)?, out.data_mut()?.cpu(OP)?);
        cpu::backward_input(tensors, &stats, weight, gradients, dx, &shape);
        return Ok(());
    };
    let tensors = [grad.data().cuda(OP)?, input.data().cuda(OP)?];
    let weight = weight.map(|weight| weight.data().cuda(OP)).transpose()?;
    let gradients = both(gradients, |side| side.data().cuda(OP))?;
    let (stream, stats) = (device.stream(), on_cuda!(OP, stats));
    let dx = out.data_mut()?.cuda(OP)?;
    cuda::batch_norm2d_backward_input(stream, tensors, &stats, weight, gradients, dx, sides)
}
