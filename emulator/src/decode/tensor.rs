//! `wmma`, `mma`, `ldmatrix`, `stmatrix`.

use super::function::{Function, Result};
use super::opcode::Opcode;
use crate::ptx::ast::Operand;

pub fn decode<'a>(_: &mut Function<'a, '_>, _: &mut Opcode<'a>, _: &'a [Operand<'a>]) -> Result<bool> {
    Ok(false)
}
