//! Layers with a way around them.

use super::precision::{AnyTensor, Precision, by_any_type};
use super::sequential::under;
use super::{Count, Module, Parameter};
use crate::error::Result;
use crate::tensor::Tensor;

/// `y = body(x) + shortcut(x)`, the shortcut the identity unless there is another (He, Zhang, Ren, Sun 2015).
///
/// Backward both get the gradient of y, and what they make of it is added up: the identity hands it on as it is. The body's
/// parameters keep their keys, since a block of PyTorch's has its layers beside each other; the shortcut's stand under its name.
///
/// ```
/// use warpsmith::nn::{Linear, Module, ReLU, Residual, Sequential};
/// use warpsmith::{Device, Generator, Tensor};
///
/// let (device, mut generator) = (Device::best(), Generator::manual_seed(1));
/// let body = Sequential::new()
///     .push_named("fc1", Linear::new(4, 4, &mut generator, &device)?)
///     .push_named("relu", ReLU::new());
/// let mut block = Residual::new(body);
/// let y = block.forward(&Tensor::zeros(&[2, 4], &device)?)?;
/// assert_eq!(block.named_parameters()[0].0, "fc1.weight");
/// # Ok::<(), warpsmith::Error>(())
/// ```
pub struct Residual {
    body: Box<dyn Module>,
    shortcut: Option<(String, Box<dyn Module>)>,
}

impl Residual {
    /// The body with the identity beside it.
    pub fn new(body: impl Module + 'static) -> Self {
        Self {
            body: Box::new(body),
            shortcut: None,
        }
    }

    /// The same with another shortcut, where the body changes the shape: a convolution of 1 x 1 that PyTorch's blocks call
    /// `downsample`.
    #[must_use]
    pub fn shortcut(self, name: &str, shortcut: impl Module + 'static) -> Self {
        Self {
            shortcut: Some((name.into(), Box::new(shortcut))),
            ..self
        }
    }
}

impl Module for Residual {
    by_any_type!();

    fn forward_any(&mut self, input: &AnyTensor) -> Result<AnyTensor> {
        let through = self.body.forward_any(input)?;
        match &mut self.shortcut {
            Some((_, shortcut)) => through.plus("Residual", &shortcut.forward_any(input)?),
            None => through.plus("Residual", input),
        }
    }

    fn backward_any(&mut self, grad: &AnyTensor) -> Result<AnyTensor> {
        let through = self.body.backward_any(grad)?;
        match &mut self.shortcut {
            Some((_, shortcut)) => through.plus("Residual", &shortcut.backward_any(grad)?),
            None => through.plus("Residual", grad),
        }
    }

    fn backward_parameters_any(&mut self, grad: &AnyTensor) -> Result<()> {
        self.body.backward_parameters_any(grad)?;
        match &mut self.shortcut {
            Some((_, shortcut)) => shortcut.backward_parameters_any(grad),
            None => Ok(()),
        }
    }

    fn named_parameters(&mut self) -> Vec<(String, &mut Parameter)> {
        let mut named = self.body.named_parameters();
        if let Some((name, shortcut)) = &mut self.shortcut {
            named.extend(under(name, shortcut.named_parameters()));
        }
        named
    }

    fn named_buffers(&mut self) -> Vec<(String, &mut Tensor<f32>)> {
        let mut named = self.body.named_buffers();
        if let Some((name, shortcut)) = &mut self.shortcut {
            named.extend(under(name, shortcut.named_buffers()));
        }
        named
    }

    fn named_counts(&mut self) -> Vec<(String, Count<'_>)> {
        let mut named = self.body.named_counts();
        if let Some((name, shortcut)) = &mut self.shortcut {
            named.extend(under(name, shortcut.named_counts()));
        }
        named
    }

    fn train(&mut self, training: bool) {
        self.body.train(training);
        if let Some((_, shortcut)) = &mut self.shortcut {
            shortcut.train(training);
        }
    }

    fn set_precision(&mut self, precision: Precision) {
        self.body.set_precision(precision);
        if let Some((_, shortcut)) = &mut self.shortcut {
            shortcut.set_precision(precision);
        }
    }
}
