//! What a tensor can hold.

use cudarc::driver::{DeviceRepr, ValidAsZeroBits};
use half::{bf16, f16};

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for half::f16 {}
    impl Sealed for half::bf16 {}
    impl Sealed for i32 {}
    impl Sealed for i64 {}
    impl Sealed for u8 {}
    impl Sealed for bool {}
}

/// A type that a [`Tensor`](crate::Tensor) can hold: `f32`, `f16`, `bf16`; `i64`, `i32`, `u8` for labels, indices and
/// pixels; `bool` for what comparisons answer.
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
    /// Whether its values are integers, `bool`'s 0 and 1 among them.
    #[doc(hidden)]
    const IS_INTEGER: bool;

    /// The value's bits, in the low part.
    #[doc(hidden)]
    fn bits(self) -> u64;
    /// Casts a block to `f32`; both slices have one length.
    #[doc(hidden)]
    fn block_to_f32(from: &[Self], to: &mut [f32]);
    /// Casts a block from `f32`; both slices have one length.
    #[doc(hidden)]
    fn block_from_f32(from: &[f32], to: &mut [Self]);
    /// Casts a block of integers to `i64`; both slices have one length. A float's goes towards zero.
    #[doc(hidden)]
    fn block_to_i64(from: &[Self], to: &mut [i64]);
    /// Casts a block of integers from `i64`, whose high bits go; both slices have one length.
    #[doc(hidden)]
    fn block_from_i64(from: &[i64], to: &mut [Self]);
    /// The elements themselves, where they are `f32`.
    #[doc(hidden)]
    fn singles(_: &[Self]) -> Option<&[f32]> {
        None
    }
    /// The elements themselves, where they are `f32`.
    #[doc(hidden)]
    fn singles_mut(_: &mut [Self]) -> Option<&mut [f32]> {
        None
    }
}

/// What a [`Number`] is computed in: `f32` or `i64`.
#[doc(hidden)]
pub trait Wide: Number<Wide = Self> + PartialOrd {
    /// The bits of a kernel's 64-bit argument.
    fn argument(self) -> u64;
    /// The sum; of integers it wraps.
    fn plus(self, other: Self) -> Self;
    /// The formula of this type.
    fn formula(floats: Formula<f32>, integers: Formula<i64>) -> Formula<Self>;
}

/// `y[i] = f(a[i], b[i])` over blocks of one length.
#[doc(hidden)]
pub type Formula<W> = fn(&[W], &[W], &mut [W]);

impl Wide for f32 {
    fn argument(self) -> u64 {
        u64::from(self.to_bits())
    }
    fn plus(self, other: f32) -> f32 {
        self + other
    }
    fn formula(floats: Formula<f32>, _: Formula<i64>) -> Formula<Self> {
        floats
    }
}
impl Wide for i64 {
    fn argument(self) -> u64 {
        self.cast_unsigned()
    }
    fn plus(self, other: i64) -> i64 {
        self.wrapping_add(other)
    }
    fn formula(_: Formula<f32>, integers: Formula<i64>) -> Formula<Self> {
        integers
    }
}

/// An element that can be added and compared: floats, computed with in `f32`, and `i64`, `i32`, `u8`, computed with in `i64`
/// and cut to their width, so that they wrap.
pub trait Number: Element {
    /// What it is computed in.
    #[doc(hidden)]
    type Wide: Wide;

    /// The elements themselves, where they are wide already.
    #[doc(hidden)]
    fn as_wide(x: &[Self]) -> Option<&[Self::Wide]>;
    /// The elements themselves, where they are wide already.
    #[doc(hidden)]
    fn as_wide_mut(y: &mut [Self]) -> Option<&mut [Self::Wide]>;
    /// Converts a block; both slices have one length.
    #[doc(hidden)]
    fn load(from: &[Self], to: &mut [Self::Wide]);
    /// Converts a block; both slices have one length.
    #[doc(hidden)]
    fn store(from: &[Self::Wide], to: &mut [Self]);
}

macro_rules! number {
    ($type:ty, $wide:ty, $as_wide:expr, $as_wide_mut:expr, $load:path, $store:path) => {
        impl Number for $type {
            type Wide = $wide;

            fn as_wide(x: &[Self]) -> Option<&[$wide]> {
                $as_wide(x)
            }
            fn as_wide_mut(y: &mut [Self]) -> Option<&mut [$wide]> {
                $as_wide_mut(y)
            }
            #[inline(always)]
            fn load(from: &[Self], to: &mut [$wide]) {
                $load(from, to)
            }
            #[inline(always)]
            fn store(from: &[$wide], to: &mut [Self]) {
                $store(from, to)
            }
        }
    };
}

