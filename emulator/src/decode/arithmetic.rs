//! Arithmetic of every type: which file decodes it.

use super::float;
use super::function::{Function, Result};
use super::half;
use super::integer;
use super::opcode::Opcode;
use super::types::Type;
use crate::ptx::ast::Operand;

pub fn decode<'a>(
    f: &mut Function<'a, '_>,
    op: &mut Opcode<'a>,
    operands: &'a [Operand<'a>],
) -> Result<bool> {
    match op.base {
        "add" | "sub" | "addc" | "subc" | "mul" | "mad" | "madc" | "fma" | "div" | "rem"
        | "min" | "max" | "abs" | "neg" | "sad" | "mul24" | "mad24" | "rcp" | "sqrt" | "rsqrt"
        | "sin" | "cos" | "tanh" | "ex2" | "lg2" | "copysign" | "dp4a" | "dp2a" => {}
        "vadd2" | "vadd4" | "vsub2" | "vsub4" | "vavrg2" | "vavrg4" | "vabsdiff2" | "vabsdiff4"
        | "vmin2" | "vmin4" | "vmax2" | "vmax4" => {
            return integer::video(f, op, operands).map(|()| true);
        }
        _ => return Ok(false),
    }
    if matches!(op.base, "dp4a" | "dp2a") {
        return integer::dot(f, op, operands).map(|()| true);
    }
    let Some(ty) = op.take_type() else {
        return f
            .syntax(format!("{} without a type", op.text))
            .map(|()| true);
    };
    match ty {
        Type::F32 => float::single(f, op, operands)?,
        Type::F64 => float::double(f, op, operands)?,
        Type::F16 | Type::Bf16 | Type::F16x2 | Type::Bf16x2 => half::decode(f, op, operands, ty)?,
        _ => integer::decode(f, op, operands, ty)?,
    }
    Ok(true)
}
