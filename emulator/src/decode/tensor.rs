//! `wmma`. `mma.sync`, `ldmatrix` and `stmatrix` belong here too.

use super::function::{Function, Result};
use super::opcode::Opcode;
use super::types::Type;
use crate::exec::handler::{same, select};
use crate::exec::inst::level;
use crate::exec::tensor::{self as run, element, matrix};
use crate::ptx::ast::Operand;

pub fn decode<'a>(
    f: &mut Function<'a, '_>,
    op: &mut Opcode<'a>,
    operands: &'a [Operand<'a>],
) -> Result<bool> {
    if op.base != "wmma" {
        return Ok(false);
    }
    op.take("sync");
    op.take("aligned");
    let names: Vec<&str> = run::SHAPES.iter().map(|s| s.0).collect();
    let shape = op
        .take_any(&names)
        .and_then(|s| names.iter().position(|n| *n == s));
    let (Some(shape), Some(action)) = (shape, op.take_any(&["load", "store", "mma"])) else {
        return f.unsupported(op.text).map(|()| true);
    };
    match action {
        "mma" => multiply(f, op, operands, shape as u8)?,
        _ => transfer(f, op, operands, shape as u8, action == "store")?,
    }
    Ok(true)
}

fn kind(ty: Type) -> Option<u8> {
    Some(match ty {
        Type::F16 => element::F16,
        Type::Bf16 => element::BF16,
        Type::Tf32 => element::TF32,
        Type::F32 => element::F32,
        _ => return None,
    })
}

fn transfer<'a>(
    f: &mut Function<'a, '_>,
    op: &mut Opcode<'a>,
    operands: &'a [Operand<'a>],
    shape: u8,
    store: bool,
) -> Result<()> {
    let which = match op.take_any(&["a", "b", "c", "d"]) {
        Some("a") => matrix::A,
        Some("b") => matrix::B,
        _ => matrix::C,
    };
    let by_column = op.take_any(&["row", "col"]) == Some("col");
    let space = super::memory::take_space(op);
    let Some(ty) = op.take_type().and_then(kind) else {
        return f.unsupported(op.text);
    };
    let (fragment, address, rest) = match operands {
        [address, fragment, rest @ ..] if store => (fragment, address, rest),
        [fragment, address, rest @ ..] => (fragment, address, rest),
        _ => return f.syntax(format!("operands of {}", op.text)),
    };
    let [m, n, k] = run::SHAPES[usize::from(shape)].1;
    let stride = match (rest, which, by_column) {
        ([stride], _, _) => f.src(stride, Type::U32)?,
        // without a stride the matrix is dense
        (_, matrix::A, false) | (_, matrix::B, true) => f.bits(k as u64, Type::U32),
        (_, matrix::A | matrix::C, true) => f.bits(m as u64, Type::U32),
        _ => f.bits(n as u64, Type::U32),
    };
    let address = f.address(address)?;
    let (pool, count) = registers(f, &[(fragment, !store)])?;
    check(f, op, count[0], which, ty, shape)?;
    let runs = [
        select::<run::Transfer<{ level::PLAIN }>>(),
        select::<run::Transfer<{ level::BOUNDS }>>(),
        select::<run::Transfer<{ level::FULL }>>(),
    ];
    let draft = f.emit(runs);
    draft
        .uses(0, address.base)
        .uses(1, stride)
        .imm(address.offset)
        .a(pool.0);
    draft
        .m(0, which)
        .m(1, ty)
        .m(2, u8::from(by_column))
        .m(3, u8::from(store))
        .m(4, u8::from(address.wide));
    draft
        .m(5, shape)
        .m(6, count[0])
        .m(7, u8::from(space == "shared"));
    for (slot, reg) in pool.1 {
        draft.pooled(slot, reg, !store);
    }
    Ok(())
}

/// The number of registers of a fragment: as many as it has elements, or more that repeat them.
fn check<'a>(
    f: &Function<'a, '_>,
    op: &Opcode<'a>,
    count: u8,
    which: u8,
    ty: u8,
    shape: u8,
) -> Result<()> {
    let needed = run::registers(which, ty, run::SHAPES[usize::from(shape)].1).len();
    if usize::from(count) >= needed && usize::from(count) % needed == 0 {
        return Ok(());
    }
    f.syntax(format!("a fragment of {count} registers in {}", op.text))
}

type Pooled = (u32, Vec<(u32, super::draft::Reg)>);

/// Puts fragments into the pool; with each whether it is written. Gives the number of registers of each.
fn registers<'a>(
    f: &mut Function<'a, '_>,
    fragments: &[(&'a Operand<'a>, bool)],
) -> Result<(Pooled, Vec<u8>)> {
    let start = f.pool.len() as u32;
    let (mut regs, mut counts) = (vec![], vec![]);
    for (fragment, written) in fragments {
        let Operand::Vector(parts) = fragment else {
            return f.syntax("a fragment in braces expected");
        };
        counts.push(parts.len().min(255) as u8);
        for part in parts {
            let reg = if *written {
                f.dst(part, Type::B32)?
            } else {
                f.src(part, Type::B32)?
            };
            let slot = f.pool.len() as u32;
            f.pool.push(crate::exec::inst::NONE);
            regs.push((slot, reg));
        }
    }
    Ok(((start, regs), counts))
}

fn multiply<'a>(
    f: &mut Function<'a, '_>,
    op: &mut Opcode<'a>,
    operands: &'a [Operand<'a>],
    shape: u8,
) -> Result<()> {
    // the layouts concern the loads only
    while op.take_any(&["row", "col"]).is_some() {}
    op.take("rn");
    let mut types = vec![];
    while let Some(ty) = op.take_type() {
        let Some(ty) = kind(ty) else {
            return f.unsupported(op.text);
        };
        types.push(ty);
    }
    // f16 names the types of d and c only
    let (d, ab, c) = match types.as_slice() {
        [d, c] => (*d, element::F16, *c),
        [d, a, b, c] if a == b => (*d, *a, *c),
        _ => return f.unsupported(op.text),
    };
    let [od, oa, ob, oc] = operands else {
        return f.syntax("wmma.mma takes four fragments");
    };
    let (pool, counts) = registers(f, &[(od, true), (oa, false), (ob, false), (oc, false)])?;
    for (part, (which, ty)) in [
        (matrix::C, d),
        (matrix::A, ab),
        (matrix::B, ab),
        (matrix::C, c),
    ]
    .into_iter()
    .enumerate()
    {
        check(f, op, counts[part], which, ty, shape)?;
    }
    let mut numbers = [0; 8];
    numbers[..4].copy_from_slice(&counts);
    let written = u32::from(counts[0]);
    let draft = f.emit(same::<run::Multiply>());
    draft
        .a(pool.0)
        .imm(i64::from_le_bytes(numbers))
        .m(1, ab)
        .m(2, d)
        .m(3, c)
        .m(5, shape);
    for (slot, reg) in pool.1 {
        draft.pooled(slot, reg, slot < pool.0 + written);
    }
    Ok(())
}
