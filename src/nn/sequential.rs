//! Layers one after the other.

use std::fmt;

use super::precision::{AnyTensor, Precision, by_any_type};
use super::{Count, Module, Parameter};
use crate::cpu;
use crate::device::Device;
use crate::error::Result;
use crate::ops::Activation;
use crate::tensor::Tensor;

/// Layers run in order, and backward in reverse order (`torch.nn.Sequential`).
///
/// Where an activation follows a [`Linear`](super::Linear) or a [`Conv2d`](super::Conv2d), the two run as one: the activation
/// is applied where the layer's sums leave, and backward where its bias's gradient is summed, which saves a pass over memory
/// each ([`Sequential::fuse`]). `Debug` shows it.
pub struct Sequential {
    layers: Vec<(String, Box<dyn Module>)>,
    /// Of each layer, whether the one before it has taken it over.
    fused: Vec<bool>,
    fuse: bool,
    precision: Precision,
}

impl Default for Sequential {
    fn default() -> Self {
        Self {
            layers: Vec::new(),
            fused: Vec::new(),
            fuse: true,
            precision: Precision::default(),
        }
    }
}

impl Sequential {
    /// No layers yet: the identity.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with one more layer at the end. Its name is its place, from 0, as in PyTorch.
    #[must_use]
    pub fn push(self, layer: impl Module + 'static) -> Self {
        let place = self.layers.len().to_string();
        self.push_named(&place, layer)
    }

    /// [`Sequential::push`] with a name of the caller's, as the layers of a PyTorch class have: `push_named("conv1", ..)`
    /// makes the key `conv1.weight`. Names differ, or saving is an error.
    #[must_use]
    pub fn push_named(mut self, name: &str, mut layer: impl Module + 'static) -> Self {
        if self.precision != Precision::default() {
            layer.set_precision(self.precision);
        }
        self.layers.push((name.into(), Box::new(layer)));
        self.fused.push(false);
        self.join(self.layers.len() - 1);
        self
    }

    /// Whether layers run as one where they can; they do until told otherwise. Names and keys are the same either way. So are
    /// the values in f32, on every device; in halves, apart the output is rounded once more, before the activation, which
    /// changes what a sigmoid or a tanh makes of it, and nothing about a ReLU.
    ///
    /// ```
    /// use warpsmith::nn::{Linear, ReLU, Sequential};
    /// use warpsmith::{Device, Generator};
    ///
    /// let (device, mut generator) = (Device::best(), Generator::manual_seed(1));
    /// let model = Sequential::new()
    ///     .push(Linear::new(2, 100, &mut generator, &device)?)
    ///     .push(ReLU::new());
    /// assert_eq!(format!("{model:?}"), "Sequential(\n  (0): Linear + (1): ReLU\n)");
    /// let model = model.fuse(false);
    /// assert_eq!(format!("{model:?}"), "Sequential(\n  (0): Linear\n  (1): ReLU\n)");
    /// # Ok::<(), warpsmith::Error>(())
    /// ```
    #[must_use]
    pub fn fuse(mut self, fuse: bool) -> Self {
        self.fuse = fuse;
        for at in 0..self.layers.len() {
            self.join(at);
        }
        self
    }

    /// Has the layer before `at` take over that one, or give it back.
    fn join(&mut self, at: usize) {
        let Some([.., (_, before), (_, layer)]) = self.layers.get_mut(..=at) else {
            return;
        };
        let activation = layer.activation();
        if self.fuse && !self.fused[at] && activation != Activation::None {
            self.fused[at] = before.fuse_activation(activation);
        } else if !self.fuse && self.fused[at] {
            before.fuse_activation(Activation::None);
            self.fused[at] = false;
        }
    }

    /// The same computed in this precision, by the layers there are and those to come. Input and output stay f32, and so
    /// do the parameters, whose copies in the type of [`Precision::Bf16`] and [`Precision::F16`] a forward makes where they
    /// have changed; a loss takes the output. PyTorch's `torch.autocast`, but that it says so once, where the model is
    /// built.
    ///
    /// ```
    /// use warpsmith::nn::{Linear, Module, Precision, ReLU, Sequential};
    /// use warpsmith::{Device, Generator, Tensor};
    ///
    /// let (device, mut generator) = (Device::best(), Generator::manual_seed(1));
    /// let mut model = Sequential::new()
    ///     .push(Linear::new(64, 128, &mut generator, &device)?)
    ///     .push(ReLU::new())
    ///     .push(Linear::new(128, 10, &mut generator, &device)?)
    ///     .precision(Precision::Bf16);
    /// let logits: Tensor<f32> = model.forward(&Tensor::zeros(&[16, 64], &device)?)?;
    /// # Ok::<(), warpsmith::Error>(())
    /// ```
    #[must_use]
    pub fn precision(mut self, precision: Precision) -> Self {
        self.set_precision(precision);
        self
    }
}

