//! `cp.async.bulk`, `cp.reduce.async.bulk` without tensors.

use super::{pointer, require};
use crate::decode::function::{Function, Result};
use crate::decode::opcode::Opcode;
use crate::decode::types::Type;
use crate::exec::atomic::op as which;
use crate::exec::handler::select;
use crate::exec::hopper::bulk::{self as run, modifier};
use crate::exec::hopper::outbound;
use crate::exec::state::{Kind, Touch};
use crate::ptx::ast::{Number, Operand};

pub fn decode<'a>(
    f: &mut Function<'a, '_>,
    op: &mut Opcode<'a>,
    operands: &'a [Operand<'a>],
) -> Result<()> {
    require(f, op, 90)?;
    let reduces = op.take("reduce");
    if !(op.take("async") && op.take("bulk")) {
        return f.unsupported(op.text);
    }
    if op.take("commit_group") {
        f.emit(select::<outbound::Commit>());
        return Ok(());
    }
    if op.take("wait_group") {
        op.take("read");
        let [Operand::Number(Number::Int(most))] = operands else {
            return f.syntax("cp.async.bulk.wait_group takes a number");
        };
        f.emit(select::<outbound::WaitGroup>()).imm(*most as i64);
        return Ok(());
    }
    op.take("L2::cache_hint");
    let reduction = if reduces {
        take_reduction(f, op)?
    } else {
        (0, 0)
    };
    if op.take("prefetch") {
        op.take("L2");
        let ([source, size, ..], true) = (operands, op.take("global")) else {
            return f.unsupported(op.text);
        };
        let (source, size) = (pointer(f, source)?, f.src(size, Type::U32)?);
        f.emit(select::<run::Prefetch>())
            .uses(1, source.0)
            .uses(2, size)
            .m(modifier::WIDE_SOURCE, source.1.into());
        return Ok(());
    }
    let [target, source, size, rest @ ..] = operands else {
        return f.syntax(format!("operands of {}", op.text));
    };
    // the target's space comes first
    let spaces: Vec<&str> = op
        .text
        .split('.')
        .filter(|m| m.starts_with("shared") || *m == "global")
        .collect();
    for space in &spaces {
        op.take(space);
    }
    let (target, source) = (pointer(f, target)?, pointer(f, source)?);
    let size = f.src(size, Type::U32)?;
    match spaces[..] {
        [
            "shared::cluster" | "shared::cta",
            from @ ("global" | "shared::cta"),
        ] => {
            let multicast = op.take("multicast::cluster");
            let (true, [barrier, rest @ ..]) = (op.take("mbarrier::complete_tx::bytes"), rest)
            else {
                return f.unsupported(op.text);
            };
            let barrier = pointer(f, barrier)?;
            let mask = match (multicast, rest) {
                (false, _) => None,
                (true, [mask, ..]) => Some(f.src(mask, Type::U16)?),
                _ => return f.syntax("multicast takes a mask of blocks"),
            };
            let draft = f.emit(select::<run::Inward>()).uses(0, target.0);
            draft.uses(1, source.0).uses(2, size).uses(3, barrier.0);
            draft
                .m(modifier::WIDE_BARRIER, barrier.1.into())
                .m(modifier::FROM_SHARED, u8::from(from != "global"));
            if let Some(mask) = mask {
                draft.uses(4, mask);
            }
            if from == "global" {
                draft.touches(Touch::Bulk(Kind::Read));
            }
        }
        ["global", "shared::cta"] if op.take("bulk_group") => {
            let draft = f.emit(select::<run::Outward>()).uses(0, target.0);
            draft.uses(1, source.0).uses(2, size);
            draft.touches(Touch::Bulk(Kind::Write));
        }
        _ => return f.unsupported(op.text),
    }
    if let Some(draft) = f.drafts.last_mut() {
        draft
            .m(modifier::WIDE_TARGET, target.1.into())
            .m(modifier::WIDE_SOURCE, source.1.into())
            .m(modifier::OP, reduction.0)
            .m(modifier::ELEMENT, reduction.1);
    }
    Ok(())
}

/// The operation of a reducing copy, and bytes of its elements.
fn take_reduction<'a>(f: &Function<'a, '_>, op: &mut Opcode<'a>) -> Result<(u8, u8)> {
    op.take("noftz");
    let names = ["add", "min", "max", "inc", "dec", "and", "or", "xor"];
    let (Some(name), Some(ty)) = (op.take_any(&names), op.take_type()) else {
        return f.unsupported(op.text);
    };
    let number = match (name, ty) {
        ("add", Type::F32 | Type::F64) => which::ADD_FLOAT,
        ("add", Type::F16) => which::ADD_F16,
        ("add", Type::Bf16) => which::ADD_BF16,
        ("add", Type::U32 | Type::S32 | Type::U64) => which::ADD,
        ("min", Type::U32 | Type::U64) => which::MIN,
        ("max", Type::U32 | Type::U64) => which::MAX,
        ("min", Type::S32 | Type::S64) => which::MIN_SIGNED,
        ("max", Type::S32 | Type::S64) => which::MAX_SIGNED,
        ("inc", Type::U32) => which::INC,
        ("dec", Type::U32) => which::DEC,
        ("and", Type::B32 | Type::B64) => which::AND,
        ("or", Type::B32 | Type::B64) => which::OR,
        ("xor", Type::B32 | Type::B64) => which::XOR,
        _ => return f.unsupported(op.text),
    };
    Ok((number, ty.bytes() as u8))
}
