//! `mbarrier` in all its forms.

use super::require;
use crate::decode::function::{Function, Result};
use crate::decode::opcode::Opcode;
use crate::decode::types::Type;
use crate::exec::handler::select;
use crate::exec::hopper::mbarrier_ops::{self as run, modifier};
use crate::exec::hopper::mbarrier_wait::{self as wait, Test};
use crate::exec::state::Run;
use crate::ptx::ast::Operand;

/// Takes `.sem.scope`; true unless it is `.relaxed`.
fn ordered(op: &mut Opcode<'_>) -> bool {
    let sem = op.take_any(&["acquire", "release", "relaxed"]);
    op.take_any(&["cta", "cluster"]);
    sem != Some("relaxed")
}

pub fn decode<'a>(
    f: &mut Function<'a, '_>,
    op: &mut Opcode<'a>,
    operands: &'a [Operand<'a>],
) -> Result<()> {
    require(f, op, 80)?;
    let names = [
        "init",
        "inval",
        "arrive",
        "arrive_drop",
        "expect_tx",
        "complete_tx",
        "test_wait",
        "try_wait",
        "pending_count",
    ];
    // the action comes first: `arrive` in `arrive.expect_tx`
    let action = op.text.split('.').nth(1).unwrap_or("");
    if !names.contains(&action) || !op.take(action) {
        return f.unsupported(op.text);
    }
    let ordered = ordered(op);
    let space = op.take_any(&["shared", "shared::cta", "shared::cluster"]);
    let remote = space == Some("shared::cluster");
    if remote || matches!(action, "expect_tx" | "complete_tx" | "try_wait") || op.has("expect_tx") {
        require(f, op, 90)?;
    }
    match (action, operands) {
        ("init", [at, count]) => simple(f, select::<run::Init>(), at, Some(count), remote)?,
        ("inval", [at]) => simple(f, select::<run::Inval>(), at, None, remote)?,
        ("expect_tx", [at, count]) => simple(f, select::<run::Expect>(), at, Some(count), remote)?,
        ("complete_tx", [at, count]) => {
            simple(f, select::<run::Complete>(), at, Some(count), remote)?;
        }
        ("arrive" | "arrive_drop", [state, at, rest @ ..]) if rest.len() < 2 => {
            arrive(f, op, state, at, rest.first(), (remote, ordered))?;
        }
        ("test_wait" | "try_wait", [done, at, state, rest @ ..]) if rest.len() < 2 => {
            test(f, op, [done, at, state], action == "try_wait", ordered)?;
        }
        ("pending_count", [count, state]) => {
            let (state, count) = (f.src(state, Type::B64)?, f.dst(count, Type::U32)?);
            f.emit(select::<run::PendingCount>())
                .def(0, count)
                .uses(1, state);
        }
        _ => return f.syntax(format!("operands of {}", op.text)),
    }
    if !op.take("b64") {
        return f.syntax(format!("{} without .b64", op.text));
    }
    Ok(())
}

fn simple<'a>(
    f: &mut Function<'a, '_>,
    runs: Run,
    at: &Operand<'a>,
    count: Option<&Operand<'a>>,
    remote: bool,
) -> Result<()> {
    let at = f.address(at)?;
    let count = count.map(|c| f.src(c, Type::U32)).transpose()?;
    let draft = f.emit(runs).uses(1, at.base).imm(at.offset);
    draft
        .m(modifier::WIDE, at.wide.into())
        .m(modifier::REMOTE, remote.into());
    if let Some(count) = count {
        draft.uses(2, count);
    }
    Ok(())
}

fn arrive<'a>(
    f: &mut Function<'a, '_>,
    op: &mut Opcode<'a>,
    state: &Operand<'a>,
    at: &Operand<'a>,
    count: Option<&Operand<'a>>,
    (remote, ordered): (bool, bool),
) -> Result<()> {
    let (bytes, more) = (op.take("expect_tx"), op.take("noComplete"));
    let drop = op.text.contains("arrive_drop");
    if (bytes || more) && count.is_none() {
        return f.syntax(format!("{} takes a count", op.text));
    }
    let state = match state {
        Operand::Name("_") => None,
        _ if remote => return f.syntax("an arrival at another block's mbarrier has no state"),
        state => Some(f.dst(state, Type::B64)?),
    };
    simple(f, select::<run::Arrive>(), at, count, remote)?;
    let Some(draft) = f.drafts.last_mut() else {
        return Ok(());
    };
    draft
        .m(modifier::BYTES, bytes.into())
        .m(modifier::MORE, more.into())
        .m(modifier::DROP, drop.into())
        .m(modifier::RELEASE, ordered.into());
    if let Some(state) = state {
        draft.def(0, state);
    }
    Ok(())
}

fn test<'a>(
    f: &mut Function<'a, '_>,
    op: &mut Opcode<'a>,
    [done, at, state]: [&Operand<'a>; 3],
    blocks: bool,
    ordered: bool,
) -> Result<()> {
    let parity = op.take("parity");
    let ty = if parity { Type::U32 } else { Type::B64 };
    let (at, state) = (f.address(at)?, f.src(state, ty)?);
    let done = f.dst(done, Type::Pred)?;
    let draft = f.emit(select::<Test>()).def(0, done).uses(1, at.base);
    draft.uses(2, state).imm(at.offset);
    draft
        .m(modifier::WIDE, at.wide.into())
        .m(wait::modifier::PARITY, parity.into())
        .m(wait::modifier::BLOCKS, blocks.into())
        .m(wait::modifier::ACQUIRE, ordered.into());
    Ok(())
}

/// `cp.async.mbarrier.arrive{.noinc}`
pub fn copies<'a>(
    f: &mut Function<'a, '_>,
    op: &mut Opcode<'a>,
    operands: &'a [Operand<'a>],
) -> Result<()> {
    require(f, op, 80)?;
    let whole = op.take("async") && op.take("mbarrier") && op.take("arrive");
    let counted = op.take("noinc");
    op.take_any(&["shared", "shared::cta"]);
    let ([at], true, true) = (operands, whole, op.take("b64")) else {
        return f.unsupported(op.text);
    };
    simple(f, select::<run::CopiesArrive>(), at, None, false)?;
    if let Some(draft) = f.drafts.last_mut() {
        draft
            .m(modifier::MORE, (!counted).into())
            .m(modifier::RELEASE, 1);
    }
    Ok(())
}
