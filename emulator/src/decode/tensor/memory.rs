//! `wmma.load` and `wmma.store`.

use super::factors::{factors, shape};
use super::{list, pool, space};
use crate::decode::function::{Function, Result};
use crate::decode::opcode::Opcode;
use crate::decode::types::Type;
use crate::exec::handler::select;
use crate::exec::state::{Kind, Touch, spaces};
use crate::exec::tensor::wmma::{Load, Store};
use crate::exec::tensor::{form, wmma_modifier as modifier};
use crate::ptx::ast::Operand;

/// A fragment of `wmma.load` and `wmma.store`.
struct Fragment {
    /// Elements over the rows of its blocks, and over the depth.
    rows: usize,
    depth: usize,
    /// Elements of a block's row.
    row: usize,
    form: u8,
    bits: usize,
    registers: usize,
    register: Type,
}

/// `wmma.load.a.sync.aligned.layout.shape{.ss}.type r, [p]{, stride}`, and `wmma.store.d` the other way.
pub fn decode<'a>(
    f: &mut Function<'a, '_>,
    op: &mut Opcode<'a>,
    operands: &'a [Operand<'a>],
    load: bool,
) -> Result<()> {
    let text = op.text;
    let which = if load {
        op.take_any(&["a", "b", "c"])
    } else {
        op.take_any(&["d"])
    };
    let (dims, order, space) = (shape(op), op.take_any(&["row", "col"]), space(op));
    let types = op.take_rest();
    let ([name], Some(which), Some(order)) = (types.as_slice(), which, order) else {
        return f.unsupported(text);
    };
    let fragment = match which {
        "a" | "b" => factor_fragment(name, which, dims, order),
        _ => sum_fragment(name, dims),
    };
    let Some(x) = fragment else {
        return f.unsupported(text);
    };
    // consecutive addresses go along the depth
    let along = (order == "row") != (which == "b");
    let (values, address, stride) = match (operands, load) {
        ([values, address], true) | ([address, values], false) => (values, address, None),
        ([values, address, stride], true) | ([address, values, stride], false) => {
            (values, address, Some(stride))
        }
        _ => return f.syntax("an address, a list of registers and at most a stride are needed"),
    };
    let address = f.address(address)?;
    let stride = match stride {
        Some(stride) => f.src(stride, Type::U32)?,
        None => f.bits(if along { x.depth } else { x.rows } as u64, Type::U32),
    };
    let mut registers = vec![];
    for value in list(f, values, x.registers)? {
        registers.push(if load {
            f.dst(value, x.register)?
        } else {
            f.src(value, x.register)?
        });
    }
    let runs = if load {
        select::<Load>()
    } else {
        select::<Store>()
    };
    let at = pool(f, registers.len());
    let kind = if load { Kind::Read } else { Kind::Write };
    let draft = f
        .emit(runs)
        .touches(Touch::Fragment { space, kind })
        .uses(0, address.base)
        .uses(1, stride)
        .imm(address.offset)
        .a(at);
    for (slot, value) in [
        (modifier::ROWS, x.rows / 8),
        (modifier::DEPTH, x.depth / x.row),
        (modifier::FORM, usize::from(x.form)),
        (modifier::ALONG, usize::from(along)),
        (modifier::WIDE, usize::from(address.wide)),
        (modifier::REGISTERS, x.registers),
        (modifier::BITS, x.bits),
        (spaces::SAID, space.into()),
    ] {
        draft.m(slot, value as u8);
    }
    for (slot, register) in registers.into_iter().enumerate() {
        draft.pooled(at + slot as u32, register, load);
    }
    Ok(())
}

fn factor_fragment(name: &str, which: &str, dims: [usize; 3], order: &str) -> Option<Fragment> {
    let x = factors(name).filter(|x| x.allows(dims, true))?;
    // narrower elements than a byte have one layout each
    if x.bits < 8 && order != if which == "a" { "row" } else { "col" } {
        return None;
    }
    let form = match x.bits {
        8 => form::BYTES,
        16 => form::HALVES,
        64 => form::DOUBLES,
        _ => form::WORDS,
    };
    let [m, n, k] = dims;
    let (rows, of_b) = if which == "a" {
        (m, 0)
    } else {
        (n, form::OF_B)
    };
    let registers = x.fragment(rows / 8 * k / x.row());
    Some(Fragment {
        rows,
        depth: k,
        row: x.row(),
        form: form | of_b,
        bits: x.bits,
        registers,
        register: x.register(),
    })
}

fn sum_fragment(name: &str, dims: [usize; 3]) -> Option<Fragment> {
    let legal = |types: &[&str]| {
        types
            .iter()
            .any(|t| factors(t).is_some_and(|x| x.allows(dims, true)))
    };
    let (form, bits, register, legal) = match name {
        "f16" => (form::HALVES, 16, Type::B32, legal(&["f16"])),
        "f32" => (
            form::WORD_PAIRS,
            32,
            Type::B32,
            legal(&["f16", "bf16", "tf32"]),
        ),
        "s32" => (form::WORD_PAIRS, 32, Type::B32, legal(&["s8", "s4", "b1"])),
        "f64" => (form::DOUBLE_PAIRS, 64, Type::F64, legal(&["f64"])),
        _ => return None,
    };
    let [rows, depth, _] = dims;
    let registers = rows / 8 * (depth / 8) * if bits == 16 { 1 } else { 2 };
    legal.then_some(Fragment {
        rows,
        depth,
        row: 8,
        form,
        bits,
        registers,
        register,
    })
}
