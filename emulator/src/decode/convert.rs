//! `cvt`.

use super::function::{Function, Result};
use super::opcode::Opcode;
use super::operand::width;
use super::types::Type;
use crate::exec::convert::{self as run, kind, modifier};
use crate::exec::handler::{Map1, Map2, select};
use crate::exec::rounding::Rounding;
use crate::exec::state::Run;
use crate::ptx::ast::Operand;

pub fn decode<'a>(
    f: &mut Function<'a, '_>,
    op: &mut Opcode<'a>,
    operands: &'a [Operand<'a>],
) -> Result<bool> {
    if op.base != "cvt" {
        return Ok(false);
    }
    if op.has("pack") {
        return f.unsupported(op.text).map(|()| true);
    }
    let rounding = op.take_any(&["rn", "rz", "rm", "rp", "rni", "rzi", "rmi", "rpi", "rna"]);
    let mode = match rounding.unwrap_or("rn") {
        "rz" | "rzi" => Rounding::Zero,
        "rm" | "rmi" => Rounding::Down,
        "rp" | "rpi" => Rounding::Up,
        _ => Rounding::Nearest,
    };
    let flag = |on: bool, bit: u8| if on { bit } else { 0 };
    let integral = rounding.is_some_and(|r| r.ends_with('i'));
    let m = mode as u8
        | flag(op.take("ftz"), modifier::FTZ)
        | flag(op.take("sat"), modifier::SAT)
        | flag(integral, modifier::INTEGRAL)
        | flag(op.take("relu"), modifier::RELU);
    let (Some(to), Some(from)) = (op.take_type(), op.take_type()) else {
        return f.unsupported(op.text).map(|()| true);
    };
    if let ([d, a, b], Type::F16x2 | Type::Bf16x2, Type::F32) = (operands, to, from) {
        let (a, b, d) = (f.src(a, Type::F32)?, f.src(b, Type::F32)?, f.dst(d, to)?);
        let runs = if to == Type::F16x2 {
            select::<Map2<run::F32ToF16x2>>()
        } else {
            select::<Map2<run::F32ToBf16x2>>()
        };
        f.emit(runs).def(0, d).uses(1, a).uses(2, b).m(0, m);
        return Ok(true);
    }
    let [d, a] = operands else {
        return f.syntax("cvt takes two operands").map(|()| true);
    };
    let (a, d) = (f.wide_src(a, from)?, f.wide_dst(d, to)?);
    if to == Type::Tf32 {
        let form = match rounding {
            Some("rna") => 0,
            Some("rn") => 1,
            _ => 2,
        };
        f.emit(select::<Map1<run::F32ToTf32>>())
            .def(0, d)
            .uses(1, a)
            .m(0, form);
        return Ok(true);
    }
    let (from_width, to_width) = (width(f.types[a.0 as usize]), width(f.types[d.0 as usize]));
    let exact = from_width == from.bits() && to_width == to.bits();
    // a signed result goes into a wider register with its sign: the general form does not do that
    let (Some(from_kind), Some(to_kind)) = (value_kind(from), value_kind(to)) else {
        return f.unsupported(op.text).map(|()| true);
    };
    if let Some(runs) = exact.then(|| fast(from, to, m)).flatten() {
        f.emit(runs).def(0, d).uses(1, a).m(0, m);
        return Ok(true);
    }
    let draft = f.emit(select::<run::Convert>());
    draft.def(0, d).uses(1, a);
    draft
        .m(modifier::FORM, m)
        .m(modifier::FROM, from_kind)
        .m(modifier::TO, to_kind);
    draft
        .m(modifier::FROM_WIDTH, (from_width / 8) as u8)
        .m(modifier::TO_WIDTH, (to_width / 8) as u8);
    Ok(true)
}

fn value_kind(ty: Type) -> Option<u8> {
    Some(match ty {
        Type::F16 => kind::F16,
        Type::Bf16 => kind::BF16,
        Type::F32 => kind::F32,
        Type::F64 => kind::F64,
        Type::U8 | Type::U16 | Type::U32 | Type::U64 => ty.bits() as u8,
        Type::S8 | Type::S16 | Type::S32 | Type::S64 => ty.bits() as u8 | kind::SIGNED,
        _ => return None,
    })
}

macro_rules! to_integer {
    ($to:expr, $outer:ident, $s:ty) => {
        match $to.bits() {
            16 => Some(select::<Map1<run::$outer<$s, u16>>>()),
            32 => Some(select::<Map1<run::$outer<$s, u32>>>()),
            64 => Some(select::<Map1<run::$outer<$s, u64>>>()),
            _ => None,
        }
    };
}

macro_rules! from_float {
    ($to:expr, $s:ty) => {
        match $to {
            Type::U16 => Some(select::<Map1<run::Whole<$s, u16>>>()),
            Type::S16 => Some(select::<Map1<run::Whole<$s, i16>>>()),
            Type::U32 => Some(select::<Map1<run::Whole<$s, u32>>>()),
            Type::S32 => Some(select::<Map1<run::Whole<$s, i32>>>()),
            Type::U64 => Some(select::<Map1<run::Whole<$s, u64>>>()),
            Type::S64 => Some(select::<Map1<run::Whole<$s, i64>>>()),
            _ => None,
        }
    };
}

macro_rules! from_integer {
    ($to:expr, $s:ty) => {
        match $to {
            Type::F32 => Some(select::<Map1<run::Float<$s, f32>>>()),
            Type::F64 => Some(select::<Map1<run::Float<$s, f64>>>()),
            to if !to.is_float() => to_integer!(to, Resize, $s),
            _ => None,
        }
    };
}

/// The forms that compilers write all the time.
fn fast(from: Type, to: Type, m: u8) -> Option<Run> {
    let nearest = m & 3 == 0;
    let clean = m & (modifier::SAT | modifier::RELU) == 0;
    match (from, to) {
        (Type::F32, Type::F32) if m & modifier::RELU == 0 => Some(select::<Map1<run::F32ToF32>>()),
        (Type::F16, Type::F32) if clean && m & modifier::INTEGRAL == 0 => {
            Some(select::<Map1<run::F16ToF32>>())
        }
        (Type::Bf16, Type::F32) if clean && m & modifier::INTEGRAL == 0 => {
            Some(select::<Map1<run::Bf16ToF32>>())
        }
        (Type::F32, Type::F16) if clean && nearest && m & modifier::FTZ == 0 => {
            Some(select::<Map1<run::F32ToF16>>())
        }
        (Type::F32, Type::Bf16) if clean && nearest && m & modifier::FTZ == 0 => {
            Some(select::<Map1<run::F32ToBf16>>())
        }
        (Type::F32, Type::F64) if clean && m & modifier::INTEGRAL == 0 => {
            Some(select::<Map1<run::F32ToF64>>())
        }
        (Type::F64, Type::F32) if clean && nearest && m & modifier::INTEGRAL == 0 => {
            Some(select::<Map1<run::F64ToF32>>())
        }
        (Type::F32, _) if !to.is_float() => from_float!(to, f32),
        (Type::F64, _) if !to.is_float() => from_float!(to, f64),
        (Type::U16, _) if clean && nearest => from_integer!(to, u16),
        (Type::S16, _) if clean && nearest => from_integer!(to, i16),
        (Type::U32, _) if clean && nearest => from_integer!(to, u32),
        (Type::S32, _) if clean && nearest => from_integer!(to, i32),
        (Type::U64, _) if clean && nearest => from_integer!(to, u64),
        (Type::S64, _) if clean && nearest => from_integer!(to, i64),
        _ => None,
    }
}
