//! Comparisons: `eq`, `ne`, `lt`, `le`, `gt`, `ge` of two operands that broadcast, with PyTorch's names (ONNX `Equal`, `Less`,
//! ...), answered in `bool`; and what is made of such answers. NaN is in no order to anything, so that of them only `ne`
//! holds.

pub(crate) mod cpu;
pub mod cuda;
mod truth;

use crate::checks::{expect_shape, same_device};
use crate::element::Number;
use crate::error::Result;
use crate::ops::binary::{Kind, Operand, strides};
use crate::ops::dispatch::Side;
use crate::ops::strides::broadcast;
use crate::tensor::{DataMut, Tensor};

const OP: &str = "compare";

/// The bits of what two numbers may be to each other, as `cuda/compare.cu` has them.
pub(crate) const LESS: i32 = 1;
pub(crate) const EQUAL: i32 = 2;
pub(crate) const GREATER: i32 = 4;
pub(crate) const UNORDERED: i32 = 8;

macro_rules! compare {
    ($($(#[$doc:meta])* $name:ident $name_out:ident: $wanted:expr;)*) => {
        impl<T: Number> Tensor<T> {
            $(
                $(#[$doc])*
                ///
                /// # Errors
                /// Shapes that do not broadcast together, or different devices.
                pub fn $name<'a>(&'a self, other: impl Into<Operand<'a, T>>) -> Result<Tensor<bool>> {
                    let other = other.into();
                    let shape = broadcast(stringify!($name), self.shape(), other.shape())?;
                    let mut out = Tensor::empty(&shape, self.device())?;
                    compare_out(stringify!($name), $wanted, self, other, &mut out)?;
                    Ok(out)
                }

                #[doc = concat!("[`Tensor::", stringify!($name), "`] into `out`, of the shape that both broadcast to.")]
                ///
                /// # Errors
                #[doc = concat!("Those of [`Tensor::", stringify!($name), "`], or another shape of `out`.")]
                pub fn $name_out<'a>(
                    &'a self,
                    other: impl Into<Operand<'a, T>>,
                    out: &mut Tensor<bool>,
                ) -> Result<()> {
                    compare_out(stringify!($name), $wanted, self, other.into(), out)
                }
            )*
        }
    };
}

compare! {
    /// Whether `self == other`.
    eq eq_out: EQUAL;
    /// Whether `self != other`.
    ne ne_out: LESS | GREATER | UNORDERED;
    /// Whether `self < other`.
    lt lt_out: LESS;
    /// Whether `self <= other`.
    le le_out: LESS | EQUAL;
    /// Whether `self > other`.
    gt gt_out: GREATER;
    /// Whether `self >= other`.
    ge ge_out: GREATER | EQUAL;
}

fn compare_out<T: Number>(
    op: &'static str,
    wanted: i32,
    a: &Tensor<T>,
    b: Operand<'_, T>,
    out: &mut Tensor<bool>,
) -> Result<()> {
    let shape = broadcast(op, a.shape(), b.shape())?;
    expect_shape(op, &shape, out.shape())?;
    let strides = strides(op, [&a.into(), &b], &shape)?;
    let other = b.tensor().map_or(a.device(), Tensor::device);
    same_device(op, &[a.device(), other, out.device()])?;
    if out.numel() == 0 {
        return Ok(());
    }
    match out.data_mut()? {
        DataMut::Cpu(y) => {
            let a = Side::Data(a.data().cpu(op)?);
            cpu::compare(wanted, [a, b.side().cpu(op)?], y, &strides);
            Ok(())
        }
        DataMut::Cuda(y) => {
            let (a, b) = (a.data().cuda(op)?, b.side().cuda(op)?);
            let stream = y.stream().clone();
            cuda::compare_sides(&stream, wanted, a, b, y, &strides)
        }
    }
}

impl<T: Number> Tensor<T> {
    /// Whether each element is 0.
    ///
    /// # Errors
    /// Whatever the device answers.
    pub fn logical_not(&self) -> Result<Tensor<bool>> {
        let zero = Operand(Kind::Number(T::Wide::default()));
        let mut out = Tensor::empty(self.shape(), self.device())?;
        compare_out("logical_not", EQUAL, self, zero, &mut out)?;
        Ok(out)
    }

    /// Whether each element is NaN; of integers none is.
    ///
    /// # Errors
    /// Whatever the device answers.
    pub fn isnan(&self) -> Result<Tensor<bool>> {
        let mut out = Tensor::empty(self.shape(), self.device())?;
        compare_out("isnan", UNORDERED, self, self.into(), &mut out)?;
        Ok(out)
    }
}
