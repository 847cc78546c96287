//! Batch normalisation: `y = (x - mean) / sqrt(var + eps) * weight + bias`, all of them by channel. Shape (N, C, H, W).
//!
//! | | spelling |
//! |---|---|
//! | PyTorch | `F.batch_norm(x, running_mean, running_var, weight, bias, training, momentum, eps)` |
//! | ONNX | `BatchNormalization(X, scale, B, input_mean, input_var, epsilon, momentum)`, whose momentum is 1 less PyTorch's; its running variance is biased |
//!
//! In training mean and variance are the batch's own, over N, H and W, the variance divided by their number n
//! ([`batch_norm2d_stats`]); the running variance is divided by n - 1, as PyTorch has it. In evaluation they are the running ones.
//! Statistics and parameters are f32 whatever the type of x. They are summed as distances from a mean, never as squares, so
//! that a mean far from 0 takes no digits of the variance.
//!
//! Backward, with `xhat = (x - mean) / sqrt(var + eps)`: `dbias = sum dy`, `dweight = sum dy xhat`, and
//! `dx = weight / sqrt(var + eps) * (dy - (dbias + xhat dweight) / n)`; where mean and variance are constants, as in
//! evaluation, without the second part.

mod backward;
pub(crate) mod cpu;
pub mod cuda;

pub use backward::{
    batch_norm2d_backward_input, batch_norm2d_backward_input_out, batch_norm2d_backward_parameters,
    batch_norm2d_backward_parameters_out,
};

use crate::checks::{at_least_0, expect_shape, same_device};
use crate::device::Device;
use crate::element::Float;
use crate::error::{Error, Result, numel, to_i32};
use crate::ops::window::split;
use crate::tensor::Tensor;

const OP: &str = "batch_norm2d";

/// Mean and variance of each channel (C), and what is added to the variance before its root is divided by. `C` is a tensor, or
/// for the bindings a buffer.
#[derive(Debug)]
pub struct BatchNormStats<'a, C = Tensor<f32>> {
    /// The means.
    pub mean: &'a C,
    /// The variances.
    pub var: &'a C,
    /// At least 0.
    pub eps: f64,
}

/// What a batch in training moves: `running += momentum * (new - running)`, and the count by 1.
#[derive(Debug)]
pub struct RunningStats<'a> {
    /// The running mean (C).
    pub mean: &'a mut Tensor<f32>,
    /// The running variance (C).
    pub var: &'a mut Tensor<f32>,
    /// Batches seen, a single number. An f32 counts to 2^24 and stays there.
    pub num_batches_tracked: &'a mut Tensor<f32>,
    /// From 0 to 1.
    pub momentum: f64,
}

/// The sides of a tensor (images, channels, positions), all of whose elements an i32 counts.
pub(crate) struct Channels {
    pub(crate) images: usize,
    pub(crate) channels: usize,
    pub(crate) plane: usize,
}

impl Channels {
    fn new(op: &'static str, [images, channels, plane]: [usize; 3]) -> Result<Self> {
        let n = numel(op, &[images, channels, plane])?;
        to_i32(op, "elements of a tensor", n)?;
        // of an empty tensor one side may be longer
        to_i32(op, "channels", channels)?;
        Ok(Self {
            images,
            channels,
            plane,
        })
    }

    fn of(op: &'static str, shape: &[usize]) -> Result<(Self, [usize; 3])> {
        let [images, channels, h, w] = split(op, shape)?;
        numel(op, shape)?;
        let sides = [images, channels, h * w];
        Ok((Self::new(op, sides)?, sides))
    }

    fn numel(&self) -> usize {
        self.images * self.channels * self.plane
    }

    /// Errors unless a channel has a variance, as PyTorch does.
    fn enough(&self, op: &'static str) -> Result<()> {
        match self.images * self.plane {
            2.. => Ok(()),
            n => {
                let expected = "more than 1 value per channel in training";
                Err(Error::argument(op, expected, n))
            }
        }
    }
}

