//! Any type to any other, through exact integers and doubles.

use super::{kind, modifier};
use crate::exec::half::{self, Format};
use crate::exec::handler::Op;
use crate::exec::rounding::{self, Rounding};
use crate::exec::state::{Context, Flow, Inst};

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
            let d = crate::exec::soft::round64(value < 0, value.unsigned_abs(), 0, false, rounding);
            (if form & modifier::SAT != 0 {
                saturate(d)
            } else {
                d
            })
            .to_bits()
        }
        kind::F32 | kind::F16 | kind::BF16 if value == 0 => 0,
        kind::F32 => {
            let d = crate::exec::soft::from_integer(value, rounding);
            let d = if form & modifier::SAT != 0 {
                saturate(d.into()) as f32
            } else {
                d
            };
            d.to_bits().into()
        }
        kind::F16 | kind::BF16 => {
            let exact = crate::exec::soft::round64(
                value < 0,
                value.unsigned_abs(),
                0,
                false,
                Rounding::Zero,
            );
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
                crate::exec::float::flush(single)
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
            let d = if ftz { crate::exec::float::flush(d) } else { d };
            let d = if form & modifier::SAT != 0 {
                crate::exec::float::output::<false, true>(d)
            } else {
                crate::exec::float::output::<false, false>(d)
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

pub(super) fn narrow<F: Format>(value: f64, error: f64, form: u8) -> u16 {
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
