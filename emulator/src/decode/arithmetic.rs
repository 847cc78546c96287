//! Arithmetic of every type.

use super::function::{Function, Result};
use super::half;
use super::opcode::Opcode;
use super::types::Type;
use crate::exec::float::{self, mode};
use crate::exec::handler::{Map1, Map2, Map3, same};
use crate::exec::inst::Run;
use crate::exec::integer as int;
use crate::exec::rounding::Rounding;
use crate::ptx::ast::Operand;

/// The function for the integer type, whatever its sign.
macro_rules! unsigned {
    ($ty:expr, $map:ident, $name:ident) => {
        match $ty.bits() {
            16 => Some(same::<$map<int::$name<u16>>>()),
            32 => Some(same::<$map<int::$name<u32>>>()),
            64 => Some(same::<$map<int::$name<u64>>>()),
            _ => None,
        }
    };
}
pub(super) use unsigned;

/// The function for the integer type and its sign.
macro_rules! signed {
    ($ty:expr, $map:ident, $name:ident) => {
        match ($ty.bits(), $ty.signed()) {
            (16, false) => Some(same::<$map<int::$name<u16>>>()),
            (32, false) => Some(same::<$map<int::$name<u32>>>()),
            (64, false) => Some(same::<$map<int::$name<u64>>>()),
            (16, true) => Some(same::<$map<int::$name<i16>>>()),
            (32, true) => Some(same::<$map<int::$name<i32>>>()),
            (64, true) => Some(same::<$map<int::$name<i64>>>()),
            _ => None,
        }
    };
}
pub(super) use signed;

/// The copy of a float function for its `.ftz` and `.sat`.
macro_rules! ftz_sat {
    ($m:expr, $map:ident, $name:ident) => {
        match ($m & mode::FTZ != 0, $m & mode::SAT != 0) {
            (false, false) => same::<$map<float::$name<false, false>>>(),
            (true, false) => same::<$map<float::$name<true, false>>>(),
            (false, true) => same::<$map<float::$name<false, true>>>(),
            (true, true) => same::<$map<float::$name<true, true>>>(),
        }
    };
}

/// Modifiers of float arithmetic as a byte; the rounding mode of `.rn` to `.rp`.
pub fn float_mode(op: &mut Opcode<'_>) -> u8 {
    let rounding = match op.take_any(&["rn", "rz", "rm", "rp"]) {
        Some("rz") => Rounding::Zero,
        Some("rm") => Rounding::Down,
        Some("rp") => Rounding::Up,
        _ => Rounding::Nearest,
    };
    let flag = |on: bool, bit: u8| if on { bit } else { 0 };
    rounding as u8 | flag(op.take("ftz"), mode::FTZ) | flag(op.take("sat"), mode::SAT)
}

pub fn decode<'a>(
    f: &mut Function<'a, '_>,
    op: &mut Opcode<'a>,
    operands: &'a [Operand<'a>],
) -> Result<bool> {
    match op.base {
        "add" | "sub" | "addc" | "subc" | "mul" | "mad" | "madc" | "fma" | "div" | "rem"
        | "min" | "max" | "abs" | "neg" | "sad" | "mul24" | "mad24" | "rcp" | "sqrt" | "rsqrt"
        | "sin" | "cos" | "tanh" | "ex2" | "lg2" | "copysign" | "dp4a" | "dp2a" => {}
        _ => return Ok(false),
    }
    if matches!(op.base, "dp4a" | "dp2a") {
        return dot(f, op, operands).map(|()| true);
    }
    let Some(ty) = op.take_type() else {
        return f
            .syntax(format!("{} without a type", op.text))
            .map(|()| true);
    };
    match ty {
        Type::F32 => single(f, op, operands)?,
        Type::F64 => double(f, op, operands)?,
        Type::F16 | Type::Bf16 | Type::F16x2 | Type::Bf16x2 => half::decode(f, op, operands, ty)?,
        _ => integer(f, op, operands, ty)?,
    }
    Ok(true)
}

/// Emits `d = f(operands)` with all operands of one type.
pub fn plain<'a>(
    f: &mut Function<'a, '_>,
    op: &Opcode<'a>,
    operands: &'a [Operand<'a>],
    ty: Type,
    runs: Option<[Run; 3]>,
    m: u8,
) -> Result<()> {
    typed(f, op, operands, ty, &[ty; 3], runs, m)
}

