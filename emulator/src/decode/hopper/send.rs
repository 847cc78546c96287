//! `st.async`

use super::{pointer, require};
use crate::decode::function::{Function, Result};
use crate::decode::opcode::Opcode;
use crate::exec::handler::select;
use crate::exec::hopper::send::{self as run, modifier};
use crate::ptx::ast::Operand;

/// `st.async{.weak}{.shared::cluster}{.mbarrier::complete_tx::bytes}{.vec}.type [a], b, [mbar]`
pub fn decode<'a>(
    f: &mut Function<'a, '_>,
    op: &mut Opcode<'a>,
    operands: &'a [Operand<'a>],
) -> Result<()> {
    require(f, op, 90)?;
    for default in [
        "async",
        "weak",
        "shared::cluster",
        "mbarrier::complete_tx::bytes",
    ] {
        op.take(default);
    }
    let count = match op.take_any(&["v2", "v4"]) {
        Some("v2") => 2,
        Some(_) => 4,
        None => 1,
    };
    let ([target, data, barrier], Some(ty)) = (operands, op.take_type()) else {
        return f.syntax(format!("operands of {}", op.text));
    };
    let values = f.each(data, ty, |f, part| f.src(part, ty))?;
    if values.len() != count || !matches!(ty.bytes(), 4 | 8) {
        return f.unsupported(op.text);
    }
    let (target, barrier) = (pointer(f, target)?, pointer(f, barrier)?);
    let draft = f.emit(select::<run::Send>()).uses(0, target.0);
    draft
        .uses(1, barrier.0)
        .m(modifier::WIDE_TARGET, target.1.into())
        .m(modifier::WIDE_BARRIER, barrier.1.into())
        .m(modifier::COUNT, count as u8)
        .m(modifier::BYTES, ty.bytes() as u8);
    for (at, value) in values.into_iter().enumerate() {
        draft.uses(at as u8 + 2, value);
    }
    Ok(())
}
