//! The ops of two operands: a line each, here and in `cuda/binary.cu`, in one order.

use super::operand::Operand;
use crate::cpu::stream::Stores;
use crate::cpu::vectorized;
use crate::element::{Float, Formula, Number};
use crate::error::Result;
use crate::tensor::Tensor;

/// An op: its name, and its formula over blocks of floats and of integers.
pub(crate) struct Op {
    pub(crate) name: &'static str,
    pub(crate) floats: Formula<f32>,
    pub(crate) integers: Formula<i64>,
    /// That of floats into what no cache holds: one pass, where memory is all that such an op waits for.
    pub(crate) past: fn(&Stores, [&[f32]; 2], &mut [f32]),
}

macro_rules! binary {
    ($($(#[$doc:meta])* $name:ident $name_out:ident $name_in_place:ident: $of:ident,
        |$a:ident, $b:ident| $floats:expr, $integers:expr;)*) => {
        $(
            pub(super) mod $name {
                use super::*;
                pub(super) fn floats(a: &[f32], b: &[f32], y: &mut [f32]) {
                    vectorized!(for ((y, &$a), &$b) in y.iter_mut().zip(a).zip(b) {
                        *y = $floats;
                    });
                }
                pub(super) fn integers(a: &[i64], b: &[i64], y: &mut [i64]) {
                    for ((y, &$a), &$b) in y.iter_mut().zip(a).zip(b) {
                        *y = $integers;
                    }
                }
                fn past(stores: &Stores, x: [&[f32]; 2], y: &mut [f32]) {
                    vectorized!(stores.zip(x, y, |$a, $b| $floats));
                }
                pub(in super::super) const OP: Op =
                    Op { name: stringify!($name), floats, integers, past };
            }

            impl<T: $of> Tensor<T> {
                $(#[$doc])*
                ///
                /// # Errors
                /// Shapes that do not broadcast together, or different devices.
                pub fn $name<'a>(&'a self, other: impl Into<Operand<'a, T>>) -> Result<Self> {
                    super::made(&$name::OP, self.into(), other.into())
                }

                #[doc = concat!("[`Tensor::", stringify!($name), "`] into `out`, of the shape that both broadcast to.")]
                ///
                /// # Errors
                #[doc = concat!("Those of [`Tensor::", stringify!($name), "`], or another shape of `out`.")]
                pub fn $name_out<'a>(
                    &'a self,
                    other: impl Into<Operand<'a, T>>,
                    out: &mut Self,
                ) -> Result<()> {
                    super::binary_out(&$name::OP, self.into(), other.into(), out)
                }

                #[doc = concat!("[`Tensor::", stringify!($name), "`] in place, where `other` broadcasts to this shape.")]
                ///
                /// # Errors
                #[doc = concat!("Those of [`Tensor::", stringify!($name), "`].")]
                pub fn $name_in_place<'a>(
                    &mut self,
                    other: impl Into<Operand<'a, T>>,
                ) -> Result<()> {
                    super::binary_in_place(&$name::OP, self, other.into())
                }
            }
        )*

        /// All of them.
        pub(crate) const OPS: &[Op] = &[$($name::OP),*];
        /// The kernels: one for each op of a float, one for each type of integers.
        pub const KERNELS: &[&str] = &[
            $(
                concat!("binary_", stringify!($name), "_f32"),
                concat!("binary_", stringify!($name), "_f16"),
                concat!("binary_", stringify!($name), "_bf16"),
            )*
            "binary_i64", "binary_i32", "binary_u8",
        ];
    };
}

binary! {
    /// `self + other`.
    add add_out add_: Number, |a, b| a + b, a.wrapping_add(b);
    /// `self - other`.
    sub sub_out sub_: Number, |a, b| a - b, a.wrapping_sub(b);
    /// `self * other`, element by element.
    mul mul_out mul_: Number, |a, b| a * b, a.wrapping_mul(b);
    /// `self / other`. Of integers the quotient is cut towards zero (`torch.div` with `rounding_mode="trunc"`), and 0
    /// where `other` is.
    div div_out div_: Number, |a, b| a / b, quotient(a, b);
    /// `self` to the power of `other`. Of integers to a negative one, what is left of the fraction: 0, or ±1.
    pow pow_out pow_: Number, |a, b| a.powf(b), power(a, b);
    /// What is left of `self / other` cut towards zero; it has the sign of `self`. 0 for integers where `other` is.
    fmod fmod_out fmod_: Number, |a, b| a % b, rest(a, b);
    /// What is left of `self / other` rounded down; it has the sign of `other`. 0 for integers where `other` is.
    remainder remainder_out remainder_: Number, |a, b| floored(a % b, b), floored_rest(a, b);
    /// The larger of the two; NaN where one is.
    maximum maximum_out maximum_: Number, |a, b| if a > b || a.is_nan() { a } else { b }, a.max(b);
    /// The smaller of the two; NaN where one is.
    minimum minimum_out minimum_: Number, |a, b| if a < b || a.is_nan() { a } else { b }, a.min(b);
    /// The angle of the point (`other`, `self`), in (-π, π].
    atan2 atan2_out atan2_: Float, |a, b| a.atan2(b), of_no_integers(a, b);
}

/// Where the method asks for floats.
fn of_no_integers(_: i64, _: i64) -> i64 {
    0
}

fn quotient(a: i64, b: i64) -> i64 {
    match b {
        0 => 0,
        _ => a.wrapping_div(b),
    }
}

fn rest(a: i64, b: i64) -> i64 {
    match b {
        0 => 0,
        _ => a.wrapping_rem(b),
    }
}

fn floored_rest(a: i64, b: i64) -> i64 {
    let rest = rest(a, b);
    match rest != 0 && (rest < 0) != (b < 0) {
        true => rest + b,
        false => rest,
    }
}

fn floored(rest: f32, b: f32) -> f32 {
    match rest != 0.0 && (rest < 0.0) != (b < 0.0) {
        true => rest + b,
        false => rest,
    }
}

fn power(a: i64, mut b: i64) -> i64 {
    if b < 0 {
        return match a {
            1 => 1,
            -1 if b % 2 != 0 => -1,
            -1 => 1,
            _ => 0,
        };
    }
    let (mut y, mut square) = (1_i64, a);
    while b > 0 {
        if b % 2 == 1 {
            y = y.wrapping_mul(square);
        }
        square = square.wrapping_mul(square);
        b /= 2;
    }
    y
}
