//! Layers, loss and optimizers: explicit forward and backward, no tape.
//!
//! A layer keeps what its backward needs when it runs forward. `backward` takes the gradient of the layer's output,
//! *writes* the gradients of its parameters (nothing accumulates unless [`Module::accumulate_grad`] asks for it, so there is
//! no `zero_grad`) and returns the gradient of its input. A training step has no use for the gradient of the data, so it calls
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
mod batch_norm;
mod checkpoint;
mod clip;
mod conv;
mod dropout;
mod flatten;
mod fused;
mod grad_scaler;
mod linear;
mod load;
mod loss;
mod norm;
pub mod optim;
mod parameter;
mod pool;
mod precision;
mod residual;
mod sequential;
mod state;

pub use activation::{LogSoftmax, ReLU, Sigmoid, Softmax, Tanh};
pub use batch_norm::BatchNorm2d;
pub use checkpoint::{
    load_checkpoint, load_checkpoint_scaled, save_checkpoint, save_checkpoint_scaled,
};
pub use clip::clip_grad_norm_;
pub use conv::Conv2d;
pub use dropout::{Count, Dropout};
pub use flatten::Flatten;
pub use grad_scaler::{GradScaler, GradScalerState};
pub use linear::Linear;
pub use load::{LoadOptions, Loaded, load, load_state_dict_with, load_with};
pub use loss::CrossEntropyLoss;
pub use norm::LocalResponseNorm;
pub use parameter::Parameter;
pub use pool::{AdaptiveAvgPool2d, AvgPool2d, MaxPool2d};
pub use precision::{AnyTensor, Precision};
pub use residual::Residual;
pub use sequential::Sequential;
pub use state::{load_state_dict, save, state_dict};

use half::{bf16, f16};

use crate::element::Float;
use crate::error::{Error, Result};
use crate::ops::Activation;
use crate::tensor::Tensor;
use precision::with_tensor;

/// Gradients of which each rank of many has a share, and zeros for the others'
/// ([`DistributedDataParallel::reduce_scatter`](crate::distributed::DistributedDataParallel::reduce_scatter)).
pub trait GradShares {
    /// Adds up what each rank has made of its share, on the device.
    ///
    /// # Errors
    /// A tensor of another device, or a rank that has failed.
    fn sum(&self, of_share: &mut Tensor<f32>) -> Result<()>;
}

/// A layer, or a network of them, from f32 to f32. A [`Layer`] is one.
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

    /// [`Module::forward`] for activations of any type, in that type. What computes in f32 alone gets them as f32, and
    /// its output is cast back.
    ///
    /// # Errors
    /// Those of [`Module::forward`].
    fn forward_any(&mut self, input: &AnyTensor) -> Result<AnyTensor> {
        AnyTensor::F32(self.forward(&input.cast()?)?).like(input)
    }

    /// [`Module::forward_any`] in the type of this precision, which the input need not have: the first layer of a network that
    /// computes in halves gets images in f32.
    ///
    /// # Errors
    /// Those of [`Module::forward`].
    fn forward_in(&mut self, input: &AnyTensor, precision: Precision) -> Result<AnyTensor> {
        self.forward_any(&input.to(precision)?)
    }

    /// [`Module::backward`] for a gradient of the type that [`Module::forward_any`] had.
    ///
    /// # Errors
    /// Those of [`Module::backward`], or another type.
    fn backward_any(&mut self, grad: &AnyTensor) -> Result<AnyTensor> {
        AnyTensor::F32(self.backward(&grad.cast()?)?).like(grad)
    }

    /// [`Module::backward_parameters`] for a gradient of the type that [`Module::forward_any`] had.
    ///
    /// # Errors
    /// Those of [`Module::backward_any`].
    fn backward_parameters_any(&mut self, grad: &AnyTensor) -> Result<()> {
        self.backward_parameters(&grad.cast()?)
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

    /// Whether the gradients are a rank's share of them, and then the way to the others': a norm of all is a sum over ranks,
    /// and an optimizer of all is a [`ZeroRedundancyOptimizer`](crate::distributed::ZeroRedundancyOptimizer).
    fn grad_shares(&self) -> Option<&dyn GradShares> {
        None
    }

    /// What is saved beside the parameters and no optimizer changes, with PyTorch's keys: running statistics.
    fn named_buffers(&mut self) -> Vec<(String, &mut Tensor<f32>)> {
        Vec::new()
    }

    /// What is counted from run to run, by key: the masks that a [`Dropout`] has taken.
    fn named_counts(&mut self) -> Vec<(String, Count<'_>)> {
        Vec::new()
    }

    /// Says whether the forwards to come are for training, as they are until told otherwise. [`Dropout`] does nothing
    /// outside of it, and [`BatchNorm2d`] then takes what it has seen in training for the statistics.
    fn train(&mut self, _training: bool) {}

    /// `train(false)`.
    fn eval(&mut self) {
        self.train(false);
    }

    /// Says what the model that the layer is part of computes in: a [`Sequential`] casts, a layer with products learns
    /// whether they may use tf32.
    fn set_precision(&mut self, _precision: Precision) {}

    /// The activation that the layer is, for the layer before it to take over.
    fn activation(&self) -> Activation {
        Activation::None
    }

    /// Has the layer's own kernels apply the activation that follows it, [`Activation::None`] to apply none any more;
    /// answers whether they do. A [`Sequential`] asks, and leaves out the layer that is taken over.
    fn fuse_activation(&mut self, _activation: Activation) -> bool {
        false
    }

    /// What the layer is, as a [`Sequential`] shows it: the name of its type.
    fn describe(&self) -> String {
        let name = std::any::type_name::<Self>();
        name.rsplit("::").next().unwrap_or(name).into()
    }

    /// Says whether the backwards to come add to the gradients of the parameters, as PyTorch's do, or write them, as they
    /// do until told otherwise. So a batch in parts is `accumulate_grad(false)` before the first part's backward and
    /// `accumulate_grad(true)` before the others'.
    fn accumulate_grad(&mut self, accumulate: bool) {
        for parameter in self.parameters() {
            parameter.accumulate = accumulate;
        }
    }
}

