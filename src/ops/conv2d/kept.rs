//! What a layer keeps of a convolution from pass to pass: copies that Tensor Cores read are made once, where another pass reads
//! the same, and a gradient's where it is made. Where there are none, on the CPU for one, these are the functions of [`super`].

use std::sync::Arc;

use cudarc::driver::CudaStream;

use super::layout::{Gradient as Lies, gradient, padded_out};
use super::padded::Padded;
use super::tile::{BACKWARD_INPUT, BACKWARD_WEIGHT, Tile};
use super::{
    Conv, Conv2dOptions, OP, backward_input, backward_weight, conv2d_backward_bias_activated_out,
    conv2d_backward_bias_out, launches, mma,
};
use crate::checks::{expect_shape, same_device};
use crate::element::Float;
use crate::error::Result;
use crate::ops::activation::{Activation, activation_backward};
use crate::tensor::{Data, Tensor};

/// What a forward was, and whether of its input a copy is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kept {
    conv: Conv,
    copied: bool,
}

/// The gradient of what is before the activation, as it is or as a copy.
pub(crate) struct Gradient<T: Float> {
    tensor: Tensor<T>,
    copied: Option<Padded>,
}

/// The stream of a tensor on CUDA.
fn stream_of<T: Float>(x: &Tensor<T>) -> Option<&Arc<CudaStream>> {
    match x.data() {
        Data::Cuda(x) => Some(x.stream()),
        Data::Cpu(_) => None,
    }
}

/// [`Tensor::conv2d`] of an input in `T`, or in f32 and rounded to it; and what the gradients need of that, the input or a copy.
pub(crate) fn keeping<S: Float, T: Float>(
    x: &Tensor<S>,
    weight: &Tensor<T>,
    bias: Option<&Tensor<T>>,
    options: &Conv2dOptions,
) -> Result<(Tensor<T>, Tensor<T>, Kept)> {
    let conv = Conv::new(OP, x.shape(), weight.shape(), options)?;
    let kept = |copied| Kept { conv, copied };
    let stream = stream_of(x).filter(|_| !conv.counts().contains(&0));
    let by_copy = match stream {
        Some(stream) => copied::<T>(stream, &conv)?.map(|tile| (stream, tile)),
        None => None,
    };
    let Some((stream, tile)) = by_copy else {
        let x = x.cast::<T>()?;
        return Ok((x.conv2d(weight, bias, options)?, x, kept(false)));
    };
    same_device(OP, &[x.device(), weight.device()])?;
    if let Some(bias) = bias {
        same_device(OP, &[x.device(), bias.device()])?;
        expect_shape(OP, &[weight.shape()[0]], bias.shape())?;
    }
    let to = Padded::input::<T>(&conv);
    let mut copy = Tensor::empty(&[to.len::<T>()], x.device())?;
    padded_out(stream, x.data().cuda(OP)?, copy.data_mut()?.cuda(OP)?, &to)?;
    let mut y = Tensor::empty(&conv.output_shape(), x.device())?;
    let operands = (copy.data().cuda(OP)?, weight.data().cuda(OP)?);
    let bias = bias.map(|bias| bias.data().cuda(OP)).transpose()?;
    mma::forward_of(stream, tile, operands, bias, y.data_mut()?.cuda(OP)?, &conv)?;
    Ok((y, copy, kept(true)))
}

/// The tile of a forward by copies, where the gradient of the weights reads the same.
fn copied<T: Float>(stream: &Arc<CudaStream>, conv: &Conv) -> Result<Option<Tile>> {
    let tile = Tile::choose::<T>(stream, conv, "")?;
    let both = tile.is_mma() && Tile::choose::<T>(stream, conv, BACKWARD_WEIGHT)?.is_mma();
    Ok(both.then_some(tile))
}

impl Kept {
    /// The gradient of what is before an activation, from that of its output `y`, if there is one; in `sums` the bias's. `to_input` says whether
    /// [`Kept::backward_input`] will read it.
    pub(crate) fn gradient<T: Float>(
        &self,
        grad: &Tensor<T>,
        (y, activation): (Option<&Tensor<T>>, Activation),
        sums: Option<&mut Tensor<T>>,
        to_input: bool,
    ) -> Result<Gradient<T>> {
        expect_shape(OP, &self.conv.output_shape(), grad.shape())?;
        let Some((stream, to)) = self.to::<T>(stream_of(grad), to_input)? else {
            return Ok(Gradient {
                tensor: before(grad, (y, activation), sums)?,
                copied: None,
            });
        };
        let mut copy = Tensor::empty(&[to.len::<T>()], grad.device())?;
        match sums {
            Some(sums) => {
                let channels = [self.conv.weight_shape()[0]];
                expect_shape(OP, &channels, sums.shape())?;
                same_device(OP, &[grad.device(), sums.device()])?;
                if let Some(y) = y {
                    expect_shape(OP, grad.shape(), y.shape())?;
                    same_device(OP, &[grad.device(), y.device()])?;
                }
                let y = y.map(|y| y.data().cuda(OP)).transpose()?;
                let (dx, db) = (copy.data_mut()?.cuda(OP)?, sums.data_mut()?.cuda(OP)?);
                let dy = grad.data().cuda(OP)?;
                launches::backward_bias_last(stream, (dy, y), activation, dx, db, &to)?;
            }
            None => {
                let dy = before(grad, (y, activation), None)?;
                padded_out(stream, dy.data().cuda(OP)?, copy.data_mut()?.cuda(OP)?, &to)?;
            }
        }
        Ok(Gradient {
            tensor: copy,
            copied: Some(to),
        })
    }

