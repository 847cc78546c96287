//! Calls: of a function of the module, through a pointer, and of those that the driver has.

use super::draft::{POOLED, Reg};
use super::function::{Function, Name, Result, Signature};
use super::opcode::Opcode;
use super::types::Type;
use crate::exec::call;
use crate::exec::handler::select;
use crate::exec::state::Run;
use crate::ptx::ast::Operand;
use std::rc::Rc;

/// `call`, by name or through a pointer.
pub fn decode<'a>(
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
            "vprintf" => select::<call::Printf>(),
            "__assertfail" => select::<call::AssertFail>(),
            "malloc" | "free" => {
                // launches see only what was allocated before them
                f.symbols.memory.heap();
                if *callee == "malloc" {
                    select::<call::Malloc>()
                } else {
                    select::<call::Free>()
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
        select::<call::Call>(),
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
        select::<call::CallIndirect>(),
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
    runs: Run,
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
