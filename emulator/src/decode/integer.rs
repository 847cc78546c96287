//! Arithmetic of integers, alone, packed in pairs, with a carry, and dot products.

use super::emit::{count, plain, typed};
use super::function::{Function, Result};
use super::opcode::Opcode;
use super::types::Type;
use crate::exec::handler::{Map1, Map2, Map3, select};
use crate::exec::integer as int;
use crate::ptx::ast::Operand;

/// The function for the integer type, whatever its sign.
macro_rules! unsigned {
    ($ty:expr, $map:ident, $name:ident) => {
        match $ty.bits() {
            16 => Some(select::<$map<int::$name<u16>>>()),
            32 => Some(select::<$map<int::$name<u32>>>()),
            64 => Some(select::<$map<int::$name<u64>>>()),
            _ => None,
        }
    };
}
pub(super) use unsigned;

/// The function for the integer type and its sign.
macro_rules! signed {
    ($ty:expr, $map:ident, $name:ident) => {
        match ($ty.bits(), $ty.signed()) {
            (16, false) => Some(select::<$map<int::$name<u16>>>()),
            (32, false) => Some(select::<$map<int::$name<u32>>>()),
            (64, false) => Some(select::<$map<int::$name<u64>>>()),
            (16, true) => Some(select::<$map<int::$name<i16>>>()),
            (32, true) => Some(select::<$map<int::$name<i32>>>()),
            (64, true) => Some(select::<$map<int::$name<i64>>>()),
            _ => None,
        }
    };
}
pub(super) use signed;

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

pub(super) fn decode<'a>(
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
            (ty == Type::S32).then(|| select::<Map2<int::AddSat<i32>>>()),
            2,
        ),
        ("sub", None) if sat => (
            (ty == Type::S32).then(|| select::<Map2<int::SubSat<i32>>>()),
            2,
        ),
        ("mad", Some("hi")) if sat => (
            (ty == Type::S32).then(|| select::<Map3<int::MadHiSat<i32>>>()),
            3,
        ),
        _ if sat && op.base != "mad24" => (None, 0),
        ("add", None) if matches!(ty, Type::U16x2 | Type::S16x2) => {
            (Some(select::<Map2<int::Add16x2>>()), 2)
        }
        ("min", None) if ty == Type::U16x2 => (Some(select::<Map2<int::MinU16x2>>()), 2),
        ("max", None) if ty == Type::U16x2 => (Some(select::<Map2<int::MaxU16x2>>()), 2),
        ("min", None) if ty == Type::S16x2 => (Some(select::<Map2<int::MinS16x2>>()), 2),
        ("max", None) if ty == Type::S16x2 => (Some(select::<Map2<int::MaxS16x2>>()), 2),
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
            Type::S16 => (Some(select::<Map1<int::Abs<i16>>>()), 1),
            Type::S32 => (Some(select::<Map1<int::Abs<i32>>>()), 1),
            Type::S64 => (Some(select::<Map1<int::Abs<i64>>>()), 1),
            _ => (None, 1),
        },
        ("mul24" | "mad24", Some(half @ ("lo" | "hi"))) if matches!(ty, Type::U32 | Type::S32) => {
            if sat && (op.base, half, ty) != ("mad24", "hi", Type::S32) {
                return f.unsupported(op.text);
            }
            let m = u8::from(half == "hi") | u8::from(ty.signed()) << 1 | u8::from(sat) << 2;
            let (runs, sources) = match op.base {
                "mul24" => (select::<Map2<int::Mul24>>(), 2),
                _ => (select::<Map3<int::Mad24>>(), 3),
            };
            count(f, op, operands, sources)?;
            return plain(f, op, operands, ty, Some(runs), m);
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
        32 => select::<int::Carry<u32>>(),
        64 => select::<int::Carry<u64>>(),
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

pub(super) fn dot<'a>(
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
        select::<Map3<int::Dp4a>>()
    } else {
        select::<Map3<int::Dp2a>>()
    };
    plain(f, op, operands, Type::B32, Some(runs), m)
}

/// `vadd4.dtype.atype.btype{.sat}{.add} d, a, b, c` and the like, without selectors and masks of the operands.
pub(super) fn video<'a>(
    f: &mut Function<'a, '_>,
    op: &mut Opcode<'a>,
    operands: &'a [Operand<'a>],
) -> Result<()> {
    use int::video::*;
    let flag = |on: bool, bit: u8| if on { bit } else { 0 };
    let (name, parts) = op.base.split_at(op.base.len() - 1);
    let operation = match name {
        "vadd" => ADD,
        "vsub" => SUB,
        "vavrg" => AVERAGE,
        "vabsdiff" => DIFFERENCE,
        "vmin" => MIN,
        _ => MAX,
    };
    let types = [(); 3].map(|()| op.take_type());
    let [Some(d), Some(a), Some(b)] = types else {
        return f.syntax("three types expected");
    };
    let (sat, sums) = (op.take("sat"), op.take("add"));
    if sat && sums
        || [d, a, b]
            .iter()
            .any(|t| !matches!(t, Type::U32 | Type::S32))
    {
        return f.unsupported(op.text);
    }
    count(f, op, operands, 3)?;
    let m = operation
        | flag(a.signed(), SIGNED_A)
        | flag(b.signed(), SIGNED_B)
        | flag(d.signed(), SIGNED_D)
        | flag(sat, SATURATES)
        | flag(sums, SUMS);
    let runs = match parts {
        "2" => select::<Map3<int::Video<2>>>(),
        _ => select::<Map3<int::Video<4>>>(),
    };
    plain(f, op, operands, Type::B32, Some(runs), m)
}