/// Emits `d = f(operands)` with the types of each.
pub fn typed<'a>(
    f: &mut Function<'a, '_>,
    op: &Opcode<'a>,
    operands: &'a [Operand<'a>],
    result: Type,
    types: &[Type],
    runs: Option<[Run; 3]>,
    m: u8,
) -> Result<()> {
    let Some(runs) = runs else {
        return f.unsupported(op.text);
    };
    let [d, sources @ ..] = operands else {
        return f.syntax(format!("{} without operands", op.text));
    };
    if sources.len() > types.len() {
        return f.syntax(format!("too many operands of {}", op.text));
    }
    let mut regs = vec![];
    for (s, ty) in sources.iter().zip(types) {
        regs.push(f.src(s, *ty)?);
    }
    let d = f.dst(d, result)?;
    let draft = f.emit(runs);
    draft.def(0, d).m(0, m);
    for (i, reg) in regs.into_iter().enumerate() {
        draft.uses(i as u8 + 1, reg);
    }
    Ok(())
}

/// How many sources an instruction must have.
fn count<'a>(
    f: &Function<'a, '_>,
    op: &Opcode<'a>,
    operands: &[Operand<'a>],
    sources: usize,
) -> Result<()> {
    if operands.len() == sources + 1 {
        Ok(())
    } else {
        f.syntax(format!("{} takes {} operands", op.text, sources + 1))
    }
}

fn single<'a>(
    f: &mut Function<'a, '_>,
    op: &mut Opcode<'a>,
    operands: &'a [Operand<'a>],
) -> Result<()> {
    let mut m = float_mode(op);
    let nearest = m & mode::ROUNDING == 0;
    let approx = op.take("approx");
    let (runs, sources) = match op.base {
        "add" if nearest => (ftz_sat!(m, Map2, Add), 2),
        "sub" if nearest => (ftz_sat!(m, Map2, Sub), 2),
        "add" => (same::<Map2<float::AddRounded>>(), 2),
        "sub" => {
            m |= mode::NEGATE;
            (same::<Map2<float::AddRounded>>(), 2)
        }
        "mul" if nearest => (ftz_sat!(m, Map2, Mul), 2),
        "mul" => (same::<Map2<float::MulRounded>>(), 2),
        "fma" | "mad" if nearest => (ftz_sat!(m, Map3, Fma), 3),
        "fma" | "mad" => {
            let runs = match m & mode::ROUNDING {
                1 => same::<Map3<float::FmaRounded<1>>>(),
                2 => same::<Map3<float::FmaRounded<2>>>(),
                _ => same::<Map3<float::FmaRounded<3>>>(),
            };
            (runs, 3)
        }
        "div" => {
            let _ = op.take("full");
            let runs = match (nearest, m & mode::FTZ != 0) {
                (true, false) => same::<Map2<float::Div<false>>>(),
                (true, true) => same::<Map2<float::Div<true>>>(),
                _ => same::<Map2<float::DivRounded>>(),
            };
            (runs, 2)
        }
        "rcp" => (
            if nearest {
                same::<Map1<float::Rcp>>()
            } else {
                same::<Map1<float::RcpRounded>>()
            },
            1,
        ),
        "sqrt" => (
            if nearest {
                same::<Map1<float::Sqrt>>()
            } else {
                same::<Map1<float::SqrtRounded>>()
            },
            1,
        ),
        "rsqrt" if approx => (same::<Map1<float::Rsqrt>>(), 1),
        "sin" if approx => (same::<Map1<float::Sin>>(), 1),
        "cos" if approx => (same::<Map1<float::Cos>>(), 1),
        "tanh" if approx => (same::<Map1<float::Tanh>>(), 1),
        "ex2" if approx => (same::<Map1<float::Ex2>>(), 1),
        "lg2" if approx => (same::<Map1<float::Lg2>>(), 1),
        "abs" => (same::<Map1<float::Abs>>(), 1),
        "neg" => (same::<Map1<float::Neg>>(), 1),
        "copysign" => (same::<Map2<float::Copysign>>(), 2),
        "min" | "max" => {
            m |= extreme_mode(op);
            let three = operands.len() == 4;
            let runs = match (op.base, three) {
                ("min", false) => same::<Map2<float::Min>>(),
                ("max", false) => same::<Map2<float::Max>>(),
                ("min", true) => same::<Map3<float::Min3>>(),
                _ => same::<Map3<float::Max3>>(),
            };
            (runs, if three { 3 } else { 2 })
        }
        _ => return f.unsupported(op.text),
    };
    count(f, op, operands, sources)?;
    plain(f, op, operands, Type::F32, Some(runs), m)
}

