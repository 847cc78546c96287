//! Instructions of the plain form `d = f(operands)`.

use super::function::{Function, Result};
use super::opcode::Opcode;
use super::types::Type;
use crate::exec::state::Run;
use crate::ptx::ast::Operand;

/// Emits `d = f(operands)` with all operands of one type.
pub fn plain<'a>(
    f: &mut Function<'a, '_>,
    op: &Opcode<'a>,
    operands: &'a [Operand<'a>],
    ty: Type,
    runs: Option<Run>,
    m: u8,
) -> Result<()> {
    typed(f, op, operands, ty, &[ty; 3], runs, m)
}

/// Emits `d = f(operands)` with the types of each.
pub fn typed<'a>(
    f: &mut Function<'a, '_>,
    op: &Opcode<'a>,
    operands: &'a [Operand<'a>],
    result: Type,
    types: &[Type],
    runs: Option<Run>,
    m: u8,
) -> Result<()> {
    let Some(runs) = runs else {
        return f.unsupported(op.text);
    };
    let [d, sources @ ..] = operands else {
        return f.syntax(format!("{} without operands", op.text));
    };
    if sources.len() > types.len() {
        return f.syntax(format!("too many operands of {}", op.text));
    }
    let mut regs = vec![];
    for (s, ty) in sources.iter().zip(types) {
        regs.push(f.src(s, *ty)?);
    }
    let d = f.dst(d, result)?;
    let draft = f.emit(runs);
    draft.def(0, d).m(0, m);
    for (i, reg) in regs.into_iter().enumerate() {
        draft.uses(i as u8 + 1, reg);
    }
    Ok(())
}

/// How many sources an instruction must have.
pub(super) fn count<'a>(
    f: &Function<'a, '_>,
    op: &Opcode<'a>,
    operands: &[Operand<'a>],
    sources: usize,
) -> Result<()> {
    if operands.len() == sources + 1 {
        Ok(())
    } else {
        f.syntax(format!("{} takes {} operands", op.text, sources + 1))
    }
}