impl BatchNormStats<'_> {
    fn check(&self, op: &'static str, channels: usize) -> Result<()> {
        at_least_0(op, [("eps", self.eps)])?;
        [self.mean, self.var]
            .iter()
            .try_for_each(|side| expect_shape(op, &[channels], side.shape()))
    }

    fn on_cpu(&self, op: &'static str) -> Result<cpu::Stats<'_>> {
        Ok(cpu::Stats {
            mean: self.mean.data().cpu(op)?,
            var: self.var.data().cpu(op)?,
            eps: self.eps,
        })
    }
}

/// What `side` makes of two tensors, where there are any.
fn both<'a, S>(
    pair: Option<[&'a Tensor<f32>; 2]>,
    side: impl Fn(&'a Tensor<f32>) -> Result<S>,
) -> Result<Option<[S; 2]>> {
    let Some([a, b]) = pair else {
        return Ok(None);
    };
    Ok(Some([side(a)?, side(b)?]))
}

/// The statistics as buffers.
macro_rules! on_cuda {
    ($op:expr, $stats:expr) => {
        BatchNormStats {
            mean: $stats.mean.data().cuda($op)?,
            var: $stats.var.data().cuda($op)?,
            eps: $stats.eps,
        }
    };
}
use on_cuda;

/// The mean of each channel of a tensor (N, C, H, W), and its variance divided by the number of values (PyTorch's
/// `torch.var_mean(x, (0, 2, 3), correction=0)`): two tensors (C).
///
/// # Errors
/// Another rank, fewer than 2 values in a channel, or 2^31 elements or more.
pub fn batch_norm2d_stats<T: Float>(input: &Tensor<T>) -> Result<(Tensor<f32>, Tensor<f32>)> {
    let (shape, _) = Channels::of(OP, input.shape())?;
    let mut mean = Tensor::empty(&[shape.channels], input.device())?;
    let mut var = Tensor::empty(&[shape.channels], input.device())?;
    batch_norm2d_stats_out(input, None, &mut mean, &mut var)?;
    Ok((mean, var))
}

/// [`batch_norm2d_stats`] into tensors (C); moves running statistics, where there are any, in the same launches.
///
/// # Errors
/// Those of [`batch_norm2d_stats`], other shapes or devices, or a momentum outside 0..=1.
pub fn batch_norm2d_stats_out<T: Float>(
    input: &Tensor<T>,
    running: Option<RunningStats<'_>>,
    mean: &mut Tensor<f32>,
    var: &mut Tensor<f32>,
) -> Result<()> {
    let (shape, sides) = Channels::of(OP, input.shape())?;
    shape.enough(OP)?;
    expect_shape(OP, &[shape.channels], mean.shape())?;
    expect_shape(OP, &[shape.channels], var.shape())?;
    same_device(OP, &[input.device(), mean.device(), var.device()])?;
    if let Some(running) = &running {
        running.check(input.device(), shape.channels)?;
    }
    if shape.channels == 0 {
        return Ok(());
    }
    let Device::Cuda(device) = input.device() else {
        let x = input.data().cpu(OP)?;
        let (mean, var) = (mean.data_mut()?.cpu(OP)?, var.data_mut()?.cpu(OP)?);
        cpu::stats(x, mean, var, &shape);
        if let Some(running) = running {
            let of_mean = running.mean.data_update()?.cpu(OP)?;
            let of_var = running.var.data_update()?.cpu(OP)?;
            let batches = running.num_batches_tracked.data_update()?.cpu(OP)?;
            let n = shape.images * shape.plane;
            let stats = [&*mean, &*var];
            cpu::run(stats, [of_mean, of_var], batches, running.momentum, n);
        }
        return Ok(());
    };
    let running = match running {
        Some(running) => Some(cuda::Running {
            mean: running.mean.data_update()?.cuda(OP)?,
            var: running.var.data_update()?.cuda(OP)?,
            num_batches_tracked: running.num_batches_tracked.data_update()?.cuda(OP)?,
            momentum: running.momentum,
        }),
        None => None,
    };
    let (stream, x) = (device.stream(), input.data().cuda(OP)?);
    let (mean, var) = (mean.data_mut()?.cuda(OP)?, var.data_mut()?.cuda(OP)?);
    cuda::batch_norm2d_stats(stream, x, mean, var, running, sides)
}

impl RunningStats<'_> {
    fn check(&self, device: &Device, channels: usize) -> Result<()> {
        if !(0.0..=1.0).contains(&self.momentum) {
            let expected = "a momentum from 0 to 1";
            return Err(Error::argument(OP, expected, self.momentum));
        }
        expect_shape(OP, &[channels], self.mean.shape())?;
        expect_shape(OP, &[channels], self.var.shape())?;
        expect_shape(OP, &[], self.num_batches_tracked.shape())?;
        let (mean, var) = (self.mean.device(), self.var.device());
        same_device(OP, &[device, mean, var, self.num_batches_tracked.device()])
    }
}