number!(f32, f32, Some, Some, Float::widen, Float::narrow);
number!(f16, f32, |_| None, |_| None, Float::widen, Float::narrow);
number!(bf16, f32, |_| None, |_| None, Float::widen, Float::narrow);
number!(
    i64,
    i64,
    Some,
    Some,
    Element::block_to_i64,
    Element::block_from_i64
);
number!(
    i32,
    i64,
    |_| None,
    |_| None,
    Element::block_to_i64,
    Element::block_from_i64
);
number!(
    u8,
    i64,
    |_| None,
    |_| None,
    Element::block_to_i64,
    Element::block_from_i64
);

/// An element that arithmetic is done on, in `f32` on every device: `f32`, `f16`, `bf16`.
pub trait Float: Number<Wide = f32> {
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

macro_rules! float_element {
    ($type:ty, $name:literal) => {
        impl Element for $type {
            const NAME: &'static str = $name;
            const IS_INTEGER: bool = false;

            #[inline(always)]
            fn bits(self) -> u64 {
                u64::from(self.to_bits())
            }
            #[inline(always)]
            fn block_to_f32(from: &[Self], to: &mut [f32]) {
                Float::widen(from, to);
            }
            #[inline(always)]
            fn block_from_f32(from: &[f32], to: &mut [Self]) {
                Float::narrow(from, to);
            }
            #[inline(always)]
            fn block_to_i64(from: &[Self], to: &mut [i64]) {
                to.iter_mut()
                    .zip(from)
                    .for_each(|(y, &x)| *y = x.to_f32() as i64);
            }
            #[inline(always)]
            fn block_from_i64(from: &[i64], to: &mut [Self]) {
                to.iter_mut()
                    .zip(from)
                    .for_each(|(y, &x)| *y = <$type>::from_f32(x as f32));
            }
            #[inline(always)]
            fn singles(x: &[Self]) -> Option<&[f32]> {
                Self::as_f32(x)
            }
            #[inline(always)]
            fn singles_mut(y: &mut [Self]) -> Option<&mut [f32]> {
                Self::as_f32_mut(y)
            }
        }
    };
}

float_element!(f32, "f32");
float_element!(f16, "f16");
float_element!(bf16, "bf16");

macro_rules! integer_element {
    ($type:ty, $name:literal, $bits:expr, $to_f32:expr, $from_f32:expr, $from_i64:expr) => {
        impl Element for $type {
            const NAME: &'static str = $name;
            const IS_INTEGER: bool = true;

            #[inline(always)]
            fn bits(self) -> u64 {
                $bits(self)
            }
            #[inline(always)]
            fn block_to_f32(from: &[Self], to: &mut [f32]) {
                to.iter_mut().zip(from).for_each(|(y, &x)| *y = $to_f32(x));
            }
            #[inline(always)]
            fn block_from_f32(from: &[f32], to: &mut [Self]) {
                to.iter_mut()
                    .zip(from)
                    .for_each(|(y, &x)| *y = $from_f32(x));
            }
            #[inline(always)]
            fn block_to_i64(from: &[Self], to: &mut [i64]) {
                to.iter_mut().zip(from).for_each(|(y, &x)| *y = x as i64);
            }
            #[inline(always)]
            fn block_from_i64(from: &[i64], to: &mut [Self]) {
                to.iter_mut()
                    .zip(from)
                    .for_each(|(y, &x)| *y = $from_i64(x));
            }
        }
    };
}

// from a float: towards zero, saturating, 0 for NaN, which is what `as` means
integer_element!(
    i64,
    "i64",
    |x: i64| x.cast_unsigned(),
    |x: i64| x as f32,
    |x: f32| x as i64,
    |x: i64| x
);
integer_element!(
    i32,
    "i32",
    |x: i32| u64::from(x.cast_unsigned()),
    |x: i32| x as f32,
    |x: f32| x as i32,
    |x: i64| x as i32
);
integer_element!(
    u8,
    "u8",
    |x: u8| u64::from(x),
    |x: u8| f32::from(x),
    |x: f32| x as u8,
    |x: i64| x as u8
);
integer_element!(
    bool,
    "bool",
    |x: bool| u64::from(x),
    |x: bool| f32::from(u8::from(x)),
    |x: f32| x != 0.0,
    |x: i64| x != 0
);

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