/// A layer that is written once for activations of every type; parameters are f32, and computed with in the
/// activations' type ([`Parameter::compute`]). The methods are those of [`Module`], which a layer is too.
pub trait Layer: Send {
    /// [`Module::forward`].
    ///
    /// # Errors
    /// A shape the layer does not take, or whatever the device answers.
    fn forward<T: Float>(&mut self, input: &Tensor<T>) -> Result<Tensor<T>>;

    /// [`Layer::forward`] of an f32 tensor rounded to `T`; a layer that copies its input anyway rounds it on the way.
    ///
    /// # Errors
    /// Those of [`Layer::forward`].
    fn forward_cast<T: Float>(&mut self, input: &Tensor<f32>) -> Result<Tensor<T>> {
        self.forward(&input.cast()?)
    }

    /// [`Module::backward`].
    ///
    /// # Errors
    /// Where `forward` has not run in this type, or the shape is not that of its output.
    fn backward<T: Float>(&mut self, grad: &Tensor<T>) -> Result<Tensor<T>>;

    /// [`Module::backward_parameters`].
    ///
    /// # Errors
    /// Those of [`Layer::backward`].
    fn backward_parameters<T: Float>(&mut self, grad: &Tensor<T>) -> Result<()> {
        self.backward(grad).map(drop)
    }

    /// [`Module::named_parameters`].
    fn named_parameters(&mut self) -> Vec<(String, &mut Parameter)> {
        Vec::new()
    }

    /// [`Module::named_buffers`].
    fn named_buffers(&mut self) -> Vec<(String, &mut Tensor<f32>)> {
        Vec::new()
    }

    /// [`Module::named_counts`].
    fn named_counts(&mut self) -> Vec<(String, Count<'_>)> {
        Vec::new()
    }

    /// [`Module::train`].
    fn train(&mut self, _training: bool) {}

    /// [`Module::set_precision`].
    fn set_precision(&mut self, _precision: Precision) {}

    /// [`Module::activation`].
    fn activation(&self) -> Activation {
        Activation::None
    }

    /// [`Module::fuse_activation`].
    fn fuse_activation(&mut self, _activation: Activation) -> bool {
        false
    }
}

impl<L: Layer> Module for L {
    fn forward(&mut self, input: &Tensor<f32>) -> Result<Tensor<f32>> {
        Layer::forward(self, input)
    }
    fn backward(&mut self, grad: &Tensor<f32>) -> Result<Tensor<f32>> {
        Layer::backward(self, grad)
    }
    fn backward_parameters(&mut self, grad: &Tensor<f32>) -> Result<()> {
        Layer::backward_parameters(self, grad)
    }
    fn forward_any(&mut self, input: &AnyTensor) -> Result<AnyTensor> {
        with_tensor!(input, x => AnyTensor::of(&Layer::forward(self, x)?))
    }
    fn forward_in(&mut self, input: &AnyTensor, precision: Precision) -> Result<AnyTensor> {
        match (input, precision) {
            (AnyTensor::F32(x), Precision::Bf16) => AnyTensor::of(&self.forward_cast::<bf16>(x)?),
            (AnyTensor::F32(x), Precision::F16) => AnyTensor::of(&self.forward_cast::<f16>(x)?),
            _ => Module::forward_any(self, &input.to(precision)?),
        }
    }
    fn backward_any(&mut self, grad: &AnyTensor) -> Result<AnyTensor> {
        with_tensor!(grad, dy => AnyTensor::of(&Layer::backward(self, dy)?))
    }
    fn backward_parameters_any(&mut self, grad: &AnyTensor) -> Result<()> {
        with_tensor!(grad, dy => Layer::backward_parameters(self, dy))
    }
    fn named_parameters(&mut self) -> Vec<(String, &mut Parameter)> {
        Layer::named_parameters(self)
    }
    fn named_buffers(&mut self) -> Vec<(String, &mut Tensor<f32>)> {
        Layer::named_buffers(self)
    }
    fn named_counts(&mut self) -> Vec<(String, Count<'_>)> {
        Layer::named_counts(self)
    }
    fn train(&mut self, training: bool) {
        Layer::train(self, training);
    }
    fn set_precision(&mut self, precision: Precision) {
        Layer::set_precision(self, precision);
    }
    fn activation(&self) -> Activation {
        Layer::activation(self)
    }
    fn fuse_activation(&mut self, activation: Activation) -> bool {
        Layer::fuse_activation(self, activation)
    }
}

/// What `forward` kept, or the error of a backward that comes before it.
fn kept<'a, T>(layer: &'static str, value: &'a Option<T>) -> Result<&'a T> {
    value
        .as_ref()
        .ok_or_else(|| Error::argument(layer, "forward before backward", "no forward yet"))
}

/// The tensor that `forward` kept, or the error of a backward that comes before it or in another type.
fn kept_as<'a, T: Float>(
    layer: &'static str,
    value: &'a Option<AnyTensor>,
) -> Result<&'a Tensor<T>> {
    let other = || Error::argument(layer, "a gradient of the type that forward had", T::NAME);
    kept(layer, value)?.get().ok_or_else(other)
}
