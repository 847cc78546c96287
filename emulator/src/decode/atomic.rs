//! `atom` and `red`.

use super::function::{Function, Result};
use super::memory::{number, take_hints, take_space};
use super::opcode::Opcode;
use super::types::Type;
use crate::exec::atomic::{Atomic, op as which};
use crate::exec::handler::select;
use crate::exec::state::{Kind, Touch, spaces};
use crate::ptx::ast::Operand;

pub fn decode<'a>(
    f: &mut Function<'a, '_>,
    op: &mut Opcode<'a>,
    operands: &'a [Operand<'a>],
) -> Result<bool> {
    let returns = match op.base {
        "atom" => true,
        "red" => false,
        _ => return Ok(false),
    };
    let space = take_space(op);
    let order = take_hints(op);
    op.take("noftz");
    let names = [
        "add", "exch", "cas", "and", "or", "xor", "min", "max", "inc", "dec",
    ];
    let (Some(name), Some(ty)) = (op.take_any(&names), op.take_type()) else {
        return f.unsupported(op.text).map(|()| true);
    };
    let operation = match (name, ty) {
        ("add", Type::F32 | Type::F64) => which::ADD_FLOAT,
        ("add", Type::F16 | Type::F16x2) => which::ADD_F16,
        ("add", Type::Bf16 | Type::Bf16x2) => which::ADD_BF16,
        ("add", _) if !ty.is_float() => which::ADD,
        ("exch", _) => which::EXCH,
        ("cas", _) => which::CAS,
        ("and", _) => which::AND,
        ("or", _) => which::OR,
        ("xor", _) => which::XOR,
        ("inc", Type::U32) => which::INC,
        ("dec", Type::U32) => which::DEC,
        ("min", _) if ty.is_float() => return f.unsupported(op.text).map(|()| true),
        ("max", _) if ty.is_float() => return f.unsupported(op.text).map(|()| true),
        ("min", _) if ty.signed() => which::MIN_SIGNED,
        ("max", _) if ty.signed() => which::MAX_SIGNED,
        ("min", _) => which::MIN,
        ("max", _) => which::MAX,
        _ => return f.unsupported(op.text).map(|()| true),
    };
    let (d, rest) = match operands {
        [d, rest @ ..] if returns => (Some(d), rest),
        rest => (None, rest),
    };
    let (address, b, third) = match (name, rest) {
        ("cas", [address, b, c, ..]) => (address, b, Some(c)),
        ("cas", _) => return f.syntax(format!("operands of {}", op.text)).map(|()| true),
        (_, [address, b, ..]) => (address, b, None),
        _ => return f.syntax(format!("operands of {}", op.text)).map(|()| true),
    };
    let address = f.address(address)?;
    let b = f.src(b, ty)?;
    let third = third.map(|c| f.src(c, ty)).transpose()?;
    let d = d.map(|d| f.dst(d, ty)).transpose()?;
    let runs = match (space, ty.bytes()) {
        ("global" | "shared" | "generic", 2) => select::<Atomic<u16>>(),
        ("global" | "shared" | "cluster" | "generic", 4) => select::<Atomic<u32>>(),
        ("global" | "shared" | "cluster" | "generic", 8) => select::<Atomic<u64>>(),
        _ => return f.unsupported(op.text).map(|()| true),
    };
    let touch = Touch::Lanes {
        space: match space {
            "global" => spaces::GLOBAL,
            "shared" => spaces::SHARED,
            _ => spaces::GENERIC,
        },
        bytes: ty.bytes() as u8,
        kind: Kind::Update,
    };
    let draft = f.emit(runs);
    draft
        .touches(touch)
        .uses(0, address.base)
        .uses(2, b)
        .m(0, operation)
        .m(2, order)
        .m(4, u8::from(address.wide))
        .m(spaces::SAID, number(space, &address))
        .imm(address.offset);
    if let Some(third) = third {
        draft.uses(3, third);
    }
    if let Some(d) = d {
        draft.def(1, d);
    }
    Ok(true)
}
