//! Layers one after the other.

use super::{Module, Parameter};
use crate::cpu;
use crate::device::Device;
use crate::error::Result;
use crate::tensor::Tensor;

/// Layers run in order, and backward in reverse order (`torch.nn.Sequential`).
#[derive(Default)]
pub struct Sequential {
    layers: Vec<(String, Box<dyn Module>)>,
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
    pub fn push_named(mut self, name: &str, layer: impl Module + 'static) -> Self {
        self.layers.push((name.into(), Box::new(layer)));
        self
    }
}

impl Module for Sequential {
    fn forward(&mut self, input: &Tensor<f32>) -> Result<Tensor<f32>> {
        let mut layers = self.layers.iter_mut();
        together(input.device(), || {
            layers.try_fold(input.clone(), |x, (_, layer)| layer.forward(&x))
        })
    }

    fn backward(&mut self, grad: &Tensor<f32>) -> Result<Tensor<f32>> {
        backward(&mut self.layers, grad)
    }

    fn backward_parameters(&mut self, grad: &Tensor<f32>) -> Result<()> {
        // layers before the first that has parameters have nothing to learn
        let learns = |(_, layer): &mut (String, Box<dyn Module>)| !layer.parameters().is_empty();
        let first = self.layers.iter_mut().position(learns);
        let first = first.unwrap_or(self.layers.len());
        match self.layers[first..].split_first_mut() {
            Some(((_, first), rest)) => first.backward_parameters(&backward(rest, grad)?),
            None => Ok(()),
        }
    }

    fn named_parameters(&mut self) -> Vec<(String, &mut Parameter)> {
        let mut named = Vec::new();
        for (name, layer) in &mut self.layers {
            let own = layer.named_parameters().into_iter();
            named.extend(own.map(|(key, parameter)| (format!("{name}.{key}"), parameter)));
        }
        named
    }

    fn train(&mut self, training: bool) {
        for (_, layer) in &mut self.layers {
            layer.train(training);
        }
    }
}

fn backward(layers: &mut [(String, Box<dyn Module>)], grad: &Tensor<f32>) -> Result<Tensor<f32>> {
    let mut layers = layers.iter_mut().rev();
    together(grad.device(), || {
        layers.try_fold(grad.clone(), |grad, (_, layer)| layer.backward(&grad))
    })
}

/// The work of all layers, on the CPU without handing each of them over to its threads.
fn together<R: Send>(device: &Device, work: impl FnOnce() -> R + Send) -> R {
    match device {
        Device::Cpu => cpu::in_pool(work),
        Device::Cuda(_) => work(),
    }
}
