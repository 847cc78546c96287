//! Single and double precision (PTX ISA, "Floating Point Instructions").

pub mod blurred;
mod double;
pub mod series;
mod single;

pub use double::{
    AbsF64, AddF64, DivF64, FmaF64, MaxF64, MinF64, MulF64, NegF64, RcpApproxF64, RcpF64,
    RsqrtApproxF64, RsqrtF64, SqrtF64, SubF64,
};
pub use series::exp2;
pub use single::{
    Abs, Add, AddRounded, Copysign, CopysignF64, Cos, Div, DivApprox, DivRounded, Ex2, Fma,
    FmaRounded, Lg2, Max, Max3, Min, Min3, Mul, MulRounded, Neg, Rcp, RcpRounded, Rsqrt, Sin, Sqrt,
    SqrtRounded, Sub, Tanh,
};

/// The NaN that f32 instructions give.
pub const NAN32: f32 = f32::from_bits(0x7FFF_FFFF);

/// A denormal becomes a zero of its sign.
#[inline(always)]
pub fn flush(a: f32) -> f32 {
    if a.abs() < f32::MIN_POSITIVE {
        f32::from_bits(a.to_bits() & 1 << 31)
    } else {
        a
    }
}

#[inline(always)]
fn input<const FTZ: bool>(a: f32) -> f32 {
    if FTZ { flush(a) } else { a }
}

/// Flushes, saturates, and makes every NaN the canonical one.
#[inline(always)]
pub fn output<const FTZ: bool, const SAT: bool>(d: f32) -> f32 {
    let d = if FTZ { flush(d) } else { d };
    if SAT {
        // NaN becomes +0, and so does -0
        return if d > 0.0 {
            if d < 1.0 { d } else { 1.0 }
        } else {
            0.0
        };
    }
    if d.is_nan() { NAN32 } else { d }
}

/// Bits of `m` for the functions that take their form at run time.
pub mod mode {
    pub use crate::exec::rounding::ROUNDING;
    pub const FTZ: u8 = 4;
    pub const SAT: u8 = 8;
    /// `min` and `max`: NaN wins.
    pub const NAN: u8 = 16;
    /// `min` and `max`: the larger magnitude's sign is that of both signs' product.
    pub const XORSIGN: u8 = 32;
    pub const ABS: u8 = 64;
    /// The second factor or addend is negated.
    pub const NEGATE: u8 = 128;
}
