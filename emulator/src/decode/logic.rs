//! Logic, shifts, bit fields.

use super::emit::{plain, typed};
use super::function::{Function, Result};
use super::integer::{signed, unsigned};
use super::opcode::Opcode;
use super::types::Type;
use crate::exec::handler::{Map1, Map2, Map3, select};
use crate::exec::integer as int;
use crate::exec::predicate;
use crate::ptx::ast::Operand;

pub fn decode<'a>(
    f: &mut Function<'a, '_>,
    op: &mut Opcode<'a>,
    operands: &'a [Operand<'a>],
) -> Result<bool> {
    match op.base {
        "lop3" => return lop3(f, op, operands).map(|()| true),
        "shf" => {
            let m = u8::from(op.take("r")) | if op.take("wrap") { 2 } else { 0 };
            op.take("l");
            op.take("clamp");
            op.take("b32");
            return plain(
                f,
                op,
                operands,
                Type::B32,
                Some(select::<Map3<int::Shf>>()),
                m,
            )
            .map(|()| true);
        }
        "prmt" => {
            op.take("b32");
            let modes = ["f4e", "b4e", "rc8", "ecl", "ecr", "rc16"];
            let m = op
                .take_any(&modes)
                .and_then(|m| modes.iter().position(|n| *n == m))
                .map_or(0, |m| m as u8 + 1);
            return plain(
                f,
                op,
                operands,
                Type::B32,
                Some(select::<Map3<int::Prmt>>()),
                m,
            )
            .map(|()| true);
        }
        "bmsk" => {
            let m = u8::from(op.take("wrap"));
            op.take("clamp");
            op.take("b32");
            return plain(
                f,
                op,
                operands,
                Type::B32,
                Some(select::<Map2<int::Bmsk>>()),
                m,
            )
            .map(|()| true);
        }
        "szext" => {
            let m = u8::from(op.take("wrap")) | if op.take("s32") { 2 } else { 0 };
            op.take("clamp");
            op.take("u32");
            return plain(
                f,
                op,
                operands,
                Type::B32,
                Some(select::<Map2<int::Szext>>()),
                m,
            )
            .map(|()| true);
        }
        "fns" => {
            op.take("b32");
            return plain(
                f,
                op,
                operands,
                Type::B32,
                Some(select::<Map3<int::Fns>>()),
                0,
            )
            .map(|()| true);
        }
        "and" | "or" | "xor" | "not" | "cnot" | "shl" | "shr" | "popc" | "clz" | "bfind"
        | "brev" | "bfe" | "bfi" => {}
        _ => return Ok(false),
    }
    let shift_amount = op.take("shiftamt");
    let Some(ty) = op.take_type() else {
        return f
            .syntax(format!("{} without a type", op.text))
            .map(|()| true);
    };
    if ty == Type::Pred {
        return predicates(f, op, operands).map(|()| true);
    }
    let result = match op.base {
        "and" => plain(f, op, operands, ty, unsigned!(ty, Map2, And), 0),
        "or" => plain(f, op, operands, ty, unsigned!(ty, Map2, Or), 0),
        "xor" => plain(f, op, operands, ty, unsigned!(ty, Map2, Xor), 0),
        "not" => plain(f, op, operands, ty, unsigned!(ty, Map1, Not), 0),
        "cnot" => plain(f, op, operands, ty, unsigned!(ty, Map1, Cnot), 0),
        "shl" => typed(
            f,
            op,
            operands,
            ty,
            &[ty, Type::U32],
            unsigned!(ty, Map2, Shl),
            0,
        ),
        "shr" => typed(
            f,
            op,
            operands,
            ty,
            &[ty, Type::U32],
            signed!(ty, Map2, Shr),
            0,
        ),
        "popc" => typed(
            f,
            op,
            operands,
            Type::U32,
            &[ty],
            unsigned!(ty, Map1, Popc),
            0,
        ),
        "clz" => typed(
            f,
            op,
            operands,
            Type::U32,
            &[ty],
            unsigned!(ty, Map1, Clz),
            0,
        ),
        "brev" => {
            let runs = match ty.bits() {
                32 => Some(select::<Map1<int::Brev<u32>>>()),
                64 => Some(select::<Map1<int::Brev<u64>>>()),
                _ => None,
            };
            plain(f, op, operands, ty, runs, 0)
        }
        "bfind" => {
            let runs = match ty {
                Type::U32 => Some(select::<Map1<int::Bfind<u32>>>()),
                Type::S32 => Some(select::<Map1<int::Bfind<i32>>>()),
                Type::U64 => Some(select::<Map1<int::Bfind<u64>>>()),
                Type::S64 => Some(select::<Map1<int::Bfind<i64>>>()),
                _ => None,
            };
            typed(
                f,
                op,
                operands,
                Type::U32,
                &[ty],
                runs,
                u8::from(shift_amount),
            )
        }
        "bfe" => {
            let runs = match ty {
                Type::U32 => Some(select::<Map3<int::Bfe<u32>>>()),
                Type::S32 => Some(select::<Map3<int::Bfe<i32>>>()),
                Type::U64 => Some(select::<Map3<int::Bfe<u64>>>()),
                Type::S64 => Some(select::<Map3<int::Bfe<i64>>>()),
                _ => None,
            };
            typed(f, op, operands, ty, &[ty, Type::U32, Type::U32], runs, 0)
        }
        _ => {
            let runs = match ty.bits() {
                32 => Some(select::<int::Bfi<u32>>()),
                64 => Some(select::<int::Bfi<u64>>()),
                _ => None,
            };
            typed(
                f,
                op,
                operands,
                ty,
                &[ty, ty, Type::U32, Type::U32],
                runs,
                0,
            )
        }
    };
    result.map(|()| true)
}