impl Module for Sequential {
    by_any_type!();

    fn forward_any(&mut self, input: &AnyTensor) -> Result<AnyTensor> {
        let layers = self.layers.iter_mut().zip(&self.fused);
        let mut layers = layers.filter(|(_, fused)| !**fused);
        together(input.device(), || {
            let first = match layers.next() {
                Some(((_, layer), _)) => layer.forward_in(input, self.precision)?,
                None => input.to(self.precision)?,
            };
            let output = layers.try_fold(first, |x, ((_, layer), _)| layer.forward_any(&x))?;
            output.like(input)
        })
    }

    fn backward_any(&mut self, grad: &AnyTensor) -> Result<AnyTensor> {
        backward(&mut self.layers, &self.fused, &grad.to(self.precision)?)?.like(grad)
    }

    fn backward_parameters_any(&mut self, grad: &AnyTensor) -> Result<()> {
        // layers before the first that has parameters have nothing to learn
        let learns = |(_, layer): &mut (String, Box<dyn Module>)| !layer.parameters().is_empty();
        let first = self.layers.iter_mut().position(learns);
        let first = first.unwrap_or(self.layers.len());
        match self.layers[first..].split_first_mut() {
            Some(((_, layer), rest)) => {
                let fused = &self.fused[first + 1..];
                let grad = backward(rest, fused, &grad.to(self.precision)?)?;
                layer.backward_parameters_any(&grad)
            }
            None => Ok(()),
        }
    }

    fn named_parameters(&mut self) -> Vec<(String, &mut Parameter)> {
        let layers = self.layers.iter_mut();
        layers
            .flat_map(|(name, layer)| under(name, layer.named_parameters()))
            .collect()
    }

    fn named_buffers(&mut self) -> Vec<(String, &mut Tensor<f32>)> {
        let layers = self.layers.iter_mut();
        layers
            .flat_map(|(name, layer)| under(name, layer.named_buffers()))
            .collect()
    }

    fn named_counts(&mut self) -> Vec<(String, Count<'_>)> {
        let layers = self.layers.iter_mut();
        layers
            .flat_map(|(name, layer)| under(name, layer.named_counts()))
            .collect()
    }

    fn train(&mut self, training: bool) {
        for (_, layer) in &mut self.layers {
            layer.train(training);
        }
    }

    fn set_precision(&mut self, precision: Precision) {
        self.precision = precision;
        for (_, layer) in &mut self.layers {
            layer.set_precision(precision);
        }
    }

    fn describe(&self) -> String {
        format!("{self:?}")
    }
}

/// What a layer of this name has, by the keys of the network that it is part of.
pub(super) fn under<V>(name: &str, own: Vec<(String, V)>) -> impl Iterator<Item = (String, V)> {
    own.into_iter()
        .map(move |(key, value)| (format!("{name}.{key}"), value))
}

/// The layers by name, one a line, and behind a layer what runs with it, as `(conv1): Conv2d + (relu1): ReLU`.
impl fmt::Debug for Sequential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sequential(")?;
        if self.precision != Precision::default() {
            write!(f, "\n  precision: {}", self.precision)?;
        }
        for ((name, layer), fused) in self.layers.iter().zip(&self.fused) {
            let before = if *fused { " + " } else { "\n  " };
            let layer = layer.describe().replace('\n', "\n  ");
            write!(f, "{before}({name}): {layer}")?;
        }
        f.write_str("\n)")
    }
}

fn backward(
    layers: &mut [(String, Box<dyn Module>)],
    fused: &[bool],
    grad: &AnyTensor,
) -> Result<AnyTensor> {
    let layers = layers.iter_mut().zip(fused).rev();
    let mut layers = layers.filter(|(_, fused)| !**fused);
    together(grad.device(), || {
        layers.try_fold(grad.clone(), |grad, ((_, layer), _)| {
            layer.backward_any(&grad)
        })
    })
}

/// The work of all layers, on the CPU without handing each of them over to its threads.
fn together<R: Send>(device: &Device, work: impl FnOnce() -> R + Send) -> R {
    match device {
        Device::Cpu => cpu::in_pool(work),
        Device::Cuda(_) => work(),
    }
}
