//! Layers, loss and optimizers: explicit forward and backward, no tape.
//!
//! A layer keeps what its backward needs when it runs forward. `backward` takes the gradient of the layer's output,
//! *writes* the gradients of its parameters (nothing accumulates, so there is no `zero_grad`) and returns the
//! gradient of its input. A training step has no use for the gradient of the data, so it calls
//! [`Module::backward_parameters`], which does not work that one out.
//!
//! ```
//! use warpsmith::nn::optim::{Adam, Optimizer};
//! use warpsmith::nn::{CrossEntropyLoss, Linear, Module, ReLU, Sequential};
//! use warpsmith::{Device, Generator, data};
//!
//! let (device, mut generator) = (Device::best(), Generator::manual_seed(1));
//! let (x, labels) = data::spiral(3, 100, &mut generator, &device)?;
//! let mut model = Sequential::new()
//!     .push(Linear::new(2, 100, &mut generator, &device)?)
//!     .push(ReLU::new())
//!     .push(Linear::new(100, 3, &mut generator, &device)?);
//! let mut loss = CrossEntropyLoss::new();
//! let mut adam = Adam::new(1e-2);
//! for _ in 0..10 {
//!     let logits = model.forward(&x)?;
//!     loss.forward(&logits, &labels)?;
//!     model.backward_parameters(&loss.backward()?)?;
//!     adam.step(&mut model)?;
//! }
//! # Ok::<(), warpsmith::Error>(())
//! ```
#![forbid(unsafe_code)]

mod activation;
mod checkpoint;
mod conv;
mod dropout;
mod flatten;
mod linear;
mod load;
mod loss;
mod norm;
pub mod optim;
mod pool;
mod sequential;
mod state;

pub use activation::{LogSoftmax, ReLU, Sigmoid, Softmax, Tanh};
pub use checkpoint::{load_checkpoint, save_checkpoint};
pub use conv::Conv2d;
pub use dropout::Dropout;
pub use flatten::Flatten;
pub use linear::Linear;
pub use load::{LoadOptions, Loaded, load, load_state_dict_with, load_with};
pub use loss::CrossEntropyLoss;
pub use norm::LocalResponseNorm;
pub use pool::{AvgPool2d, MaxPool2d};
pub use sequential::Sequential;
pub use state::{load_state_dict, save, state_dict};

use crate::error::{Error, Result};
use crate::tensor::Tensor;

/// A layer, or a network of them.
pub trait Module: Send {
    /// The output for an input; keeps what [`Module::backward`] needs.
    ///
    /// # Errors
    /// A shape the layer does not take, or whatever the device answers.
    fn forward(&mut self, input: &Tensor<f32>) -> Result<Tensor<f32>>;

    /// The gradient of the input of the last [`Module::forward`], from that of its output. Writes the gradients of
    /// the parameters.
    ///
    /// # Errors
    /// Where `forward` has not run, or the shape is not that of its output.
    fn backward(&mut self, grad: &Tensor<f32>) -> Result<Tensor<f32>>;

    /// [`Module::backward`] without the gradient of the input, which costs a layer like [`Linear`] a matmul. PyTorch
    /// leaves it out where the input does not require a gradient.
    ///
    /// # Errors
    /// Those of [`Module::backward`].
    fn backward_parameters(&mut self, grad: &Tensor<f32>) -> Result<()> {
        self.backward(grad).map(drop)
    }

    /// What an optimizer may change, always in the same order.
    fn parameters(&mut self) -> Vec<&mut Parameter> {
        let named = self.named_parameters().into_iter();
        named.map(|(_, parameter)| parameter).collect()
    }

    /// [`Module::parameters`] with the keys that PyTorch's `named_parameters` gives them: a layer's own are `weight` and
    /// `bias`, and a network puts each layer's name and a dot before.
    fn named_parameters(&mut self) -> Vec<(String, &mut Parameter)> {
        Vec::new()
    }

    /// Says whether the forwards to come are for training, as they are until told otherwise. [`Dropout`] does nothing
    /// outside of it.
    fn train(&mut self, _training: bool) {}

    /// `train(false)`.
    fn eval(&mut self) {
        self.train(false);
    }
}

/// A tensor that is trained, and its gradient.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// The values.
    pub value: Tensor<f32>,
    /// The gradient of the loss with respect to each value, as the last backward wrote it.
    pub grad: Tensor<f32>,
}

impl Parameter {
    /// A parameter whose gradient is zero until a backward writes it.
    ///
    /// # Errors
    /// Out of memory.
    pub fn new(value: Tensor<f32>) -> Result<Self> {
        let grad = Tensor::zeros(value.shape(), value.device())?;
        Ok(Self { value, grad })
    }
}

/// What `forward` kept, or the error of a backward that comes before it.
fn kept<'a, T>(layer: &'static str, value: &'a Option<T>) -> Result<&'a T> {
    value
        .as_ref()
        .ok_or_else(|| Error::argument(layer, "forward before backward", "no forward yet"))
}