/// `.NaN`, `.xorsign.abs`, `.abs` of `min` and `max`.
pub fn extreme_mode(op: &mut Opcode<'_>) -> u8 {
    let flag = |on: bool, bit: u8| if on { bit } else { 0 };
    flag(op.take("NaN"), mode::NAN)
        | flag(op.take("xorsign"), mode::XORSIGN)
        | flag(op.take("abs"), mode::ABS)
}

fn double<'a>(
    f: &mut Function<'a, '_>,
    op: &mut Opcode<'a>,
    operands: &'a [Operand<'a>],
) -> Result<()> {
    let m = float_mode(op);
    let approx = op.take("approx");
    let (runs, sources) = match op.base {
        "add" => (same::<Map2<float::AddF64>>(), 2),
        "sub" => (same::<Map2<float::SubF64>>(), 2),
        "mul" => (same::<Map2<float::MulF64>>(), 2),
        "fma" | "mad" => (same::<Map3<float::FmaF64>>(), 3),
        "div" => (same::<Map2<float::DivF64>>(), 2),
        "rcp" if approx => (same::<Map1<float::RcpApproxF64>>(), 1),
        "rcp" => (same::<Map1<float::RcpF64>>(), 1),
        "sqrt" => (same::<Map1<float::SqrtF64>>(), 1),
        "rsqrt" if approx && m & mode::FTZ != 0 => (same::<Map1<float::RsqrtApproxF64>>(), 1),
        "rsqrt" if approx => (same::<Map1<float::RsqrtF64>>(), 1),
        "abs" => (same::<Map1<float::AbsF64>>(), 1),
        "neg" => (same::<Map1<float::NegF64>>(), 1),
        "min" => (same::<Map2<float::MinF64>>(), 2),
        "max" => (same::<Map2<float::MaxF64>>(), 2),
        "copysign" => (same::<Map2<float::CopysignF64>>(), 2),
        _ => return f.unsupported(op.text),
    };
    count(f, op, operands, sources)?;
    plain(f, op, operands, Type::F64, Some(runs), m)
}

fn wider(ty: Type) -> Option<Type> {
    Some(match ty {
        Type::U16 => Type::U32,
        Type::S16 => Type::S32,
        Type::U32 => Type::U64,
        Type::S32 => Type::S64,
        Type::U64 | Type::S64 => Type::B128,
        _ => return None,
    })
}

