//! `shfl`, `vote`, `match`, `redux`, `activemask`, `elect`.

use super::function::{Function, Result};
use super::opcode::Opcode;
use super::types::Type;
use crate::exec::handler::select;
use crate::exec::shuffle as run;
use crate::ptx::ast::Operand;

pub fn decode<'a>(
    f: &mut Function<'a, '_>,
    op: &mut Opcode<'a>,
    operands: &'a [Operand<'a>],
) -> Result<bool> {
    // a modifier may only be taken from an opcode of this family
    let sync = matches!(op.base, "shfl" | "vote" | "match" | "redux" | "elect") && op.take("sync");
    match op.base {
        "shfl" => shuffle(f, op, operands, sync)?,
        "vote" => vote(f, op, operands, sync)?,
        "match" => {
            let all = op.take("all");
            op.take("any");
            let ([d, value, mask], Some(ty)) = (operands, op.take_type()) else {
                return f.syntax("match takes three operands").map(|()| true);
            };
            let (value, mask) = (f.src(value, ty)?, f.src(mask, Type::B32)?);
            let (d, p) = match d {
                Operand::Pair(d, p) => (f.dst(d, Type::B32)?, Some(f.dst(p, Type::Pred)?)),
                d => (f.dst(d, Type::B32)?, None),
            };
            let runs = if ty.bits() == 64 {
                select::<run::Match<u64>>()
            } else {
                select::<run::Match<u32>>()
            };
            let draft = f.emit(runs);
            draft
                .def(0, d)
                .uses(2, value)
                .uses(3, mask)
                .m(0, u8::from(all));
            if let Some(p) = p {
                draft.def(1, p);
            }
        }
        "redux" => {
            use run::reduce::*;
            let name = op.take_any(&["add", "min", "max", "and", "or", "xor"]);
            let ([d, s, mask], Some(name), Some(ty)) = (operands, name, op.take_type()) else {
                return f.unsupported(op.text).map(|()| true);
            };
            let m = match (name, ty) {
                ("add", Type::U32 | Type::S32) => ADD,
                ("min", Type::U32) => MIN,
                ("max", Type::U32) => MAX,
                ("min", Type::S32) => MIN_SIGNED,
                ("max", Type::S32) => MAX_SIGNED,
                ("and", Type::B32) => AND,
                ("or", Type::B32) => OR,
                ("xor", Type::B32) => XOR,
                _ => return f.unsupported(op.text).map(|()| true),
            };
            let (s, mask, d) = (f.src(s, ty)?, f.src(mask, Type::B32)?, f.dst(d, ty)?);
            f.emit(select::<run::Redux>())
                .def(0, d)
                .uses(1, s)
                .uses(2, mask)
                .m(0, m);
        }
        "activemask" => {
            op.take("b32");
            let [d] = operands else {
                return f.syntax("activemask takes one operand").map(|()| true);
            };
            let d = f.dst(d, Type::B32)?;
            f.emit(select::<run::Activemask>()).def(0, d);
        }
        "elect" => {
            let [Operand::Pair(d, p), mask] = operands else {
                return f.syntax("elect.sync takes d|p and a mask").map(|()| true);
            };
            let (mask, d, p) = (
                f.src(mask, Type::B32)?,
                f.dst(d, Type::B32)?,
                f.dst(p, Type::Pred)?,
            );
            f.emit(select::<run::Elect>())
                .def(0, d)
                .def(1, p)
                .uses(2, mask);
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn shuffle<'a>(
    f: &mut Function<'a, '_>,
    op: &mut Opcode<'a>,
    operands: &'a [Operand<'a>],
    sync: bool,
) -> Result<()> {
    use run::mode::*;
    op.take("b32");
    let m = match op.take_any(&["up", "down", "bfly", "idx"]) {
        Some("up") => UP,
        Some("down") => DOWN,
        Some("bfly") => BFLY,
        Some(_) => IDX,
        None => return f.syntax("shfl without a mode"),
    };
    let (d, source, amount, clamp, mask) = match operands {
        [d, a, b, c, mask] if sync => (d, a, b, c, Some(mask)),
        [d, a, b, c] if !sync => (d, a, b, c, None),
        _ => return f.syntax(format!("operands of {}", op.text)),
    };
    let (source, amount) = (f.src(source, Type::B32)?, f.src(amount, Type::B32)?);
    let clamp = f.src(clamp, Type::B32)?;
    let mask = mask.map(|m| f.src(m, Type::B32)).transpose()?;
    let (d, p) = match d {
        Operand::Pair(d, p) => (f.dst(d, Type::B32)?, Some(f.dst(p, Type::Pred)?)),
        d => (f.dst(d, Type::B32)?, None),
    };
    let draft = f.emit(select::<run::Shuffle>());
    draft
        .def(0, d)
        .uses(2, source)
        .uses(3, amount)
        .uses(4, clamp)
        .m(0, m);
    if let Some(p) = p {
        draft.def(1, p);
    }
    if let Some(mask) = mask {
        draft.uses(5, mask);
    }
    Ok(())
}

fn vote<'a>(
    f: &mut Function<'a, '_>,
    op: &mut Opcode<'a>,
    operands: &'a [Operand<'a>],
    sync: bool,
) -> Result<()> {
    use run::vote::*;
    let (m, ty) = match op.take_any(&["all", "any", "uni", "ballot"]) {
        Some("all") => (ALL, Type::Pred),
        Some("any") => (ANY, Type::Pred),
        Some("uni") => (UNI, Type::Pred),
        Some(_) => (BALLOT, Type::B32),
        None => return f.syntax("vote without a mode"),
    };
    op.take_type();
    let (d, p, mask) = match operands {
        [d, p, mask] if sync => (d, p, Some(mask)),
        [d, p] if !sync => (d, p, None),
        _ => return f.syntax(format!("operands of {}", op.text)),
    };
    let p = f.predicate(p)?;
    let mask = mask.map(|m| f.src(m, Type::B32)).transpose()?;
    let d = f.dst(d, ty)?;
    let draft = f.emit(select::<run::Vote>());
    draft.def(0, d).uses(1, p).m(0, m);
    if let Some(mask) = mask {
        draft.uses(2, mask);
    }
    Ok(())
}
