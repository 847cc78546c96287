//! What stands on the other side of an op: a tensor, or one number for all elements.

use half::{bf16, f16};

use crate::element::{Float, Number};
use crate::ops::dispatch::Side;
use crate::tensor::{Data, Tensor};

/// A tensor or a number; ops take `impl Into<Operand<T>>`, so both `x.add(&y)` and `x.add(2.0)` are said. A float's number
/// is an `f32`, whatever the type of the tensor, as in PyTorch.
#[derive(Clone, Copy, Debug)]
pub struct Operand<'a, T: Number>(pub(crate) Kind<'a, T>);

#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind<'a, T: Number> {
    Tensor(&'a Tensor<T>),
    Number(T::Wide),
}

impl<'a, T: Number> From<&'a Tensor<T>> for Operand<'a, T> {
    fn from(tensor: &'a Tensor<T>) -> Self {
        Self(Kind::Tensor(tensor))
    }
}

impl<T: Float> From<f32> for Operand<'_, T> {
    fn from(number: f32) -> Self {
        Self(Kind::Number(number))
    }
}

macro_rules! number {
    ($($type:ty as $wide:ty),*) => {
        $(impl From<$type> for Operand<'_, $type> {
            fn from(number: $type) -> Self {
                Self(Kind::Number(<$wide>::from(number)))
            }
        })*
    };
}
number!(f16 as f32, bf16 as f32, i64 as i64, i32 as i64, u8 as i64);

impl<T: Number> Operand<'_, T> {
    /// The tensor's sizes; a number has no dimensions.
    pub(crate) fn shape(&self) -> &[usize] {
        match self.0 {
            Kind::Tensor(tensor) => tensor.shape(),
            Kind::Number(_) => &[],
        }
    }

    pub(crate) fn side(&self) -> Side<Data<'_, T>, T::Wide> {
        match self.0 {
            Kind::Tensor(tensor) => Side::Data(tensor.data()),
            Kind::Number(number) => Side::Value(number),
        }
    }

    pub(crate) fn tensor(&self) -> Option<&Tensor<T>> {
        match self.0 {
            Kind::Tensor(tensor) => Some(tensor),
            Kind::Number(_) => None,
        }
    }
}
