//! What a tensor can hold.

use cudarc::driver::{DeviceRepr, ValidAsZeroBits};
use half::{bf16, f16};

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for half::f16 {}
    impl Sealed for half::bf16 {}
    impl Sealed for i32 {}
}

/// A type that a [`Tensor`](crate::Tensor) can hold: `f32`, `f16`, `bf16`, and `i32` for labels and indices.
pub trait Element:
    sealed::Sealed
    + DeviceRepr
    + ValidAsZeroBits
    + Copy
    + Default
    + PartialEq
    + Send
    + Sync
    + std::fmt::Debug
    + 'static
{
    /// The name in kernel entry points and messages.
    const NAME: &'static str;

    /// The value's bits, in the low half where it is a half.
    #[doc(hidden)]
    fn bits(self) -> u32;
    /// Casts a block to `f32`; both slices have one length.
    #[doc(hidden)]
    fn block_to_f32(from: &[Self], to: &mut [f32]);
    /// Casts a block from `f32`; both slices have one length.
    #[doc(hidden)]
    fn block_from_f32(from: &[f32], to: &mut [Self]);
}

/// An element that arithmetic is done on, in `f32` on every device: `f32`, `f16`, `bf16`.
pub trait Float: Element {
    /// How far the next value above 1 is from it.
    const EPSILON: f32;

    /// The value as `f32`, exactly.
    fn to_f32(self) -> f32;
    /// The nearest value of this type, ties to even.
    fn from_f32(value: f32) -> Self;
    /// The elements themselves, where they are `f32` already.
    #[doc(hidden)]
    fn as_f32(x: &[Self]) -> Option<&[f32]>;
    /// The elements themselves, where they are `f32` already.
    #[doc(hidden)]
    fn as_f32_mut(y: &mut [Self]) -> Option<&mut [f32]>;
    /// Converts a block; both slices have one length.
    #[doc(hidden)]
    fn widen(from: &[Self], to: &mut [f32]);
    /// Converts a block; both slices have one length.
    #[doc(hidden)]
    fn narrow(from: &[f32], to: &mut [Self]);
}

macro_rules! element {
    ($type:ty, $name:literal, $bits:expr, $widen:expr, $narrow:expr) => {
        impl Element for $type {
            const NAME: &'static str = $name;
            #[inline(always)]
            fn bits(self) -> u32 {
                $bits(self)
            }
            #[inline(always)]
            fn block_to_f32(from: &[Self], to: &mut [f32]) {
                $widen(from, to)
            }
            #[inline(always)]
            fn block_from_f32(from: &[f32], to: &mut [Self]) {
                $narrow(from, to)
            }
        }
    };
}

element!(f32, "f32", f32::to_bits, Float::widen, Float::narrow);
element!(f16, "f16", half_bits, Float::widen, Float::narrow);
element!(bf16, "bf16", bfloat_bits, Float::widen, Float::narrow);
element!(i32, "i32", i32_bits, i32_to_f32, i32_from_f32);

fn half_bits(value: f16) -> u32 {
    u32::from(value.to_bits())
}
fn bfloat_bits(value: bf16) -> u32 {
    u32::from(value.to_bits())
}
fn i32_bits(value: i32) -> u32 {
    value.cast_unsigned()
}
#[inline(always)]
fn i32_to_f32(from: &[i32], to: &mut [f32]) {
    to.iter_mut().zip(from).for_each(|(y, &x)| *y = x as f32);
}
/// Towards zero, saturating, 0 for NaN.
#[inline(always)]
fn i32_from_f32(from: &[f32], to: &mut [i32]) {
    to.iter_mut().zip(from).for_each(|(y, &x)| *y = x as i32);
}

impl Float for f32 {
    const EPSILON: f32 = f32::EPSILON;

    #[inline(always)]
    fn to_f32(self) -> f32 {
        self
    }
    #[inline(always)]
    fn from_f32(value: f32) -> Self {
        value
    }
    fn as_f32(x: &[Self]) -> Option<&[f32]> {
        Some(x)
    }
    fn as_f32_mut(y: &mut [Self]) -> Option<&mut [f32]> {
        Some(y)
    }
    #[inline(always)]
    fn widen(from: &[Self], to: &mut [f32]) {
        to.copy_from_slice(from);
    }
    #[inline(always)]
    fn narrow(from: &[f32], to: &mut [Self]) {
        to.copy_from_slice(from);
    }
}

macro_rules! half_float {
    ($type:ty) => {
        impl Float for $type {
            const EPSILON: f32 = <$type>::EPSILON.to_f32_const();

            #[inline(always)]
            fn to_f32(self) -> f32 {
                <$type>::to_f32(self)
            }
            #[inline(always)]
            fn from_f32(value: f32) -> Self {
                <$type>::from_f32(value)
            }
            fn as_f32(_: &[Self]) -> Option<&[f32]> {
                None
            }
            fn as_f32_mut(_: &mut [Self]) -> Option<&mut [f32]> {
                None
            }
            fn widen(from: &[Self], to: &mut [f32]) {
                half::slice::HalfFloatSliceExt::convert_to_f32_slice(from, to);
            }
            fn narrow(from: &[f32], to: &mut [Self]) {
                half::slice::HalfFloatSliceExt::convert_from_f32_slice(to, from);
            }
        }
    };
}

half_float!(f16);
half_float!(bf16);
