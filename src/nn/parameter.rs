//! What is trained.

use std::any::Any;

use super::precision::AnyTensor;
use crate::element::Float;
use crate::error::{Error, Result};
use crate::tensor::{Tensor, Version};

/// A tensor that is trained, and its gradient: f32 in whatever precision the model computes.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// The values.
    pub value: Tensor<f32>,
    /// The gradient of the loss with respect to each value, as the last backward wrote it.
    pub grad: Tensor<f32>,
    /// Whether a backward adds to the gradient ([`Module::accumulate_grad`](super::Module::accumulate_grad)).
    pub accumulate: bool,
    /// The values in the type that the last forward had, and which values they are.
    copy: Option<(Version, AnyTensor)>,
}

impl Parameter {
    /// A parameter whose gradient is zero until a backward writes it.
    ///
    /// # Errors
    /// Out of memory.
    pub fn new(value: Tensor<f32>) -> Result<Self> {
        let grad = Tensor::zeros(value.shape(), value.device())?;
        Ok(Self {
            value,
            grad,
            accumulate: false,
            copy: None,
        })
    }

    /// The values in the type of a forward's activations: f32 themselves, others a copy that is made where the values are
    /// not those of the last one.
    ///
    /// # Errors
    /// Out of memory, or whatever the device answers.
    pub fn compute<T: Float>(&mut self) -> Result<&Tensor<T>> {
        if (&self.value as &dyn Any).is::<Tensor<T>>() {
            return self.computed();
        }
        let version = self.value.version();
        // replays write without a new version, and one to come wants the copy made anew
        let unseen = self.value.is_pinned() || self.value.device().is_capturing();
        let copy = self.copy.as_mut();
        let copy = copy.and_then(|(of, copy)| Some((of, copy.get_mut::<T>()?)));
        match copy.filter(|(_, copy)| copy.shape() == self.value.shape()) {
            Some((of, _)) if *of == version && !unseen => {}
            Some((of, copy)) if copy.device() == self.value.device() => {
                self.value.cast_out(copy)?;
                *of = version;
            }
            _ => self.copy = Some((version, AnyTensor::of(&self.value.cast::<T>()?)?)),
        }
        self.computed()
    }

    /// What the last [`Parameter::compute`] answered, for the backward of that forward.
    ///
    /// # Errors
    /// Where there was none in this type.
    pub fn computed<T: Float>(&self) -> Result<&Tensor<T>> {
        if let Some(value) = (&self.value as &dyn Any).downcast_ref() {
            return Ok(value);
        }
        let copy = self.copy.as_ref().and_then(|(_, copy)| copy.get());
        copy.ok_or_else(|| Error::argument("Parameter", "a forward in the type", T::NAME))
    }

    /// Takes the gradient from what `write` makes in the type of a backward's activations, or adds that to it.
    ///
    /// # Errors
    /// Those of `write`, out of memory, or whatever the device answers.
    pub fn write_grad<T: Float>(
        &mut self,
        write: impl FnOnce(&mut Tensor<T>) -> Result<()>,
    ) -> Result<()> {
        if !self.accumulate
            && let Some(grad) = (&mut self.grad as &mut dyn Any).downcast_mut()
        {
            return write(grad);
        }
        let mut grad = Tensor::<T>::empty(self.value.shape(), self.value.device())?;
        write(&mut grad)?;
        match self.accumulate {
            true => self.grad.add_(&grad.cast()?),
            false => grad.cast_out(&mut self.grad),
        }
    }
}
