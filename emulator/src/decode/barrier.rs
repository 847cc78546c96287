//! Barriers and fences.

use super::function::{Function, Result};
use super::opcode::Opcode;
use super::types::Type;
use crate::exec::barrier::reduction;
use crate::exec::handler::select;
use crate::exec::sync::{self as run, modifier};
use crate::ptx::ast::Operand;

pub fn decode<'a>(
    f: &mut Function<'a, '_>,
    op: &mut Opcode<'a>,
    operands: &'a [Operand<'a>],
) -> Result<bool> {
    let warp = op.base == "bar" && op.take("warp");
    match op.base {
        "membar" | "fence" => {
            op.take_rest();
            f.emit(select::<run::Fence>());
        }
        "bar" if warp => {
            op.take("sync");
            let [mask] = operands else {
                return f.syntax("bar.warp.sync takes a mask").map(|()| true);
            };
            let mask = f.src(mask, Type::B32)?;
            f.emit(select::<run::WarpBarrier>()).uses(0, mask);
        }
        "bar" | "barrier" => {
            block(f, op, operands)?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn block<'a>(
    f: &mut Function<'a, '_>,
    op: &mut Opcode<'a>,
    operands: &'a [Operand<'a>],
) -> Result<()> {
    op.take("cta");
    // `bar` is `barrier.aligned` by another name
    let aligned = op.take("aligned") || op.base == "bar";
    let action = op.take_any(&["sync", "arrive", "red"]);
    let kind = match op.take_any(&["popc", "and", "or"]) {
        Some("popc") => reduction::POPC,
        Some("and") => reduction::AND,
        Some(_) => reduction::OR,
        None => reduction::NONE,
    };
    if kind != reduction::NONE {
        op.take_any(&["u32", "pred"]);
    }
    let (d, rest) = match (operands, kind) {
        (rest, reduction::NONE) => (None, rest),
        ([d, rest @ ..], _) => (Some(d), rest),
        _ => return f.syntax(format!("operands of {}", op.text)),
    };
    let (vote, rest) = match (rest, kind) {
        (rest, reduction::NONE) => (None, rest),
        ([rest @ .., vote], _) => (Some(vote), rest),
        _ => return f.syntax(format!("operands of {}", op.text)),
    };
    let (id, threads) = match rest {
        [id] => (id, None),
        [id, threads] => (id, Some(threads)),
        _ => return f.syntax(format!("operands of {}", op.text)),
    };
    let id = f.src(id, Type::U32)?;
    let threads = threads.map(|t| f.src(t, Type::U32)).transpose()?;
    let vote = vote.map(|v| f.predicate(v)).transpose()?;
    let ty = if kind == reduction::POPC {
        Type::U32
    } else {
        Type::Pred
    };
    let d = d.map(|d| f.dst(d, ty)).transpose()?;
    let draft = f.emit(select::<run::Barrier>());
    draft
        .uses(1, id)
        .m(modifier::KIND, kind)
        .m(modifier::ALIGNED, u8::from(aligned));
    draft.m(modifier::ARRIVE, u8::from(action == Some("arrive")));
    if let Some(threads) = threads {
        draft.uses(2, threads);
    }
    if let Some(vote) = vote {
        draft.uses(3, vote);
    }
    if let Some(d) = d {
        draft.def(0, d);
    }
    Ok(())
}
