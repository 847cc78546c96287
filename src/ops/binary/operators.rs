//! `+`, `-`, `*` and `/` between tensors, and between tensors and numbers. Each answers a `Result`, as the methods do:
//! `((&a + &b)? * 2.0)?`.

use std::ops::{Add, Div, Mul, Sub};

use super::operand::Operand;
use super::table;
use crate::element::{Float, Number};
use crate::error::Result;
use crate::tensor::Tensor;

macro_rules! operator {
    ($($trait:ident $name:ident),*) => {
        $(
            impl<'a, T: Number, B: Into<Operand<'a, T>>> $trait<B> for &'a Tensor<T> {
                type Output = Result<Tensor<T>>;
                fn $name(self, other: B) -> Result<Tensor<T>> {
                    Tensor::$name(self, other)
                }
            }

            impl<'a, T: Number, B: Into<Operand<'a, T>>> $trait<B> for Tensor<T> {
                type Output = Result<Tensor<T>>;
                fn $name(self, other: B) -> Result<Tensor<T>> {
                    let other = other.into();
                    super::made(&table::$name::OP, (&self).into(), other)
                }
            }

            impl<T: Float> $trait<&Tensor<T>> for f32 {
                type Output = Result<Tensor<T>>;
                fn $name(self, other: &Tensor<T>) -> Result<Tensor<T>> {
                    super::made(&table::$name::OP, self.into(), other.into())
                }
            }
        )*
    };
}
operator!(Add add, Sub sub, Mul mul, Div div);
