//! What is trained.

use std::any::Any;
use std::fmt;

use super::precision::AnyTensor;
use crate::device::Device;
use crate::element::Float;
use crate::error::{Error, Result};
use crate::ops::HalfCopy;
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
    hooks: Hooks,
}

type Hook = Box<dyn Fn(&mut Tensor<f32>) -> Result<()> + Send + Sync>;

/// Who is told of a gradient. A clone of a parameter is another one, of which nobody is told.
#[derive(Default)]
struct Hooks(Vec<Hook>);

impl Clone for Hooks {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} hooks", self.0.len())
    }
}

/// A tensor that an optimizer changes by its gradient, and its copy in a half, which it writes in the same pass.
#[derive(Debug)]
pub struct Target<'a> {
    /// The values, which change.
    pub param: &'a mut Tensor<f32>,
    /// Their gradient, of the same shape.
    pub grad: &'a Tensor<f32>,
    /// Where the new values go once more, if they do.
    pub copy: Option<HalfCopy<'a>>,
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
            hooks: Hooks::default(),
        })
    }

    /// What an optimizer's step reads and writes: the copy too, where a forward has made one and may find it again.
    pub(super) fn target(&mut self) -> Target<'_> {
        let Self {
            value, grad, copy, ..
        } = self;
        // replays make theirs in the forward, as they cannot see who has written the values since
        let unseen = value.is_pinned() || value.device().is_capturing();
        let fits = |shape: &[usize], device: &Device| {
            !unseen && shape == value.shape() && device == value.device()
        };
        // a step that is skipped leaves the copy, which is then to be that of the values
        let version = value.version();
        let copy = copy.as_mut().filter(|(of, _)| *of == version);
        let copy = match copy {
            Some((_, AnyTensor::Bf16(copy))) if fits(copy.shape(), copy.device()) => {
                Some(HalfCopy::Bf16(copy))
            }
            Some((_, AnyTensor::F16(copy))) if fits(copy.shape(), copy.device()) => {
                Some(HalfCopy::F16(copy))
            }
            _ => None,
        };
        Target {
            param: value,
            grad,
            copy,
        }
    }

    /// Says that a step has written the copy of [`Parameter::target`] with the values.
    pub(super) fn copy_is_of_now(&mut self) {
        let version = self.value.version();
        if let Some((of, _)) = &mut self.copy {
            *of = version;
        }
    }

    /// The values in the type of a forward's activations: f32 themselves, others a copy that is made where the values are
    /// not those of the last one.
    ///
    /// # Errors
    /// Out of memory, or whatever the device answers.
    pub fn compute<T: Float>(&mut self) -> Result<&Tensor<T>> {
        if (&self.value as &dyn Any).is::<Tensor<T>>() {
            // nobody reads it, so no step need write it
            self.copy = None;
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

    /// Calls `hook` with the gradient whenever a backward has written it or added to it, before the layer's backward goes on
    /// (`torch.Tensor.register_post_accumulate_grad_hook`). An error of it is that of the backward.
    pub fn register_post_accumulate_grad_hook(
        &mut self,
        hook: impl Fn(&mut Tensor<f32>) -> Result<()> + Send + Sync + 'static,
    ) {
        self.hooks.0.push(Box::new(hook));
    }

    /// Takes the gradient from what `write` makes in the type of a backward's activations, or adds that to it.
    ///
    /// # Errors
    /// Those of `write`, out of memory, or whatever the device answers.
    pub fn write_grad<T: Float>(
        &mut self,
        write: impl FnOnce(&mut Tensor<T>) -> Result<()>,
    ) -> Result<()> {
        self.write(write)?;
        let mut hooks = self.hooks.0.iter();
        hooks.try_for_each(|hook| hook(&mut self.grad))
    }

    fn write<T: Float>(&mut self, write: impl FnOnce(&mut Tensor<T>) -> Result<()>) -> Result<()> {
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
