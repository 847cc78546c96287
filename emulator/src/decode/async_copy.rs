//! `cp.async` with its groups.

use super::function::{Function, Result};
use super::opcode::Opcode;
use super::types::Type;
use crate::exec::async_copy as run;
use crate::exec::handler::select;
use crate::exec::state::Touch;
use crate::ptx::ast::{Number, Operand};

pub fn decode<'a>(
    f: &mut Function<'a, '_>,
    op: &mut Opcode<'a>,
    operands: &'a [Operand<'a>],
) -> Result<bool> {
    if op.base != "cp" {
        return Ok(false);
    }
    if !op.take("async") {
        return f.unsupported(op.text).map(|()| true);
    }
    if op.take("commit_group") {
        f.emit(select::<run::Commit>());
    } else if op.take("wait_all") {
        f.emit(select::<run::WaitAll>());
    } else if op.take("wait_group") {
        let [Operand::Number(Number::Int(most))] = operands else {
            return f
                .syntax("cp.async.wait_group takes a number")
                .map(|()| true);
        };
        f.emit(select::<run::WaitGroup>()).imm(*most as i64);
    } else {
        start(f, op, operands)?;
    }
    Ok(true)
}

fn start<'a>(
    f: &mut Function<'a, '_>,
    op: &mut Opcode<'a>,
    operands: &'a [Operand<'a>],
) -> Result<()> {
    op.take_any(&["ca", "cg"]);
    op.take_any(&["shared", "shared::cta"]);
    op.take("global");
    op.take_any(&["L2::64B", "L2::128B", "L2::256B"]);
    let [
        target,
        source,
        Operand::Number(Number::Int(bytes)),
        rest @ ..,
    ] = operands
    else {
        return f.unsupported(op.text);
    };
    if !matches!(bytes, 4 | 8 | 16) {
        return f.syntax(format!("cp.async of {bytes} bytes"));
    }
    if op.take("L2::cache_hint") {
        return f.unsupported(op.text);
    }
    let (target, source) = (f.address(target)?, f.address(source)?);
    let (mut size, mut ignore) = (None, None);
    if let [extra] = rest {
        let is_predicate = matches!(extra, Operand::Not(_))
            || matches!(extra, Operand::Name(name) if f.any_register(name).is_ok_and(|r| f.types[r.0 as usize] == Type::Pred));
        if is_predicate {
            ignore = Some(f.predicate(extra)?);
        } else {
            size = Some(f.src(extra, Type::U32)?);
        }
    }
    let draft = f.emit(select::<run::Start>());
    draft
        .touches(Touch::Copy)
        .uses(0, target.base)
        .uses(1, source.base)
        .m(0, *bytes as u8);
    draft
        .m(1, u8::from(target.wide))
        .m(2, u8::from(source.wide))
        .imm(target.offset)
        .a(source.offset as i32 as u32);
    if let Some(size) = size {
        draft.uses(2, size);
    }
    if let Some(ignore) = ignore {
        draft.uses(3, ignore);
    }
    Ok(())
}