fn integer<'a>(
    f: &mut Function<'a, '_>,
    op: &mut Opcode<'a>,
    operands: &'a [Operand<'a>],
    ty: Type,
) -> Result<()> {
    let carried = op.take("cc");
    if carried || matches!(op.base, "addc" | "subc" | "madc") {
        return carry(f, op, operands, ty, carried);
    }
    let sat = op.take("sat");
    let form = op.take_any(&["lo", "hi", "wide"]);
    let (runs, sources) = match (op.base, form) {
        ("add", None) if sat => (
            (ty == Type::S32).then(|| same::<Map2<int::AddSat<i32>>>()),
            2,
        ),
        ("sub", None) if sat => (
            (ty == Type::S32).then(|| same::<Map2<int::SubSat<i32>>>()),
            2,
        ),
        ("mad", Some("hi")) if sat => (
            (ty == Type::S32).then(|| same::<Map3<int::MadHiSat<i32>>>()),
            3,
        ),
        _ if sat => (None, 0),
        ("add", None) if matches!(ty, Type::U16x2 | Type::S16x2) => {
            (Some(same::<Map2<int::Add16x2>>()), 2)
        }
        ("min", None) if ty == Type::U16x2 => (Some(same::<Map2<int::MinU16x2>>()), 2),
        ("max", None) if ty == Type::U16x2 => (Some(same::<Map2<int::MaxU16x2>>()), 2),
        ("min", None) if ty == Type::S16x2 => (Some(same::<Map2<int::MinS16x2>>()), 2),
        ("max", None) if ty == Type::S16x2 => (Some(same::<Map2<int::MaxS16x2>>()), 2),
        ("add", None) => (unsigned!(ty, Map2, Add), 2),
        ("sub", None) => (unsigned!(ty, Map2, Sub), 2),
        ("mul", Some("lo")) => (unsigned!(ty, Map2, Mul), 2),
        ("mul", Some("hi")) => (signed!(ty, Map2, MulHi), 2),
        ("mul", Some("wide")) => (signed!(ty, Map2, MulWide), 2),
        ("mad", Some("lo")) => (unsigned!(ty, Map3, Mad), 3),
        ("mad", Some("hi")) => (signed!(ty, Map3, MadHi), 3),
        ("mad", Some("wide")) => (signed!(ty, Map3, MadWide), 3),
        ("div", None) => (signed!(ty, Map2, Div), 2),
        ("rem", None) => (signed!(ty, Map2, Rem), 2),
        ("min", None) => (signed!(ty, Map2, Min), 2),
        ("max", None) => (signed!(ty, Map2, Max), 2),
        ("sad", None) => (signed!(ty, Map3, Sad), 3),
        ("neg", None) => (unsigned!(ty, Map1, Neg), 1),
        ("abs", None) => match ty {
            Type::S16 => (Some(same::<Map1<int::Abs<i16>>>()), 1),
            Type::S32 => (Some(same::<Map1<int::Abs<i32>>>()), 1),
            Type::S64 => (Some(same::<Map1<int::Abs<i64>>>()), 1),
            _ => (None, 1),
        },
        ("mul24", Some(half)) => {
            count(f, op, operands, 2)?;
            let m = u8::from(half == "hi") | if ty.signed() { 2 } else { 0 };
            return plain(f, op, operands, ty, Some(same::<Map2<int::Mul24>>()), m);
        }
        _ => (None, 0),
    };
    if runs.is_some() {
        count(f, op, operands, sources)?;
    }
    if form == Some("wide") {
        let Some(wide) = wider(ty) else {
            return f.unsupported(op.text);
        };
        return typed(f, op, operands, wide, &[ty, ty, wide], runs, 0);
    }
    plain(f, op, operands, ty, runs, 0)
}

/// The condition code register is a predicate of the function.
fn carry<'a>(
    f: &mut Function<'a, '_>,
    op: &mut Opcode<'a>,
    operands: &'a [Operand<'a>],
    ty: Type,
    writes: bool,
) -> Result<()> {
    use int::carry::*;
    let flag = |on: bool, bit: u8| if on { bit } else { 0 };
    let half = op.take_any(&["lo", "hi"]);
    let (product, reads) = (op.base.starts_with("mad"), op.base.ends_with('c'));
    count(f, op, operands, if product { 3 } else { 2 })?;
    let m = flag(reads, READS)
        | flag(writes, WRITES)
        | flag(op.base.starts_with("sub"), SUBTRACTS)
        | flag(product, PRODUCT)
        | flag(half == Some("hi"), HIGH)
        | flag(ty.signed(), SIGNED);
    let runs = match ty.bits() {
        32 => same::<int::Carry<u32>>(),
        64 => same::<int::Carry<u64>>(),
        _ => return f.unsupported(op.text),
    };
    let flag = f.carry();
    plain(f, op, operands, ty, Some(runs), m)?;
    if let Some(draft) = f.drafts.last_mut() {
        if reads {
            draft.uses(5, flag);
        }
        if writes {
            draft.def(5, flag);
        }
    }
    Ok(())
}

fn dot<'a>(
    f: &mut Function<'a, '_>,
    op: &mut Opcode<'a>,
    operands: &'a [Operand<'a>],
) -> Result<()> {
    let high = match (op.base, op.take_any(&["lo", "hi"])) {
        ("dp2a", Some("hi")) => 4,
        ("dp2a", None) => return f.syntax("dp2a without .lo or .hi"),
        _ => 0,
    };
    let (Some(a), Some(b)) = (op.take_type(), op.take_type()) else {
        return f.syntax("two types expected");
    };
    count(f, op, operands, 3)?;
    let m = u8::from(a.signed()) | if b.signed() { 2 } else { 0 } | high;
    let runs = if op.base == "dp4a" {
        same::<Map3<int::Dp4a>>()
    } else {
        same::<Map3<int::Dp2a>>()
    };
    plain(f, op, operands, Type::B32, Some(runs), m)
}
