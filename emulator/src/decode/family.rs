//! Finds the family of an opcode.

use super::function::{Function, Result};
use super::opcode::Opcode;
use crate::ptx::ast::Operand;

type Family =
    for<'a, 's> fn(&mut Function<'a, 's>, &mut Opcode<'a>, &'a [Operand<'a>]) -> Result<bool>;

/// Each answers false to an opcode that is not its own.
const FAMILIES: [Family; 13] = [
    super::hopper::decode,
    super::movement::decode,
    super::memory::decode,
    super::arithmetic::decode,
    super::logic::decode,
    super::predicate::decode,
    super::convert::decode,
    super::control::decode,
    super::barrier::decode,
    super::warp::decode,
    super::atomic::decode,
    super::async_copy::decode,
    super::tensor::decode,
];

pub fn decode<'a>(
    f: &mut Function<'a, '_>,
    op: &mut Opcode<'a>,
    operands: &'a [Operand<'a>],
) -> Result<()> {
    for family in FAMILIES {
        if family(f, op, operands)? {
            return Ok(());
        }
    }
    f.unsupported(format!("instruction {}", op.text))
}
