//! `mma` and `wmma.mma`.

use super::factors::{factors, shape};
use super::{list, pool};
use crate::decode::draft::Reg;
use crate::decode::function::{Function, Result};
use crate::decode::opcode::Opcode;
use crate::decode::types::Type;
use crate::exec::tensor::mma;
use crate::ptx::ast::Operand;

/// `mma` and `wmma.mma`: the same multiplication of the same fragments.
pub fn decode<'a>(
    f: &mut Function<'a, '_>,
    op: &mut Opcode<'a>,
    operands: &'a [Operand<'a>],
    wmma: bool,
) -> Result<()> {
    let text = op.text;
    let dims = shape(op);
    let orders = [op.take_any(&["row", "col"]), op.take_any(&["row", "col"])];
    let (saturate, bit_op, popc) = (
        op.take("satfinite"),
        op.take_any(&["xor", "and"]),
        op.take("popc"),
    );
    op.take("rn");
    let types = op.take_rest();
    let (d_type, a_type, b_type, c_type) = match types.as_slice() {
        [d, a, b, c] => (*d, *a, *b, *c),
        [d, c] if wmma => (*d, "f16", "f16", *c),
        _ => return f.unsupported(text),
    };
    let (Some(a_factors), Some(b_factors)) = (factors(a_type), factors(b_type)) else {
        return f.unsupported(text);
    };
    let integer = a_factors.bits < 16;
    let legal = a_factors.allows(dims, wmma)
        && a_factors.bits == b_factors.bits
        && (a_factors.kind == b_factors.kind || integer && !wmma)
        && a_factors.sums_to(d_type, c_type)
        && orders.iter().all(Option::is_some)
        && (wmma && a_factors.bits >= 8 || orders == [Some("row"), Some("col")])
        && (!saturate || integer && a_factors.bits > 1)
        && (bit_op.is_some() && popc) == (a_factors.bits == 1);
    let ([d, a, b, c], true) = (operands, legal) else {
        return f.unsupported(text);
    };

    let [m, n, k] = [dims[0] / 8, dims[1] / 8, dims[2] / a_factors.row()];
    let sum = |name: &str| match name {
        "f16" => (1, Type::B32, mma::kind::F16),
        "f64" => (2, Type::F64, 0),
        _ => (2, Type::B32, mma::kind::F32),
    };
    let ((of_d, d_register, d_kind), (of_c, c_register, c_kind)) = (sum(d_type), sum(c_type));
    let fragment = |blocks| {
        if wmma {
            a_factors.fragment(blocks)
        } else {
            blocks
        }
    };
    let mut registers: Vec<(Reg, bool)> = vec![];
    for operand in list(f, d, m * n * of_d)? {
        registers.push((f.dst(operand, d_register)?, true));
    }
    // of registers that repeat the first count
    for operand in &list(f, a, fragment(m * k))?[..m * k] {
        registers.push((f.src(operand, a_factors.register())?, false));
    }
    for operand in &list(f, b, fragment(n * k))?[..n * k] {
        registers.push((f.src(operand, a_factors.register())?, false));
    }
    for operand in list(f, c, m * n * of_c)? {
        registers.push((f.src(operand, c_register)?, false));
    }
    let c_kind = if integer {
        u8::from(saturate || bit_op == Some("and"))
    } else {
        c_kind
    };
    let at = pool(f, registers.len());
    let draft = f.emit(a_factors.runs()).a(at);
    use mma::modifier;
    for (slot, value) in [
        (modifier::M, m as u8),
        (modifier::N, n as u8),
        (modifier::K, k as u8),
        (modifier::A, a_factors.kind),
        (modifier::B, b_factors.kind),
        (modifier::C, c_kind),
        (modifier::D, d_kind),
    ] {
        draft.m(slot, value);
    }
    for (slot, (register, written)) in registers.into_iter().enumerate() {
        draft.pooled(at + slot as u32, register, written);
    }
    Ok(())
}