fn predicates<'a>(
    f: &mut Function<'a, '_>,
    op: &mut Opcode<'a>,
    operands: &'a [Operand<'a>],
) -> Result<()> {
    let runs = match op.base {
        "and" => Some(select::<predicate::And>()),
        "or" => Some(select::<predicate::Or>()),
        "xor" => Some(select::<predicate::Xor>()),
        "not" => Some(select::<predicate::Not>()),
        _ => None,
    };
    plain(f, op, operands, Type::Pred, runs, 0)
}

/// `lop3.b32 d, a, b, c, table` and `lop3.and.b32 d|p, a, b, c, table, q`.
fn lop3<'a>(
    f: &mut Function<'a, '_>,
    op: &mut Opcode<'a>,
    operands: &'a [Operand<'a>],
) -> Result<()> {
    op.take("b32");
    let combine = op.take_any(&["and", "or"]);
    let [d, a, b, c, table, rest @ ..] = operands else {
        return f.syntax("lop3 takes five operands");
    };
    let Operand::Number(crate::ptx::ast::Number::Int(table)) = table else {
        return f.syntax("lop3's table is a number");
    };
    let (a, b, c) = (
        f.src(a, Type::B32)?,
        f.src(b, Type::B32)?,
        f.src(c, Type::B32)?,
    );
    let (d, p) = match d {
        Operand::Pair(d, p) => (f.dst(d, Type::B32)?, Some(f.dst(p, Type::Pred)?)),
        d => (f.dst(d, Type::B32)?, None),
    };
    let q = match rest {
        [q] => Some(f.predicate(q)?),
        _ => None,
    };
    let draft = f.emit(select::<int::Lop3>());
    draft
        .def(0, d)
        .uses(1, a)
        .uses(2, b)
        .uses(3, c)
        .m(0, *table as u8)
        .m(1, u8::from(combine == Some("or")));
    if let (Some(p), Some(q)) = (p, q) {
        draft.def(4, p).uses(5, q);
    }
    Ok(())
}
