//! Branches, calls, ends, guards, clocks.

use super::draft::{Draft, Label, Leave, Reg, Slot};
use super::function::{Function, Name, Result, Signature};
use super::opcode::Opcode;
use super::types::Type;
use crate::exec::call;
use crate::exec::control as run;
use crate::exec::count::Touch;
use crate::exec::handler::same;
use crate::exec::inst::{NONE, Run};
use crate::ptx::ast::{Instruction, Operand};
use std::rc::Rc;

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
            f.emit(same::<run::Jump>());
            f.leave(Leave::Jump(target));
        }
        Some((reg, negated)) => {
            f.emit(same::<run::Branch>())
                .uses(0, reg)
                .m(0, u8::from(negated));
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
    f.emit(same::<run::GuardBegin>())
        .uses(0, predicate)
        .m(0, u8::from(negated));
}

pub fn guard_end(f: &mut Function<'_, '_>, begin: usize) {
    f.emit(same::<run::GuardEnd>());
    let behind = f.drafts.len() - begin;
    f.drafts[begin].inst.b = behind as u32;
}

/// What a function runs into at its end.
pub fn end(f: &mut Function<'_, '_>) {
    if f.entry {
        f.emit(same::<run::Exit>());
        f.leave(Leave::End);
    } else {
        emit_return(f);
    }
}

fn emit_return(f: &mut Function<'_, '_>) {
    f.emit(same::<call::Return>());
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

/// Modifier byte 7 of an instruction whose `imm` counts in the pool though none of its operands are there.
pub const POOLED: u8 = 0xFF;

/// The instruction that reads a clock (PTX ISA, "%clock", "%clock64", "%globaltimer").
pub fn clock(name: &str) -> Option<[Run; 3]> {
    match name {
        "clock" | "clock64" => Some(same::<run::Clock>()),
        "clock_hi" => Some(same::<run::ClockHigh>()),
        "globaltimer" | "globaltimer_lo" => Some(same::<run::Globaltimer>()),
        "globaltimer_hi" => Some(same::<run::GlobaltimerHigh>()),
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
            f.emit(same::<run::Exit>());
            f.leave(Leave::End);
        }
        "trap" | "brkpt" => {
            f.emit(same::<run::Trap>());
            f.leave(Leave::End);
        }
        "call" => decode_call(f, op, operands)?,
        "nanosleep" => {
            op.take("u32");
            f.emit(same::<run::Nanosleep>());
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
    f.emit(same::<run::BranchTable>())
        .touches(Touch::Table)
        .uses(0, index)
        .a(at)
        .imm(targets.len() as i64);
    f.leave(Leave::Table(targets));
    Ok(())
}

fn decode_call<'a>(
    f: &mut Function<'a, '_>,
    op: &mut Opcode<'a>,
    operands: &'a [Operand<'a>],
) -> Result<()> {
    op.take("uni");
    let (returns, rest): (&[Operand<'a>], _) = match operands {
        [Operand::List(returns), rest @ ..] => (returns, rest),
        rest => (&[], rest),
    };
    let [Operand::Name(callee), rest @ ..] = rest else {
        return f.syntax("call names no function");
    };
    let (params, prototype): (&[Operand<'a>], _) = match rest {
        [Operand::List(params), rest @ ..] => (params, rest.first()),
        rest => (&[], rest.first()),
    };
    let params = areas(f, params)?;
    let returns = areas(f, returns)?;
    if let Some(prototype) = prototype {
        return indirect(f, callee, prototype, params, returns);
    }
    let Some(function) = f.symbols.function(callee) else {
        return f.error(
            crate::exec::LoadErrorKind::Unresolved,
            format!("function '{callee}'"),
        );
    };
    let Some(routine) = f.symbols.routine(callee) else {
        let runs = match *callee {
            "vprintf" => same::<call::Printf>(),
            "__assertfail" => same::<call::AssertFail>(),
            "malloc" | "free" => {
                // launches see only what was allocated before them
                f.symbols.memory.heap();
                if *callee == "malloc" {
                    same::<call::Malloc>()
                } else {
                    same::<call::Free>()
                }
            }
            _ => {
                return f.error(
                    crate::exec::LoadErrorKind::Unresolved,
                    format!("function '{callee}' has no body"),
                );
            }
        };
        return emit_call(f, runs, None, None, params, returns);
    };
    let signature = f.symbols.signature(&function.params, &function.returns)?;
    check_signature(f, &signature, &params, &returns)?;
    emit_call(
        f,
        same::<call::Call>(),
        Some(routine),
        None,
        params,
        returns,
    )
}

fn indirect<'a>(
    f: &mut Function<'a, '_>,
    callee: &'a str,
    prototype: &'a Operand<'a>,
    params: Vec<(u32, u32)>,
    returns: Vec<(u32, u32)>,
) -> Result<()> {
    let pointer = f.register(callee, Type::B64)?;
    if let Operand::Name(name) = prototype
        && let Some(Name::Prototype(signature)) = f.lookup(name)
    {
        let signature: Rc<Signature> = signature;
        check_signature(f, &signature, &params, &returns)?;
    }
    f.symbols.all_routines();
    emit_call(
        f,
        same::<call::CallIndirect>(),
        None,
        Some(pointer),
        params,
        returns,
    )
}

fn check_signature(
    f: &Function<'_, '_>,
    s: &Signature,
    params: &[(u32, u32)],
    returns: &[(u32, u32)],
) -> Result<()> {
    let sizes = |list: &[(u32, u32)]| list.iter().map(|a| a.1).collect::<Vec<_>>();
    if sizes(params) != s.params || sizes(returns) != s.returns {
        return f.syntax("the call's arguments do not have the sizes that the function declares");
    }
    Ok(())
}

/// The local areas that a call's arguments name.
fn areas<'a>(f: &mut Function<'a, '_>, list: &'a [Operand<'a>]) -> Result<Vec<(u32, u32)>> {
    let mut out = vec![];
    for operand in list {
        match operand {
            Operand::Name(name) => match f.lookup(name) {
                Some(Name::Local(at, bytes)) => out.push((at, bytes)),
                _ => return f.unsupported(format!("argument '{name}' that is no .param variable")),
            },
            _ => return f.unsupported("arguments that are no .param variables"),
        }
    }
    Ok(out)
}

/// In the pool: the number of parameters, their offsets and sizes, then the same of the results.
fn emit_call(
    f: &mut Function<'_, '_>,
    runs: [Run; 3],
    routine: Option<usize>,
    pointer: Option<Reg>,
    params: Vec<(u32, u32)>,
    returns: Vec<(u32, u32)>,
) -> Result<()> {
    let at = f.pool.len() as u32;
    for list in [&params, &returns] {
        f.pool.push(list.len() as u32);
        f.pool
            .extend(list.iter().flat_map(|(offset, size)| [*offset, *size]));
    }
    // `a` is taken by the routine's number, which only the module knows; the pool's place goes elsewhere
    let draft = f.emit(runs);
    draft.inst.imm = i64::from(at);
    draft.m(7, POOLED);
    draft.callee = routine;
    if let Some(pointer) = pointer {
        draft.uses(0, pointer);
    }
    Ok(())
}
