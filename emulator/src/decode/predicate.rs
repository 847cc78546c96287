//! `setp`, `set`, `selp`, `slct`, `testp`.

use super::draft::Reg;
use super::function::{Function, Result};
use super::opcode::Opcode;
use super::operand::width;
use super::types::Type;
use crate::exec::handler::{Map3, select};
use crate::exec::predicate::{self as run, combine, compare};
use crate::exec::state::Run;
use crate::ptx::ast::Operand;

pub fn decode<'a>(
    f: &mut Function<'a, '_>,
    op: &mut Opcode<'a>,
    operands: &'a [Operand<'a>],
) -> Result<bool> {
    match op.base {
        "setp" | "set" => comparison(f, op, operands)?,
        "selp" => {
            let ([d, a, b, p], Some(ty)) = (operands, op.take_type()) else {
                return f.syntax("selp takes four operands").map(|()| true);
            };
            let (a, b, p, d) = (f.src(a, ty)?, f.src(b, ty)?, f.predicate(p)?, f.dst(d, ty)?);
            let runs = match width(ty) {
                16 => select::<run::Selp<u16>>(),
                32 => select::<run::Selp<u32>>(),
                64 => select::<run::Selp<u64>>(),
                _ => return f.unsupported(op.text).map(|()| true),
            };
            f.emit(runs).def(0, d).uses(1, a).uses(2, b).uses(3, p);
        }
        "slct" => {
            op.take("ftz");
            let ([d, a, b, c], Some(ty), Some(by)) = (operands, op.take_type(), op.take_type())
            else {
                return f.syntax("slct takes four operands").map(|()| true);
            };
            let (a, b, c, d) = (f.src(a, ty)?, f.src(b, ty)?, f.src(c, by)?, f.dst(d, ty)?);
            let runs = match (width(ty), by) {
                (16, Type::S32) => select::<Map3<run::Slct<u16, i32>>>(),
                (32, Type::S32) => select::<Map3<run::Slct<u32, i32>>>(),
                (64, Type::S32) => select::<Map3<run::Slct<u64, i32>>>(),
                (16, Type::F32) => select::<Map3<run::Slct<u16, f32>>>(),
                (32, Type::F32) => select::<Map3<run::Slct<u32, f32>>>(),
                (64, Type::F32) => select::<Map3<run::Slct<u64, f32>>>(),
                _ => return f.unsupported(op.text).map(|()| true),
            };
            f.emit(runs).def(0, d).uses(1, a).uses(2, b).uses(3, c);
        }
        "testp" => {
            let names = [
                "finite",
                "infinite",
                "number",
                "notanumber",
                "normal",
                "subnormal",
            ];
            let test = op
                .take_any(&names)
                .and_then(|t| names.iter().position(|n| *n == t));
            let ([d, a], Some(test), Some(ty)) = (operands, test, op.take_type()) else {
                return f.syntax("testp takes two operands").map(|()| true);
            };
            let (a, d) = (f.src(a, ty)?, f.dst(d, Type::Pred)?);
            let runs = match ty {
                Type::F32 => select::<run::ToPredicate<run::TestF32>>(),
                Type::F64 => select::<run::ToPredicate<run::TestF64>>(),
                _ => return f.unsupported(op.text).map(|()| true),
            };
            f.emit(runs).def(0, d).uses(1, a).m(0, test as u8);
        }
        _ => return Ok(false),
    }
    Ok(true)
}

const OPERATORS: [(&str, u8); 18] = [
    ("eq", compare::EQ),
    ("ne", compare::NE),
    ("lt", compare::LT),
    ("le", compare::LE),
    ("gt", compare::GT),
    ("ge", compare::GE),
    ("lo", compare::LT),
    ("ls", compare::LE),
    ("hi", compare::GT),
    ("hs", compare::GE),
    ("equ", compare::EQ + compare::UNORDERED),
    ("neu", compare::NE + compare::UNORDERED),
    ("ltu", compare::LT + compare::UNORDERED),
    ("leu", compare::LE + compare::UNORDERED),
    ("gtu", compare::GT + compare::UNORDERED),
    ("geu", compare::GE + compare::UNORDERED),
    ("num", compare::NUM),
    ("nan", compare::NAN),
];

macro_rules! operators {
    ($op:expr, $outer:ident, $t:ty) => {
        match $op {
            compare::EQ => Some(select::<run::$outer<run::Int<$t, { compare::EQ }>>>()),
            compare::NE => Some(select::<run::$outer<run::Int<$t, { compare::NE }>>>()),
            compare::LT => Some(select::<run::$outer<run::Int<$t, { compare::LT }>>>()),
            compare::LE => Some(select::<run::$outer<run::Int<$t, { compare::LE }>>>()),
            compare::GT => Some(select::<run::$outer<run::Int<$t, { compare::GT }>>>()),
            compare::GE => Some(select::<run::$outer<run::Int<$t, { compare::GE }>>>()),
            _ => None,
        }
    };
}