    /// What copy of a gradient both of its readers can do with, if there is one: in f32 they cannot.
    fn to<'a, T: Float>(
        &self,
        stream: Option<&'a Arc<CudaStream>>,
        to_input: bool,
    ) -> Result<Option<(&'a Arc<CudaStream>, Padded)>> {
        let Some(stream) = stream.filter(|_| self.copied && T::NAME != "f32") else {
            return Ok(None);
        };
        if !to_input {
            return Ok(Some((stream, Padded::plain_gradient(&self.conv))));
        }
        let to = Padded::gradient(&self.conv);
        let both = to.is_whole() && Tile::choose::<T>(stream, &self.conv, BACKWARD_INPUT)?.is_mma();
        Ok(both.then_some((stream, to)))
    }

    /// [`conv2d_backward_weight_out`](super::conv2d_backward_weight_out) in f32, on CUDA without a rounding to `T`; `input` is what
    /// [`keeping`] answered.
    pub(crate) fn backward_weight<T: Float>(
        &self,
        grad: &Gradient<T>,
        input: &Tensor<T>,
        out: &mut Tensor<f32>,
    ) -> Result<()> {
        let conv = &self.conv;
        let Some(stream) = stream_of(input).filter(|_| self.copied) else {
            return backward_weight(&grad.tensor, input, conv, out);
        };
        expect_shape(OP, &conv.weight_shape(), out.shape())?;
        same_device(OP, &[input.device(), grad.tensor.device(), out.device()])?;
        let tile = Tile::choose::<T>(stream, conv, BACKWARD_WEIGHT)?;
        let (x, dy) = (input.data().cuda(OP)?, grad.tensor.data().cuda(OP)?);
        let dw = out.data_mut()?.cuda(OP)?;
        match grad.copied {
            Some(of) => mma::backward_weight_of(stream, tile, (dy, Lies::Last(of)), x, dw, conv),
            None => {
                let (dy, lies) = gradient(stream, dy, conv)?;
                mma::backward_weight_of(stream, tile, (&dy, lies), x, dw, conv)
            }
        }
    }

    /// [`conv2d_backward_input`](super::conv2d_backward_input).
    pub(crate) fn backward_input<T: Float>(
        &self,
        grad: &Gradient<T>,
        weight: &Tensor<T>,
    ) -> Result<Tensor<T>> {
        let conv = &self.conv;
        let mut out = Tensor::empty(&conv.input_shape(), weight.device())?;
        let Some(stream) = stream_of(weight).filter(|_| grad.copied.is_some()) else {
            backward_input(&grad.tensor, weight, conv, &mut out)?;
            return Ok(out);
        };
        expect_shape(OP, &conv.weight_shape(), weight.shape())?;
        same_device(OP, &[weight.device(), grad.tensor.device()])?;
        let tile = Tile::choose::<T>(stream, conv, BACKWARD_INPUT)?;
        let operands = (grad.tensor.data().cuda(OP)?, weight.data().cuda(OP)?);
        mma::backward_input_of(stream, tile, operands, out.data_mut()?.cuda(OP)?, conv)?;
        Ok(out)
    }
}

/// The gradient of what is before an activation as it is, and in `sums` the bias's.
fn before<T: Float>(
    grad: &Tensor<T>,
    (y, activation): (Option<&Tensor<T>>, Activation),
    sums: Option<&mut Tensor<T>>,
) -> Result<Tensor<T>> {
    match (y, sums) {
        (None, None) => Ok(grad.clone()),
        (None, Some(sums)) => {
            conv2d_backward_bias_out(grad, sums)?;
            Ok(grad.clone())
        }
        (Some(y), None) => activation_backward(grad, y, activation),
        (Some(y), Some(sums)) => {
            let mut before = Tensor::empty(grad.shape(), grad.device())?;
            conv2d_backward_bias_activated_out(grad, y, activation, &mut before, sums)?;
            Ok(before)
        }
    }
}
