//! `mov`, `cvta`, `isspacep`.

use super::function::{Function, Result};
use super::opcode::Opcode;
use super::operand::width;
use super::types::Type;
use crate::exec::handler::{Map1, Map2, select};
use crate::exec::movement as run;
use crate::exec::predicate;
use crate::exec::state::space;
use crate::ptx::ast::Operand;

pub fn decode<'a>(
    f: &mut Function<'a, '_>,
    op: &mut Opcode<'a>,
    operands: &'a [Operand<'a>],
) -> Result<bool> {
    match (op.base, operands) {
        ("mov", [d, s]) => mov(f, op, d, s)?,
        ("cvta", [d, s]) => {
            let to = op.take("to");
            let space = op.take_any(&[
                "global",
                "shared",
                "shared::cta",
                "shared::cluster",
                "local",
                "const",
                "param",
                "param::entry",
            ]);
            if op.take_any(&["u64"]).is_none() {
                return f.unsupported(op.text).map(|()| true);
            }
            let (s, d) = (f.src(s, Type::U64)?, f.dst(d, Type::U64)?);
            let runs = match (space.unwrap_or(""), to) {
                ("global" | "const", _) => select::<Map1<run::Mov<u64>>>(),
                ("shared" | "shared::cta" | "shared::cluster", false) => {
                    select::<Map1<run::SharedToGeneric>>()
                }
                ("local", false) => select::<Map1<run::LocalToGeneric>>(),
                ("shared" | "shared::cta" | "shared::cluster" | "local", true) => {
                    select::<Map1<run::FromGeneric>>()
                }
                // a parameter's address is generic from the start
                ("param" | "param::entry", _) => select::<Map1<run::Mov<u64>>>(),
                _ => return f.unsupported(op.text).map(|()| true),
            };
            f.emit(runs).def(0, d).uses(1, s);
        }
        ("isspacep", [d, s]) => {
            let space = op.take_any(&[
                "global",
                "shared",
                "shared::cta",
                "shared::cluster",
                "local",
                "const",
                "param",
                "param::entry",
            ]);
            let window = match space.unwrap_or("") {
                "global" => 0,
                "shared" | "shared::cta" | "shared::cluster" => space::SHARED,
                "local" => space::LOCAL,
                "param" | "param::entry" => space::PARAM,
                _ => return f.unsupported(op.text).map(|()| true),
            };
            let (s, d) = (f.src(s, Type::U64)?, f.dst(d, Type::Pred)?);
            let runs = select::<predicate::ToPredicate<run::IsSpace>>();
            f.emit(runs).def(0, d).uses(1, s).m(0, (window >> 56) as u8);
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn mov<'a>(
    f: &mut Function<'a, '_>,
    op: &mut Opcode<'a>,
    d: &'a Operand<'a>,
    s: &'a Operand<'a>,
) -> Result<()> {
    let Some(ty) = op.take_type() else {
        return f.syntax("mov without a type");
    };
    match op.take_any(&["v2", "v4"]) {
        Some("v2") => return f.move_vector(2, ty, d, s),
        Some(_) => return f.move_vector(4, ty, d, s),
        None => {}
    }
    match (f.parts(d), f.parts(s)) {
        (Some(count), _) => {
            let part = part_type(f, ty, count)?;
            let s = f.src(s, ty)?;
            let regs = f.each(d, part, |f, p| f.dst(p, part))?;
            let draft = f.emit(select::<run::Unpack>());
            draft
                .uses(0, s)
                .m(0, regs.len() as u8)
                .m(1, part.bytes() as u8)
                .m(2, ty.bytes() as u8);
            for (i, reg) in regs.into_iter().enumerate() {
                draft.def(i as u8 + 1, reg);
            }
        }
        (None, Some(count)) => {
            let part = part_type(f, ty, count)?;
            let d = f.dst(d, ty)?;
            let regs = f.each(s, part, |f, p| f.src(p, part))?;
            if let ([low, high], 2 | 4) = (regs.as_slice(), part.bytes()) {
                let runs = if part.bytes() == 2 {
                    select::<Map2<run::Pack16>>()
                } else {
                    select::<Map2<run::Pack32>>()
                };
                f.emit(runs).def(0, d).uses(1, *low).uses(2, *high);
                return Ok(());
            }
            let draft = f.emit(select::<run::Pack>());
            draft
                .def(0, d)
                .m(0, regs.len() as u8)
                .m(1, part.bytes() as u8)
                .m(2, ty.bytes() as u8);
            for (i, reg) in regs.into_iter().enumerate() {
                draft.uses(i as u8 + 1, reg);
            }
        }
        (None, None) => {
            let (s, d) = (f.src(s, ty)?, f.dst(d, ty)?);
            let runs = match width(ty) {
                1 => select::<predicate::Mov>(),
                16 => select::<Map1<run::Mov<u16>>>(),
                32 => select::<Map1<run::Mov<u32>>>(),
                64 => select::<Map1<run::Mov<u64>>>(),
                _ => select::<Map1<run::Mov<u128>>>(),
            };
            f.emit(runs).def(0, d).uses(1, s);
        }
    }
    Ok(())
}

fn part_type(f: &Function<'_, '_>, ty: Type, parts: usize) -> Result<Type> {
    if parts > 4 {
        return f.syntax(format!("a vector of {parts} elements"));
    }
    match (ty.bits() as usize).checked_div(parts) {
        Some(8) => Ok(Type::B8),
        Some(16) => Ok(Type::B16),
        Some(32) => Ok(Type::B32),
        Some(64) if parts == 2 => Ok(Type::B64),
        _ => f.syntax(format!(
            "a vector of {parts} does not make a type of {} bits",
            ty.bits()
        )),
    }
}