macro_rules! types {
    ($ty:expr, $op:expr, $outer:ident) => {
        match $ty {
            Type::F32 => Some(select::<run::$outer<run::F32>>()),
            Type::F64 => Some(select::<run::$outer<run::F64>>()),
            Type::F16 => Some(select::<run::$outer<run::F16>>()),
            Type::Bf16 => Some(select::<run::$outer<run::Bf16>>()),
            Type::U16 | Type::B16 => operators!($op, $outer, u16),
            Type::U32 | Type::B32 => operators!($op, $outer, u32),
            Type::U64 | Type::B64 => operators!($op, $outer, u64),
            Type::S16 => operators!($op, $outer, i16),
            Type::S32 => operators!($op, $outer, i32),
            Type::S64 => operators!($op, $outer, i64),
            _ => None,
        }
    };
}

fn comparison<'a>(
    f: &mut Function<'a, '_>,
    op: &mut Opcode<'a>,
    operands: &'a [Operand<'a>],
) -> Result<()> {
    let names: Vec<&str> = OPERATORS.iter().map(|o| o.0).collect();
    let Some(operator) = op
        .take_any(&names)
        .and_then(|n| OPERATORS.iter().find(|o| o.0 == n))
        .map(|o| o.1)
    else {
        return f.syntax(format!("{} without a comparison", op.text));
    };
    let combined = match op.take_any(&["and", "or", "xor"]) {
        Some("and") => combine::AND,
        Some("or") => combine::OR,
        Some("xor") => combine::XOR,
        _ => combine::NONE,
    };
    let m = operator | if op.take("ftz") { 0x80 } else { 0 };
    // `set` names the result's type first
    let result = if op.base == "set" {
        op.take_type()
    } else {
        None
    };
    let Some(ty) = op.take_type() else {
        return f.syntax(format!("{} without a type", op.text));
    };
    let [d, a, b, rest @ ..] = operands else {
        return f.syntax(format!("{} without operands", op.text));
    };
    let (a, b) = (f.src(a, ty)?, f.src(b, ty)?);
    let other = match (combined, rest) {
        (combine::NONE, []) => None,
        (combine::AND | combine::OR | combine::XOR, [c]) => Some(f.predicate(c)?),
        _ => return f.syntax(format!("operands of {}", op.text)),
    };
    let packed = matches!(ty, Type::F16x2 | Type::Bf16x2);
    let format = u8::from(ty == Type::Bf16x2);
    if let Some(result) = result {
        return set(
            f,
            op,
            d,
            result,
            (ty, operator, packed),
            (a, b, other),
            (m, combined, format),
        );
    }
    let (p, q) = match d {
        Operand::Pair(p, q) => (f.dst(p, Type::Pred)?, Some(f.dst(q, Type::Pred)?)),
        d => (f.dst(d, Type::Pred)?, None),
    };
    let runs: Option<Run> = if packed {
        Some(select::<run::SetpPacked>())
    } else {
        types!(ty, operator, Setp)
    };
    let Some(runs) = runs else {
        return f.unsupported(op.text);
    };
    let draft = f.emit(runs);
    draft
        .def(0, p)
        .uses(2, a)
        .uses(3, b)
        .m(0, m)
        .m(1, combined)
        .m(3, format);
    if let Some(q) = q {
        draft.def(1, q);
    }
    if let Some(other) = other {
        draft.uses(4, other);
    }
    Ok(())
}

fn set<'a>(
    f: &mut Function<'a, '_>,
    op: &Opcode<'a>,
    d: &'a Operand<'a>,
    result: Type,
    (ty, operator, packed): (Type, u8, bool),
    (a, b, other): (Reg, Reg, Option<Reg>),
    (m, combined, format): (u8, u8, u8),
) -> Result<()> {
    let value: i64 = match result {
        Type::F32 => i64::from(1f32.to_bits()),
        Type::F16 | Type::F16x2 => 0x3C00,
        Type::Bf16 | Type::Bf16x2 => 0x3F80,
        _ => -1,
    };
    let d = f.dst(d, result)?;
    let runs: Option<Run> = if packed {
        Some(select::<run::SetPacked>())
    } else {
        types!(ty, operator, Set)
    };
    let Some(runs) = runs else {
        return f.unsupported(op.text);
    };
    let draft = f.emit(runs);
    draft
        .def(0, d)
        .uses(2, a)
        .uses(3, b)
        .m(0, m)
        .m(1, combined)
        .m(2, result.bits() as u8)
        .m(3, format)
        .imm(value);
    if let Some(other) = other {
        draft.uses(4, other);
    }
    Ok(())
}
