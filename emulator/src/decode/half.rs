//! Arithmetic of f16 and bf16.

use super::emit::plain;
use super::float::{extreme_mode, float_mode};
use super::function::{Function, Result};
use super::opcode::Opcode;
use super::types::Type;
use crate::exec::half::{self as run, op as which};
use crate::exec::handler::{Map1, Map2, Map3, select};
use crate::ptx::ast::Operand;

/// The copy of a function for a format, alone or packed.
macro_rules! formats {
    ($ty:expr, $map:ident, $one:ident, $two:ident, $op:expr) => {
        match $ty {
            Type::F16 => select::<$map<run::$one<run::F16, { $op }>>>(),
            Type::Bf16 => select::<$map<run::$one<run::Bf16, { $op }>>>(),
            Type::F16x2 => select::<$map<run::$two<run::F16, { $op }>>>(),
            _ => select::<$map<run::$two<run::Bf16, { $op }>>>(),
        }
    };
}

pub fn decode<'a>(
    f: &mut Function<'a, '_>,
    op: &mut Opcode<'a>,
    operands: &'a [Operand<'a>],
    ty: Type,
) -> Result<()> {
    let mut m = float_mode(op);
    if m & 3 != 0 {
        return f.unsupported(op.text);
    }
    let approx = op.take("approx");
    let (runs, sources) = match op.base {
        "add" => (formats!(ty, Map2, Binary, Binary2, which::ADD), 2),
        "sub" => (formats!(ty, Map2, Binary, Binary2, which::SUB), 2),
        "mul" => (formats!(ty, Map2, Binary, Binary2, which::MUL), 2),
        "min" | "max" => {
            m |= extreme_mode(op);
            let runs = if op.base == "min" {
                formats!(ty, Map2, Binary, Binary2, which::MIN)
            } else {
                formats!(ty, Map2, Binary, Binary2, which::MAX)
            };
            (runs, 2)
        }
        "fma" => {
            if op.take("relu") {
                m |= run::RELU;
            }
            let runs = match ty {
                Type::F16 => select::<Map3<run::Fma<run::F16>>>(),
                Type::Bf16 => select::<Map3<run::Fma<run::Bf16>>>(),
                Type::F16x2 => select::<Map3<run::Fma2<run::F16>>>(),
                _ => select::<Map3<run::Fma2<run::Bf16>>>(),
            };
            (runs, 3)
        }
        "neg" => (formats!(ty, Map1, Unary, Unary2, which::NEG), 1),
        "abs" => (formats!(ty, Map1, Unary, Unary2, which::ABS), 1),
        "ex2" if approx => (formats!(ty, Map1, Unary, Unary2, which::EX2), 1),
        "tanh" if approx => (formats!(ty, Map1, Unary, Unary2, which::TANH), 1),
        _ => return f.unsupported(op.text),
    };
    if operands.len() != sources + 1 {
        return f.syntax(format!("{} takes {} operands", op.text, sources + 1));
    }
    plain(f, op, operands, ty, Some(runs), m)
}
