//! `cvt` (PTX ISA, "cvt").

use super::context::Context;
use super::half::{self, Format};
use super::handler::{Fn1, Op, lanes};
use super::inst::{Flow, Inst};
use super::rounding::{self, Rounding};
use std::marker::PhantomData;

/// Modifier bytes of `Convert`.
pub mod modifier {
    /// Rounding in bits 0 and 1, and the bits below.
    pub const FORM: usize = 0;
    pub const FTZ: u8 = 4;
    pub const SAT: u8 = 8;
    /// Round to an integral value, not to the format.
    pub const INTEGRAL: u8 = 16;
    pub const RELU: u8 = 32;
    /// Kinds of values, `kind` below.
    pub const FROM: usize = 1;
    pub const TO: usize = 2;
    /// Bytes of the registers.
    pub const FROM_WIDTH: usize = 3;
    pub const TO_WIDTH: usize = 4;
}

/// What a value is: for integers its bits, plus `SIGNED`.
pub mod kind {
    pub const SIGNED: u8 = 0x80;
    pub const F16: u8 = 1;
    pub const BF16: u8 = 2;
    pub const F32: u8 = 3;
    pub const F64: u8 = 4;
}

/// An integer narrower than its register, and everything else that no faster form covers.
pub struct Convert;
impl Op for Convert {
    #[inline(always)]
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        let raw: [u64; 32] = match i.m[modifier::FROM_WIDTH] {
            2 => c.row::<u16>(i.r[1]).all().map(u64::from),
            4 => c.row::<u32>(i.r[1]).all().map(u64::from),
            _ => c.row::<u64>(i.r[1]).all(),
        };
        let values = raw.map(|raw| {
            convert(
                raw,
                i.m[modifier::FROM],
                i.m[modifier::TO],
                i.m[modifier::FORM],
            )
        });
        match i.m[modifier::TO_WIDTH] {
            2 => c.set(i.r[0], &values.map(|v| v as u16)),
            4 => c.set(i.r[0], &values.map(|v| v as u32)),
            _ => c.set(i.r[0], &values),
        }
        Flow::Next
    }
}

fn convert(raw: u64, from: u8, to: u8, form: u8) -> u64 {
    match from {
        kind::F16 | kind::BF16 | kind::F32 | kind::F64 => from_float(raw, from, to, form),
        _ => {
            let bits = u32::from(from & !kind::SIGNED);
            let shift = 64 - bits;
            let value = if from & kind::SIGNED != 0 {
                i128::from((raw << shift) as i64 >> shift)
            } else {
                i128::from(raw << shift >> shift)
            };
            from_int(value, to, form)
        }
    }
}

fn from_int(value: i128, to: u8, form: u8) -> u64 {
    let rounding = Rounding::of(form);
    match to {
        kind::F64 => {
            let d = super::soft::round64(value < 0, value.unsigned_abs(), 0, false, rounding);
            (if form & modifier::SAT != 0 {
                saturate(d)
            } else {
                d
            })
            .to_bits()
        }
        kind::F32 | kind::F16 | kind::BF16 if value == 0 => 0,
        kind::F32 => {
            let d = rounding::from_integer(value, rounding);
            let d = if form & modifier::SAT != 0 {
                saturate(d.into()) as f32
            } else {
                d
            };
            d.to_bits().into()
        }
        kind::F16 | kind::BF16 => {
            let exact =
                super::soft::round64(value < 0, value.unsigned_abs(), 0, false, Rounding::Zero);
            let error = if (exact as i128) == value {
                0.0
            } else {
                f64::MIN_POSITIVE.copysign(exact)
            };
            u64::from(to_half(exact, error, to, form))
        }
        _ => {
            let value = if form & modifier::SAT != 0 {
                clamp(value, to)
            } else {
                value
            };
            value as u64
        }
    }
}

fn saturate(d: f64) -> f64 {
    if d > 0.0 { d.min(1.0) } else { 0.0 }
}

fn clamp(value: i128, to: u8) -> i128 {
    let bits = u32::from(to & !kind::SIGNED);
    let (low, high) = if to & kind::SIGNED != 0 {
        (-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1)
    } else {
        (0, (1i128 << bits) - 1)
    };
    value.clamp(low, high)
}

