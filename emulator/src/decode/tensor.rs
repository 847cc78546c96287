//! Tensor Core instructions (PTX ISA, "Warp Level Matrix Multiply-Accumulate Instructions").

use super::draft::Reg;
use super::function::{Function, Result};
use super::opcode::Opcode;
use super::types::Type;
use crate::exec::access::spaces;
use crate::exec::handler::{same, select};
use crate::exec::inst::{NONE, Run, level};
use crate::exec::tensor::{matrix, mma, wmma};
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
        ("ldmatrix", _) => matrices(f, op, operands, true)?,
        ("stmatrix", _) => matrices(f, op, operands, false)?,
        ("movmatrix", _) => transposition(f, op, operands)?,
        ("mma", _) => multiply(f, op, operands, false)?,
        (_, Some("mma")) => multiply(f, op, operands, true)?,
        (_, Some("load")) => memory(f, op, operands, true)?,
        (_, Some("store")) => memory(f, op, operands, false)?,
        _ => return f.unsupported(op.text),
    }
    Ok(true)
}

/// An instruction's copies for all check levels, by its state space.
macro_rules! by_space {
    ($space:expr, $op:ident: $($name:ident)*) => {
        match $space {
            $(spaces::$name => [
                select::<$op<{ spaces::$name }, { level::PLAIN }>>(),
                select::<$op<{ spaces::$name }, { level::BOUNDS }>>(),
                select::<$op<{ spaces::$name }, { level::FULL }>>(),
            ],)*
            _ => [
                select::<$op<{ spaces::GENERIC }, { level::PLAIN }>>(),
                select::<$op<{ spaces::GENERIC }, { level::BOUNDS }>>(),
                select::<$op<{ spaces::GENERIC }, { level::FULL }>>(),
            ],
        }
    };
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

fn matrices<'a>(
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
    use matrix::{LoadMatrix, StoreMatrix};
    let runs = if load {
        by_space!(space, LoadMatrix: SHARED)
    } else {
        by_space!(space, StoreMatrix: SHARED)
    };
    let draft = f.emit(runs).uses(0, address.base).imm(address.offset);
    draft.m(matrix::modifier::COUNT, count as u8);
    draft.m(matrix::modifier::TRANS, trans.into());
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

fn transposition<'a>(
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
    f.emit(same::<matrix::MoveMatrix>()).def(0, d).uses(1, a);
    Ok(())
}

const SHAPES: [(&str, [usize; 3]); 15] = [
    ("m8n8k4", [8, 8, 4]),
    ("m8n8k16", [8, 8, 16]),
    ("m8n8k32", [8, 8, 32]),
    ("m8n8k128", [8, 8, 128]),
    ("m16n8k4", [16, 8, 4]),
    ("m16n8k8", [16, 8, 8]),
    ("m16n8k16", [16, 8, 16]),
    ("m16n8k32", [16, 8, 32]),
    ("m16n8k64", [16, 8, 64]),
    ("m16n8k128", [16, 8, 128]),
    ("m16n8k256", [16, 8, 256]),
    ("m16n16k16", [16, 16, 16]),
    ("m32n8k16", [32, 8, 16]),
    ("m8n32k16", [8, 32, 16]),
    ("m16n16k8", [16, 16, 8]),
];

/// m, n and k.
fn shape(op: &mut Opcode<'_>) -> [usize; 3] {
    let name = op.take_any(&SHAPES.map(|s| s.0));
    SHAPES
        .iter()
        .find(|s| Some(s.0) == name)
        .map_or([0; 3], |s| s.1)
}

/// A type of factors.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Factors {
    bits: usize,
    kind: u8,
    /// Depths along k of `mma` with m16n8, of `mma` with m8n8.
    m16: &'static [usize],
    m8: &'static [usize],
    /// Shapes of `wmma`.
    wmma: &'static [[usize; 3]],
}

const WIDE_SHAPES: &[[usize; 3]] = &[[16, 16, 16], [32, 8, 16], [8, 32, 16]];

