//! Tensor Core instructions (PTX ISA, "Warp Level Matrix Multiply-Accumulate Instructions").

mod factors;
mod matrices;
mod memory;
mod multiply;

use super::function::{Function, Result};
use super::opcode::Opcode;
use crate::exec::state::{NONE, spaces};
use crate::ptx::ast::Operand;

/// Whether all lanes of a warp execute an opcode as one.
pub fn is_collective(base: &str) -> bool {
    matches!(base, "mma" | "wmma" | "ldmatrix" | "stmatrix" | "movmatrix")
}

pub fn decode<'a>(
    f: &mut Function<'a, '_>,
    op: &mut Opcode<'a>,
    operands: &'a [Operand<'a>],
) -> Result<bool> {
    if !is_collective(op.base) {
        return Ok(false);
    }
    let base = op.base;
    let part = (base == "wmma").then(|| op.take_any(&["load", "store", "mma"]));
    if !op.take("sync") {
        return f.unsupported(format!("{} without .sync", op.text));
    }
    op.take("aligned");
    match (base, part.flatten()) {
        ("ldmatrix", _) => matrices::decode(f, op, operands, true)?,
        ("stmatrix", _) => matrices::decode(f, op, operands, false)?,
        ("movmatrix", _) => matrices::transposition(f, op, operands)?,
        ("mma", _) => multiply::decode(f, op, operands, false)?,
        (_, Some("mma")) => multiply::decode(f, op, operands, true)?,
        (_, Some("load")) => memory::decode(f, op, operands, true)?,
        (_, Some("store")) => memory::decode(f, op, operands, false)?,
        _ => return f.unsupported(op.text),
    }
    Ok(true)
}

fn space(op: &mut Opcode<'_>) -> u8 {
    match op.take_any(&["shared", "shared::cta", "global"]) {
        Some("global") => spaces::GLOBAL,
        Some(_) => spaces::SHARED,
        None => spaces::GENERIC,
    }
}

/// Registers in braces.
fn list<'a>(
    f: &Function<'a, '_>,
    operand: &'a Operand<'a>,
    count: usize,
) -> Result<&'a [Operand<'a>]> {
    let list = match operand {
        Operand::Vector(list) => list.as_slice(),
        single => std::slice::from_ref(single),
    };
    if list.len() != count {
        return f.syntax(format!(
            "{} registers where the fragment has {count}",
            list.len()
        ));
    }
    Ok(list)
}

/// Room for a list of operands.
fn pool(f: &mut Function<'_, '_>, count: usize) -> u32 {
    let at = f.pool.len();
    f.pool.resize(at + count, NONE);
    at as u32
}