fn from_float(raw: u64, from: u8, to: u8, form: u8) -> u64 {
    let ftz = form & modifier::FTZ != 0;
    let value = match from {
        kind::F16 => f64::from(half::widen_f16(raw as u16)),
        kind::BF16 => f64::from(half::widen_bf16(raw as u16)),
        kind::F32 => {
            let single = f32::from_bits(raw as u32);
            f64::from(if ftz {
                super::float::flush(single)
            } else {
                single
            })
        }
        _ => f64::from_bits(raw),
    };
    let rounding = Rounding::of(form);
    let integral = form & modifier::INTEGRAL != 0;
    match to {
        kind::F64 => {
            let d = if integral {
                rounding::integral(value, rounding)
            } else {
                value
            };
            (if form & modifier::SAT != 0 {
                saturate(d)
            } else {
                d
            })
            .to_bits()
        }
        kind::F32 => {
            let d = if integral {
                rounding::integral(value, rounding) as f32
            } else {
                rounding::from_f64(value, rounding)
            };
            let d = if ftz { super::float::flush(d) } else { d };
            let d = if form & modifier::SAT != 0 {
                super::float::output::<false, true>(d)
            } else {
                super::float::output::<false, false>(d)
            };
            let d = if form & modifier::RELU != 0 && d <= 0.0 {
                0.0
            } else {
                d
            };
            d.to_bits().into()
        }
        kind::F16 | kind::BF16 => {
            let value = if integral {
                rounding::integral(value, rounding)
            } else {
                value
            };
            u64::from(to_half(value, 0.0, to, form))
        }
        _ => {
            // PTX ISA, "cvt": what NaN becomes depends on the types
            let bits = to & !kind::SIGNED;
            if value.is_nan() {
                return if from != kind::F64 && bits != 64 {
                    0
                } else {
                    1 << (bits - 1)
                };
            }
            let whole = rounding::integral(value, rounding);
            clamp(whole as i128, to) as u64
        }
    }
}

/// To f16 or bf16 in any rounding mode.
fn to_half(value: f64, error: f64, to: u8, form: u8) -> u16 {
    if to == kind::F16 {
        narrow::<half::F16>(value, error, form)
    } else {
        narrow::<half::Bf16>(value, error, form)
    }
}

fn narrow<F: Format>(value: f64, error: f64, form: u8) -> u16 {
    let value = if form & modifier::SAT != 0 {
        saturate(value)
    } else {
        value
    };
    let value = if form & modifier::RELU != 0 && value <= 0.0 {
        0.0
    } else {
        value
    };
    let nearest = F::narrow(half::odd_f32(value, error));
    let back = f64::from(F::widen(nearest));
    let rounding = Rounding::of(form);
    if value.is_nan()
        || value.is_infinite()
        || rounding == Rounding::Nearest
        || back == value && error == 0.0
    {
        return nearest;
    }
    let down = match rounding {
        Rounding::Zero => value > 0.0,
        Rounding::Down => true,
        _ => false,
    };
    let negative = nearest & 0x8000 != 0;
    if down && back > value {
        if negative {
            nearest + 1
        } else if nearest == 0 {
            0x8001
        } else {
            nearest - 1
        }
    } else if !down && back < value {
        if negative { nearest - 1 } else { nearest + 1 }
    } else {
        nearest
    }
}

/// Between integers as wide as their registers.
pub struct Resize<S, D>(PhantomData<(S, D)>);
/// From an integer to the nearest float.
pub struct Float<S, D>(PhantomData<(S, D)>);
/// From a float to an integer, rounded as the modifier says.
pub struct Whole<S, D>(PhantomData<(S, D)>);

macro_rules! resizes {
    ($($s:ident),*) => {$( resizes!(@ $s u16 u32 u64); )*};
    (@ $s:ident $($d:ident)*) => {$(
        impl Fn1 for Resize<$s, $d> {
            type A = $s; type D = $d;
            #[inline(always)]
            fn f(_: u8, a: $s) -> $d { a as $d }
        }
    )*};
}
resizes!(u16, i16, u32, i32, u64, i64);

