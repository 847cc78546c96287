//! `ldmatrix`, `stmatrix`, `movmatrix`.

use super::{list, space};
use crate::decode::function::{Function, Result};
use crate::decode::opcode::Opcode;
use crate::decode::types::Type;
use crate::exec::handler::select;
use crate::exec::state::{Kind, Touch, spaces};
use crate::exec::tensor::matrix::{self, LoadMatrix, StoreMatrix};
use crate::ptx::ast::Operand;

/// `ldmatrix.sync.aligned.m8n8.num{.trans}{.ss}.b16 r, [p]`, and `stmatrix` the other way.
pub fn decode<'a>(
    f: &mut Function<'a, '_>,
    op: &mut Opcode<'a>,
    operands: &'a [Operand<'a>],
    load: bool,
) -> Result<()> {
    let (shape, count) = (op.take("m8n8"), op.take_any(&["x1", "x2", "x4"]));
    let (trans, space) = (op.take("trans"), space(op));
    let (true, Some(count), true) = (shape, count, op.take("b16")) else {
        return f.unsupported(op.text);
    };
    if space == spaces::GLOBAL {
        return f.syntax("matrices are loaded from and stored to shared memory only");
    }
    let count = usize::from(count.as_bytes()[1] - b'0');
    let (values, address) = match (operands, load) {
        ([values, address], true) | ([address, values], false) => (values, f.address(address)?),
        _ => return f.syntax("an address and a list of registers are needed"),
    };
    let mut registers = vec![];
    for value in list(f, values, count)? {
        registers.push(if load {
            f.dst(value, Type::B32)?
        } else {
            f.src(value, Type::B32)?
        });
    }
    let runs = if load {
        select::<LoadMatrix>()
    } else {
        select::<StoreMatrix>()
    };
    let kind = if load { Kind::Read } else { Kind::Write };
    let draft = f.emit(runs).uses(0, address.base).imm(address.offset);
    draft.touches(Touch::Matrices(kind));
    draft.m(matrix::modifier::COUNT, count as u8);
    draft.m(matrix::modifier::TRANS, trans.into());
    draft.m(spaces::SAID, space);
    draft.m(matrix::modifier::WIDE, address.wide.into());
    for (slot, register) in registers.into_iter().enumerate() {
        let slot = slot as u8 + 1;
        if load {
            draft.def(slot, register)
        } else {
            draft.uses(slot, register)
        };
    }
    Ok(())
}

/// `movmatrix.sync.aligned.m8n8.trans.b16 d, a`.
pub fn transposition<'a>(
    f: &mut Function<'a, '_>,
    op: &mut Opcode<'a>,
    operands: &'a [Operand<'a>],
) -> Result<()> {
    let [d, a] = operands else {
        return f.syntax("movmatrix takes two registers");
    };
    if !(op.take("m8n8") && op.take("trans") && op.take("b16")) {
        return f.unsupported(op.text);
    }
    let (d, a) = (f.dst(d, Type::B32)?, f.src(a, Type::B32)?);
    f.emit(select::<matrix::MoveMatrix>()).def(0, d).uses(1, a);
    Ok(())
}
