//! Batch normalisation.

use super::precision::AnyTensor;
use super::{Layer, Parameter, kept, kept_as};
use crate::device::Device;
use crate::element::Float;
use crate::error::{Error, Result};
use crate::ops::{self, BatchNormStats, RunningStats};
use crate::tensor::Tensor;

/// `y = (x - mean) / sqrt(var + eps) * weight + bias` by channel of x (N, C, H, W) (`torch.nn.BatchNorm2d`).
///
/// In training mean and variance are the batch's, and move the running ones; in evaluation they are those. Parameters and
/// statistics are f32 and computed with in f32, whatever the precision.
#[derive(Debug)]
pub struct BatchNorm2d {
    /// Weight and bias.
    affine: Option<[Parameter; 2]>,
    running_mean: Tensor<f32>,
    running_var: Tensor<f32>,
    num_batches_tracked: Tensor<f32>,
    eps: f64,
    momentum: f64,
    training: bool,
    input: Option<AnyTensor>,
    /// Mean and variance of the last forward, where they were its batch's.
    batch: Option<Option<[Tensor<f32>; 2]>>,
}

impl BatchNorm2d {
    /// A layer for so many channels as PyTorch starts it: weight 1, bias 0, running mean 0, running variance 1, an eps of 1e-5
    /// and a momentum of 0.1.
    ///
    /// # Errors
    /// No channels, or out of memory.
    pub fn new(num_features: usize, device: &Device) -> Result<Self> {
        if num_features == 0 {
            return Err(Error::argument("BatchNorm2d", "at least one channel", 0));
        }
        let full = |value| Tensor::full(&[num_features], value, device);
        Ok(Self {
            affine: Some([Parameter::new(full(1.0)?)?, Parameter::new(full(0.0)?)?]),
            running_mean: full(0.0)?,
            running_var: full(1.0)?,
            num_batches_tracked: Tensor::zeros(&[], device)?,
            eps: 1e-5,
            momentum: 0.1,
            training: true,
            input: None,
            batch: None,
        })
    }

    /// The same with this number added to variances.
    #[must_use]
    pub fn eps(self, eps: f64) -> Self {
        Self { eps, ..self }
    }

    /// The same where a batch's part of the new running statistics is this, from 0 to 1.
    #[must_use]
    pub fn momentum(self, momentum: f64) -> Self {
        Self { momentum, ..self }
    }

    /// The same without weight and bias.
    #[must_use]
    pub fn without_affine(self) -> Self {
        Self {
            affine: None,
            ..self
        }
    }

    /// Writes the gradients of the parameters, and works out that of the input where it is wanted.
    fn gradients<T: Float>(&mut self, grad: &Tensor<T>, wanted: bool) -> Result<Option<Tensor<T>>> {
        let input = kept_as("BatchNorm2d", &self.input)?;
        let batch = kept("BatchNorm2d", &self.batch)?.as_ref();
        let running = [&self.running_mean, &self.running_var];
        let [mean, var] = batch.map_or(running, |[mean, var]| [mean, var]);
        let eps = self.eps;
        let stats = BatchNormStats { mean, var, eps };
        let weight = self.affine.as_ref().map(|[weight, _]| weight.value.clone());
        let mut dx = None;
        let mut write = |dw: &mut Tensor<f32>, db: &mut Tensor<f32>| {
            ops::batch_norm2d_backward_parameters_out(grad, input, &stats, dw, db)?;
            if wanted {
                let gradients = batch.map(|_| [&*dw, &*db]);
                let weight = weight.as_ref();
                dx = Some(ops::batch_norm2d_backward_input(
                    grad, input, &stats, weight, gradients,
                )?);
            }
            Ok(())
        };
        match &mut self.affine {
            Some([weight, bias]) => weight.write_grad(|dw| bias.write_grad(|db| write(dw, db)))?,
            None if wanted => {
                let empty = || Tensor::empty(mean.shape(), grad.device());
                write(&mut empty()?, &mut empty()?)?;
            }
            None => {}
        }
        Ok(dx)
    }
}

impl Layer for BatchNorm2d {
    fn forward<T: Float>(&mut self, input: &Tensor<T>) -> Result<Tensor<T>> {
        let batch = match self.training {
            true => {
                let shape = self.running_mean.shape();
                let mut mean = Tensor::empty(shape, input.device())?;
                let mut var = Tensor::empty(shape, input.device())?;
                let running = RunningStats {
                    mean: &mut self.running_mean,
                    var: &mut self.running_var,
                    num_batches_tracked: &mut self.num_batches_tracked,
                    momentum: self.momentum,
                };
                ops::batch_norm2d_stats_out(input, Some(running), &mut mean, &mut var)?;
                Some([mean, var])
            }
            false => None,
        };
        let running = [&self.running_mean, &self.running_var];
        let [mean, var] = batch.as_ref().map_or(running, |[mean, var]| [mean, var]);
        let eps = self.eps;
        let stats = BatchNormStats { mean, var, eps };
        let affine = self.affine.as_ref();
        let affine = affine.map(|[weight, bias]| [&weight.value, &bias.value]);
        let output = input.batch_norm2d(&stats, affine)?;
        self.input = Some(AnyTensor::of(input)?);
        self.batch = Some(batch);
        Ok(output)
    }

    fn backward<T: Float>(&mut self, grad: &Tensor<T>) -> Result<Tensor<T>> {
        let dx = self.gradients(grad, true)?;
        dx.ok_or_else(|| Error::argument("BatchNorm2d", "a gradient of the input", "none"))
    }

    fn backward_parameters<T: Float>(&mut self, grad: &Tensor<T>) -> Result<()> {
        self.gradients(grad, false).map(drop)
    }

    fn named_parameters(&mut self) -> Vec<(String, &mut Parameter)> {
        let affine = self
            .affine
            .as_mut()
            .map(|[weight, bias]| vec![("weight".to_string(), weight), ("bias".to_string(), bias)]);
        affine.unwrap_or_default()
    }

    fn named_buffers(&mut self) -> Vec<(String, &mut Tensor<f32>)> {
        vec![
            ("running_mean".into(), &mut self.running_mean),
            ("running_var".into(), &mut self.running_var),
            ("num_batches_tracked".into(), &mut self.num_batches_tracked),
        ]
    }

    fn train(&mut self, training: bool) {
        self.training = training;
    }
}