impl<T: Float> Tensor<T> {
    /// `(x - mean) / sqrt(var + eps) * weight + bias` by channel, for a tensor (N, C, H, W); `affine` is weight and bias,
    /// without it 1 and 0.
    ///
    /// ```
    /// use warpsmith::ops::{BatchNormStats, batch_norm2d_stats};
    /// use warpsmith::{Device, Tensor};
    ///
    /// let x = Tensor::from_slice(&[1.0_f32, 3.0, -1.0, -1.0], &[1, 2, 1, 2], &Device::best())?;
    /// let (mean, var) = batch_norm2d_stats(&x)?;
    /// let stats = BatchNormStats { mean: &mean, var: &var, eps: 0.0625 };
    /// assert_eq!(mean.to_vec()?, [2.0, -1.0]);
    /// assert_eq!(x.batch_norm2d(&stats, None)?.to_vec()?[2..], [0.0, 0.0]);
    /// # Ok::<(), warpsmith::Error>(())
    /// ```
    ///
    /// # Errors
    /// Another rank, shapes other than (C), an eps below 0, another device, or 2^31 elements or more.
    pub fn batch_norm2d(
        &self,
        stats: &BatchNormStats<'_>,
        affine: Option<[&Tensor<f32>; 2]>,
    ) -> Result<Self> {
        let mut out = Self::empty(self.shape(), self.device())?;
        self.batch_norm2d_out(stats, affine, &mut out)?;
        Ok(out)
    }

    /// [`Tensor::batch_norm2d`] into `out`, of the same shape and device.
    ///
    /// # Errors
    /// Those of [`Tensor::batch_norm2d`], and another shape or device.
    pub fn batch_norm2d_out(
        &self,
        stats: &BatchNormStats<'_>,
        affine: Option<[&Tensor<f32>; 2]>,
        out: &mut Self,
    ) -> Result<()> {
        let (shape, sides) = Channels::of(OP, self.shape())?;
        stats.check(OP, shape.channels)?;
        expect_shape(OP, self.shape(), out.shape())?;
        let mut devices = vec![self.device(), stats.mean.device(), stats.var.device()];
        for side in affine.iter().flatten() {
            expect_shape(OP, &[shape.channels], side.shape())?;
            devices.push(side.device());
        }
        devices.push(out.device());
        same_device(OP, &devices)?;
        if out.numel() == 0 {
            return Ok(());
        }
        let Device::Cuda(device) = self.device() else {
            let affine = both(affine, |side| side.data().cpu(OP))?;
            let (x, y) = (self.data().cpu(OP)?, out.data_mut()?.cpu(OP)?);
            cpu::batch_norm2d(x, &stats.on_cpu(OP)?, affine, y, &shape);
            return Ok(());
        };
        let affine = both(affine, |side| side.data().cuda(OP))?;
        let (x, y) = (self.data().cuda(OP)?, out.data_mut()?.cuda(OP)?);
        let stats = on_cuda!(OP, stats);
        cuda::batch_norm2d(device.stream(), x, &stats, affine, y, sides)
    }
}