macro_rules! floats {
    ($($s:ident),*) => {$( floats!(@ $s f32 f64); floats!(# f32 $s); floats!(# f64 $s); )*};
    (@ $s:ident $($d:ident)*) => {$(
        impl Fn1 for Float<$s, $d> {
            type A = $s; type D = $d;
            #[inline(always)]
            fn f(_: u8, a: $s) -> $d { a as $d }
        }
    )*};
    (# $s:ident $d:ident) => {
        impl Fn1 for Whole<$s, $d> {
            type A = $s; type D = $d;
            #[inline(always)]
            fn f(m: u8, a: $s) -> $d {
                if a.is_nan() {
                    let zero = size_of::<$s>() == 4 && size_of::<$d>() < 8;
                    return if zero { 0 } else { (1 as $d) << ($d::BITS - 1) };
                }
                // a single's denormals round as its flushed zeros do, except upward and downward
                let a = if m & modifier::FTZ != 0 && size_of::<$s>() == 4 { super::float::flush(a as f32) as $s } else { a };
                let whole = match Rounding::of(m) {
                    Rounding::Nearest => a.round_ties_even(),
                    Rounding::Zero => a,
                    Rounding::Down => a.floor(),
                    Rounding::Up => a.ceil(),
                };
                whole as $d
            }
        }
    };
}
floats!(u16, i16, u32, i32, u64, i64);

lanes! {
    F16ToF32 (a: u16) -> f32 { super::float::output::<false, false>(half::widen_f16(a)) }
    Bf16ToF32 (a: u16) -> f32 { super::float::output::<false, false>(half::widen_bf16(a)) }
    F32ToF16 (a: f32) -> u16 { half::narrow_f16(a) }
    F32ToBf16 (a: f32) -> u16 { half::narrow_bf16(a) }
    F32ToF64 [m] (a: f32) -> f64 { f64::from(if m & modifier::FTZ != 0 { super::float::flush(a) } else { a }) }
    F64ToF32 [m] (a: f64) -> f32 {
        let d = a as f32;
        super::float::output::<false, false>(if m & modifier::FTZ != 0 { super::float::flush(d) } else { d })
    }
    /// `cvt.sat.f32.f32`, `cvt.rni.f32.f32` and their like.
    F32ToF32 [m] (a: f32) -> f32 {
        let a = if m & modifier::FTZ != 0 { super::float::flush(a) } else { a };
        let a = if m & modifier::INTEGRAL == 0 { a } else {
            match Rounding::of(m) {
                Rounding::Nearest => a.round_ties_even(),
                Rounding::Zero => a.trunc(),
                Rounding::Down => a.floor(),
                Rounding::Up => a.ceil(),
            }
        };
        if m & modifier::SAT != 0 { super::float::output::<false, true>(a) } else { super::float::output::<false, false>(a) }
    }
    /// `cvt.rn.f16x2.f32 d, a, b`: the first operand in the high half.
    F32ToF16x2 [m] (a: f32, b: f32) -> u32 {
        u32::from(narrow::<half::F16>(a.into(), 0.0, m)) << 16 | u32::from(narrow::<half::F16>(b.into(), 0.0, m))
    }
    F32ToBf16x2 [m] (a: f32, b: f32) -> u32 {
        u32::from(narrow::<half::Bf16>(a.into(), 0.0, m)) << 16 | u32::from(narrow::<half::Bf16>(b.into(), 0.0, m))
    }
    /// `cvt.rna.tf32.f32` (`m` 0), `cvt.rn.tf32.f32` (1), `cvt.rz.tf32.f32` (2): 10 mantissa bits.
    F32ToTf32 [m] (a: f32) -> u32 {
        let bits = a.to_bits();
        if a.is_nan() { return 0x7FFF_FFFF; }
        if a.is_infinite() { return bits; }
        let rounded = match m {
            0 => bits + 0x1000,
            1 => bits + 0xFFF + (bits >> 13 & 1),
            _ => bits,
        };
        rounded & !0x1FFF
    }
}
