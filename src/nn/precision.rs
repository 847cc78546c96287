//! The type that a network computes in, and tensors of whatever type that is.

use std::any::Any;
use std::fmt;
use std::str::FromStr;

use half::{bf16, f16};

use crate::checks::expect_shape;
use crate::device::Device;
use crate::element::Float;
use crate::error::{Error, Result};
use crate::tensor::Tensor;

/// What a model computes in ([`Sequential::precision`](super::Sequential::precision)). Parameters, their gradients and the
/// optimizer's state are f32 in each, and so are the losses; whatever is summed is summed in f32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// f32 on the ordinary cores.
    #[default]
    F32,
    /// f32 tensors, whose products and convolutions may round their factors to tf32 (10 bits of fraction) for the sake of
    /// Tensor Cores (`torch.backends.cuda.matmul.allow_tf32` and its like for convolutions). Where there are none for
    /// it, on the CPU and on Turing, it is [`Precision::F32`].
    Tf32,
    /// Activations and their gradients in bf16: the range of f32 in half the bytes, with 7 bits of fraction
    /// (`torch.autocast(dtype=torch.bfloat16)`).
    Bf16,
    /// Activations and their gradients in f16: 10 bits of fraction, but nothing past 65504 nor, for gradients, much below
    /// 6e-8 (`torch.autocast(dtype=torch.float16)`).
    F16,
}

impl Precision {
    const ALL: [(Self, &'static str); 4] = [
        (Self::F32, "f32"),
        (Self::Tf32, "tf32"),
        (Self::Bf16, "bf16"),
        (Self::F16, "f16"),
    ];
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = Self::ALL.iter().find(|(precision, _)| precision == self);
        f.pad(named.map_or("", |(_, name)| name))
    }
}

impl FromStr for Precision {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let named = Self::ALL.iter().find(|(_, name)| *name == text);
        let unknown = || Error::argument("precision", "f32, tf32, bf16 or f16", text);
        named.map(|&(precision, _)| precision).ok_or_else(unknown)
    }
}

/// Activations, or gradients of them, in the type of a model's precision.
#[derive(Clone, Debug)]
pub enum AnyTensor {
    /// Those of [`Precision::F32`] and [`Precision::Tf32`].
    F32(Tensor<f32>),
    /// Those of [`Precision::Bf16`].
    Bf16(Tensor<bf16>),
    /// Those of [`Precision::F16`].
    F16(Tensor<f16>),
}

/// Evaluates an expression for the tensor inside, whatever its type.
macro_rules! with_tensor {
    ($any:expr, $x:ident => $result:expr) => {
        match $any {
            AnyTensor::F32($x) => $result,
            AnyTensor::Bf16($x) => $result,
            AnyTensor::F16($x) => $result,
        }
    };
}
pub(super) use with_tensor;

/// The methods of [`Module`](super::Module) for f32, of what is made of layers and computes in the type of these.
macro_rules! by_any_type {
    () => {
        fn forward(&mut self, input: &Tensor<f32>) -> Result<Tensor<f32>> {
            self.forward_any(&AnyTensor::of(input)?)?.cast()
        }

        fn backward(&mut self, grad: &Tensor<f32>) -> Result<Tensor<f32>> {
            self.backward_any(&AnyTensor::of(grad)?)?.cast()
        }

        fn backward_parameters(&mut self, grad: &Tensor<f32>) -> Result<()> {
            self.backward_parameters_any(&AnyTensor::of(grad)?)
        }
    };
}
pub(super) use by_any_type;

impl AnyTensor {
    /// The tensor, whatever its type; it is shared, not copied.
    ///
    /// # Errors
    /// None: it is [`AnyTensor::cast`]'s.
    pub fn of<T: Float>(x: &Tensor<T>) -> Result<Self> {
        Ok(match T::NAME {
            "bf16" => Self::Bf16(x.cast()?),
            "f16" => Self::F16(x.cast()?),
            _ => Self::F32(x.cast()?),
        })
    }

    /// The device that holds the elements.
    pub fn device(&self) -> &Device {
        with_tensor!(self, x => x.device())
    }

    /// The elements as `T`; nothing is copied where they are.
    ///
    /// # Errors
    /// Out of memory, or whatever the device answers.
    pub fn cast<T: Float>(&self) -> Result<Tensor<T>> {
        with_tensor!(self, x => x.cast())
    }

    /// The elements in the type that a precision computes in.
    ///
    /// # Errors
    /// Those of [`AnyTensor::cast`].
    pub fn to(&self, precision: Precision) -> Result<Self> {
        Ok(match precision {
            Precision::F32 | Precision::Tf32 => Self::F32(self.cast()?),
            Precision::Bf16 => Self::Bf16(self.cast()?),
            Precision::F16 => Self::F16(self.cast()?),
        })
    }

    /// The elements in the type that `other` has.
    pub(super) fn like(&self, other: &Self) -> Result<Self> {
        self.to(match other {
            Self::F32(_) => Precision::F32,
            Self::Bf16(_) => Precision::Bf16,
            Self::F16(_) => Precision::F16,
        })
    }

    /// The sum of two of one type and shape.
    pub(super) fn plus(&self, op: &'static str, other: &Self) -> Result<Self> {
        with_tensor!(self, x => {
            let y = other.like(self)?.cast()?;
            expect_shape(op, x.shape(), y.shape())?;
            Self::of(&x.add(&y)?)
        })
    }

    /// The tensor inside, where it is one of `T`.
    pub(super) fn get<T: Float>(&self) -> Option<&Tensor<T>> {
        with_tensor!(self, x => (x as &dyn Any).downcast_ref())
    }

    /// [`AnyTensor::get`], to be written.
    pub(super) fn get_mut<T: Float>(&mut self) -> Option<&mut Tensor<T>> {
        with_tensor!(self, x => (x as &mut dyn Any).downcast_mut())
    }
}