fn factors(name: &str) -> Option<Factors> {
    use mma::kind::{BF16, F16, SIGNED, UNSIGNED};
    let of = |bits, kind, m16, m8, wmma| {
        Some(Factors {
            bits,
            kind,
            m16,
            m8,
            wmma,
        })
    };
    match name {
        "f16" => of(16, F16, &[8, 16], &[], WIDE_SHAPES),
        "bf16" => of(16, BF16, &[8, 16], &[], WIDE_SHAPES),
        "tf32" => of(32, 0, &[4, 8], &[], &[[16, 16, 8]]),
        "f64" => of(64, 0, &[4, 8, 16], &[4], &[[8, 8, 4]]),
        "s8" => of(8, SIGNED, &[16, 32], &[16], WIDE_SHAPES),
        "u8" => of(8, UNSIGNED, &[16, 32], &[16], WIDE_SHAPES),
        "s4" => of(4, SIGNED, &[32, 64], &[32], &[[8, 8, 32]]),
        "u4" => of(4, UNSIGNED, &[32, 64], &[32], &[[8, 8, 32]]),
        "b1" => of(1, 0, &[128, 256], &[128], &[[8, 8, 128]]),
        _ => None,
    }
}

impl Factors {
    fn allows(&self, [m, n, k]: [usize; 3], wmma: bool) -> bool {
        if wmma {
            return self.wmma.contains(&[m, n, k]);
        }
        n == 8 && (m == 16 && self.m16.contains(&k) || m == 8 && self.m8.contains(&k))
    }

    /// Elements of a block's row.
    fn row(&self) -> usize {
        4 * (32 / self.bits).max(1)
    }

    fn register(&self) -> Type {
        if self.bits == 64 {
            Type::F64
        } else {
            Type::B32
        }
    }

    /// Registers that `wmma` gives a factor's fragment of so many blocks ("Matrix Fragments for WMMA").
    fn fragment(&self, blocks: usize) -> usize {
        if self.bits == 16 && self.kind == mma::kind::F16 {
            8
        } else {
            blocks
        }
    }

    fn runs(&self) -> [Run; 3] {
        use mma::{Bit, Float64, Half, Int4, Int8, Multiply, Tf32};
        match self.bits {
            64 => same::<Multiply<Float64, 4>>(),
            32 => same::<Multiply<Tf32, 4>>(),
            16 => same::<Multiply<Half, 8>>(),
            8 => same::<Multiply<Int8, 16>>(),
            4 => same::<Multiply<Int4, 32>>(),
            _ => same::<Multiply<Bit, 1>>(),
        }
    }

    /// Whether C and D may be of these types.
    fn sums_to(&self, d: &str, c: &str) -> bool {
        match (self.bits, self.kind) {
            (64, _) => (d, c) == ("f64", "f64"),
            (16, mma::kind::F16) => matches!((d, c), ("f16" | "f32", "f16" | "f32")),
            (16 | 32, _) => (d, c) == ("f32", "f32"),
            _ => (d, c) == ("s32", "s32"),
        }
    }
}

/// `mma` and `wmma.mma`: the same multiplication of the same fragments.
fn multiply<'a>(
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

/// Room for a list of operands.
fn pool(f: &mut Function<'_, '_>, count: usize) -> u32 {
    let at = f.pool.len();
    f.pool.resize(at + count, NONE);
    at as u32
}

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
fn memory<'a>(
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
    use wmma::{Load, Store, modifier};
    let runs = if load {
        by_space!(space, Load: GLOBAL SHARED)
    } else {
        by_space!(space, Store: GLOBAL SHARED)
    };
    let at = pool(f, registers.len());
    let draft = f
        .emit(runs)
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
        8 => wmma::form::BYTES,
        16 => wmma::form::HALVES,
        64 => wmma::form::DOUBLES,
        _ => wmma::form::WORDS,
    };
    let [m, n, k] = dims;
    let (rows, of_b) = if which == "a" {
        (m, 0)
    } else {
        (n, wmma::form::OF_B)
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
        "f16" => (wmma::form::HALVES, 16, Type::B32, legal(&["f16"])),
        "f32" => (
            wmma::form::WORD_PAIRS,
            32,
            Type::B32,
            legal(&["f16", "bf16", "tf32"]),
        ),
        "s32" => (
            wmma::form::WORD_PAIRS,
            32,
            Type::B32,
            legal(&["s8", "s4", "b1"]),
        ),
        "f64" => (wmma::form::DOUBLE_PAIRS, 64, Type::F64, legal(&["f64"])),
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
