//! Branches, calls, ends, guards, clocks.

use super::call;
use super::draft::{Draft, Label, Leave, POOLED, Reg, Slot};
use super::function::{Function, Name, Result};
use super::opcode::Opcode;
use super::types::Type;
use crate::exec::control as run;
use crate::exec::handler::select;
use crate::exec::state::{NONE, Run, Touch, Values};
use crate::ptx::ast::{Instruction, Operand};

/// Whether an opcode takes its guard itself.
pub fn takes_guard(base: &str) -> bool {
    base == "bra"
}

/// Whether an opcode may leave the instruction other than to the next: its guard becomes a jump around it.
pub fn leaves(base: &str) -> bool {
    super::tensor::is_collective(base)
        || matches!(
            base,
            "call"
                | "ret"
                | "exit"
                | "trap"
                | "brkpt"
                | "brx"
                | "bar"
                | "barrier"
                | "shfl"
                | "vote"
                | "match"
                | "redux"
                | "nanosleep"
                | "mbarrier"
                | "wgmma"
        )
}

/// A jump; with a predicate, where it (or its negation) holds.
pub fn branch(f: &mut Function<'_, '_>, target: Label, predicate: Option<(Reg, bool)>) {
    match predicate {
        None => {
            f.emit(select::<run::Jump>());
            f.leave(Leave::Jump(target));
        }
        Some((reg, negated)) => {
            f.emit(select::<run::Branch>())
                .uses(0, reg)
                .m(0, u8::from(negated))
                .depends(Values::Use);
            f.leave(Leave::Branch(target));
        }
    }
}

pub fn guarded_branch<'a>(
    f: &mut Function<'a, '_>,
    op: &mut Opcode<'a>,
    instruction: &'a Instruction<'a>,
    predicate: Reg,
    negated: bool,
) -> Result<()> {
    op.take("uni");
    let [Operand::Name(name)] = instruction.operands.as_slice() else {
        return f.syntax("bra takes one label");
    };
    let target = f.target(name)?;
    branch(f, target, Some((predicate, negated)));
    if let Some(draft) = f.drafts.last_mut() {
        draft.touches(Touch::Branch);
    }
    Ok(())
}

/// The instructions up to `guard_end` run where a predicate holds.
pub fn guard_begin(f: &mut Function<'_, '_>, predicate: Reg, negated: bool) {
    f.emit(select::<run::GuardBegin>())
        .uses(0, predicate)
        .m(0, u8::from(negated))
        .depends(Values::Guard);
}

pub fn guard_end(f: &mut Function<'_, '_>, begin: usize) {
    f.emit(select::<run::GuardEnd>()).depends(Values::GuardEnd);
    let behind = f.drafts.len() - begin;
    f.drafts[begin].inst.b = behind as u32;
}

/// What a function runs into at its end.
pub fn end(f: &mut Function<'_, '_>) {
    if f.entry {
        f.emit(select::<run::Exit>());
        f.leave(Leave::End);
    } else {
        emit_return(f);
    }
}

fn emit_return(f: &mut Function<'_, '_>) {
    f.emit(select::<crate::exec::call::Return>());
    f.leave(Leave::End);
}

/// Fills in what only the layout knows: targets, the place behind, the pool's place.
pub fn fix(
    draft: &mut Draft,
    at: u32,
    start: u32,
    pool_at: u32,
    labels: &[usize],
    pool: &mut [u32],
) {
    let place = |label: &Label| start + labels[label.0 as usize] as u32;
    match &draft.leave {
        Leave::Jump(label) | Leave::Branch(label) => {
            draft.inst.a = place(label);
            draft.inst.b = start + at + 1;
        }
        Leave::Table(targets) => {
            for (i, label) in targets.iter().enumerate() {
                pool[draft.inst.a as usize + i] = place(label);
            }
            draft.inst.b = start + at + 1;
            draft.inst.a += pool_at;
        }
        Leave::Next | Leave::End => {
            draft.inst.b = if draft.inst.b > 0 {
                start + at + draft.inst.b
            } else {
                start + at + 1
            };
            if draft
                .operands
                .iter()
                .any(|o| matches!(o.slot, Slot::Pool(_)))
            {
                draft.inst.a += pool_at;
            }
            if draft.inst.m[7] == POOLED {
                draft.inst.imm += i64::from(pool_at);
            }
        }
    }
}

/// The instruction that reads a clock (PTX ISA, "%clock", "%clock64", "%globaltimer").
pub fn clock(name: &str) -> Option<Run> {
    match name {
        "clock" | "clock64" => Some(select::<run::Clock>()),
        "clock_hi" => Some(select::<run::ClockHigh>()),
        "globaltimer" | "globaltimer_lo" => Some(select::<run::Globaltimer>()),
        "globaltimer_hi" => Some(select::<run::GlobaltimerHigh>()),
        _ => None,
    }
}

pub fn decode<'a>(
    f: &mut Function<'a, '_>,
    op: &mut Opcode<'a>,
    operands: &'a [Operand<'a>],
) -> Result<bool> {
    match op.base {
        "bra" => {
            op.take("uni");
            let [Operand::Name(name)] = operands else {
                return f.syntax("bra takes one label").map(|()| true);
            };
            let target = f.target(name)?;
            branch(f, target, None);
        }
        "brx" => table_branch(f, op, operands)?,
        "ret" if !f.entry => {
            op.take("uni");
            emit_return(f);
        }
        "ret" | "exit" => {
            op.take("uni");
            f.emit(select::<run::Exit>());
            f.leave(Leave::End);
        }
        "trap" | "brkpt" => {
            f.emit(select::<run::Trap>());
            f.leave(Leave::End);
        }
        "call" => call::decode(f, op, operands)?,
        "nanosleep" => {
            op.take("u32");
            f.emit(select::<run::Nanosleep>());
        }
        // hints for the hardware
        "prefetch" | "prefetchu" | "applypriority" | "discard" | "pmevent" => {
            op.take_rest();
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn table_branch<'a>(
    f: &mut Function<'a, '_>,
    op: &mut Opcode<'a>,
    operands: &'a [Operand<'a>],
) -> Result<()> {
    op.take("idx");
    op.take("uni");
    let [index, Operand::Name(table)] = operands else {
        return f.syntax("brx.idx takes an index and a table");
    };
    let index = f.src(index, Type::U32)?;
    let Some(Name::Targets(names)) = f.lookup(table) else {
        return f.syntax(format!("'{table}' is no table of branch targets"));
    };
    let mut targets = vec![];
    for name in names.iter() {
        targets.push(f.target(name)?);
    }
    let at = f.pool.len() as u32;
    f.pool.resize(f.pool.len() + targets.len(), NONE);
    f.emit(select::<run::BranchTable>())
        .touches(Touch::Table)
        .uses(0, index)
        .a(at)
        .imm(targets.len() as i64);
    f.leave(Leave::Table(targets));
    Ok(())
}
