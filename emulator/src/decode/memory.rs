//! `ld`, `ldu`, `st`.

use super::function::{Function, Result};
use super::opcode::Opcode;
use super::operand::{Address, width};
use super::types::Type;
use crate::exec::handler::select;
use crate::exec::load::{Load, LoadParam, Store, modifier};
use crate::exec::state::{Kind, Run, Touch, spaces};
use crate::exec::sync::order;
use crate::ptx::ast::Operand;

/// An instruction by the size of its elements.
macro_rules! sized {
    ($outer:ident, $size:expr, $space:expr) => {
        match $size {
            1 => Some(select::<$outer<u8, { $space }>>()),
            2 => Some(select::<$outer<u16, { $space }>>()),
            4 => Some(select::<$outer<u32, { $space }>>()),
            8 => Some(select::<$outer<u64, { $space }>>()),
            16 => Some(select::<$outer<u128, { $space }>>()),
            _ => None,
        }
    };
}

/// The state space that an opcode names; generic if none.
pub fn take_space(op: &mut Opcode<'_>) -> &'static str {
    let names = [
        "global",
        "shared",
        "shared::cta",
        "shared::cluster",
        "local",
        "param",
        "param::entry",
        "param::func",
        "const",
    ];
    match op.take_any(&names) {
        Some("global" | "const") => "global",
        Some("shared" | "shared::cta") => "shared",
        Some("shared::cluster") => "cluster",
        Some("local") => "local",
        Some("param" | "param::entry" | "param::func") => "param",
        _ => "generic",
    }
}

/// Takes what only concerns caches and scopes; what the access says of the order of others, none if it is weak.
pub fn take_hints(op: &mut Opcode<'_>) -> u8 {
    let hints = [
        "ca",
        "cg",
        "cs",
        "lu",
        "cv",
        "wb",
        "wt",
        "nc",
        "L1::evict_normal",
        "L1::evict_unchanged",
        "L1::evict_first",
        "L1::evict_last",
        "L1::no_allocate",
        "L2::64B",
        "L2::128B",
        "L2::256B",
        "L2::evict_first",
        "L2::evict_last",
        "L2::evict_normal",
        "weak",
    ];
    while op.take_any(&hints).is_some() {}
    op.take_any(&["cta", "cluster", "gpu", "sys"]);
    let mut strong = 0;
    while let Some(how) = op.take_any(&[
        "volatile", "relaxed", "acquire", "release", "acq_rel", "mmio",
    ]) {
        strong |= order::STRONG
            | match how {
                "acquire" => order::ACQUIRE,
                "release" => order::RELEASE,
                "acq_rel" => order::ACQUIRE | order::RELEASE,
                _ => 0,
            };
    }
    strong
}

pub fn decode<'a>(
    f: &mut Function<'a, '_>,
    op: &mut Opcode<'a>,
    operands: &'a [Operand<'a>],
) -> Result<bool> {
    let load = match op.base {
        "ld" | "ldu" => true,
        "st" => false,
        _ => return Ok(false),
    };
    let space = take_space(op);
    let strong = take_hints(op);
    let vector: u8 = match op.take_any(&["v2", "v4"]) {
        Some("v2") => 2,
        Some(_) => 4,
        None => 1,
    };
    let Some(ty) = op.take_type() else {
        return f.unsupported(op.text).map(|()| true);
    };
    // an optional cache policy comes last
    let [first, second, ..] = operands else {
        return f
            .syntax(format!("{} takes two operands", op.text))
            .map(|()| true);
    };
    let (data, address) = if load {
        (first, second)
    } else {
        (second, first)
    };
    let address = f.address(address)?;
    let regs = f.each(data, ty, |f, part| {
        if load {
            f.wide_dst(part, ty)
        } else {
            f.wide_src(part, ty)
        }
    })?;
    if regs.len() != usize::from(vector) || ty == Type::Pred {
        return f.syntax(format!("operands of {}", op.text)).map(|()| true);
    }
    let widths: Vec<u32> = regs.iter().map(|r| width(f.types[r.0 as usize])).collect();
    if widths.iter().any(|w| *w != widths[0]) {
        return f
            .unsupported(format!("{} of registers of several widths", op.text))
            .map(|()| true);
    }
    let Some(runs) = choose(space, &address, ty, load) else {
        return f.unsupported(op.text).map(|()| true);
    };
    let touch = Touch::Lanes {
        space: match space {
            "global" => spaces::GLOBAL,
            "shared" => spaces::SHARED,
            "generic" => spaces::GENERIC,
            _ => spaces::LOCAL,
        },
        bytes: ty.bytes() as u8 * vector,
        kind: if load { Kind::Read } else { Kind::Write },
    };
    let by_param = space == "param" && address.param.is_some();
    let draft = f.emit(runs).a(ty.bytes());
    draft
        .m(modifier::COUNT, vector)
        .m(modifier::WIDTH, (widths[0] / 8) as u8)
        .m(modifier::SIGNED, u8::from(ty.signed()));
    draft
        .m(modifier::STRONG, strong)
        .m(modifier::WIDE, u8::from(address.wide))
        .m(spaces::SAID, number(space, &address))
        .imm(address.offset);
    if let Some(at) = address.param.filter(|_| by_param) {
        draft.imm(i64::from(at) + address.offset);
    } else {
        // parameters come through the constant cache, also where a register says which
        let touch = if space == "param" {
            Touch::Nothing
        } else {
            touch
        };
        draft.uses(0, address.base).touches(touch);
    }
    for (i, reg) in regs.into_iter().enumerate() {
        if load {
            draft.def(i as u8 + 1, reg);
        } else {
            draft.uses(i as u8 + 1, reg);
        }
    }
    Ok(true)
}

/// The instruction for a space. Global and shared memory have their own; the others are told when they run.
fn choose(space: &str, address: &Address, ty: Type, load: bool) -> Option<Run> {
    let size = ty.bytes();
    match (space, load) {
        ("param", true) if address.param.is_some() => Some(select::<LoadParam>()),
        ("shared", true) => sized!(Load, size, spaces::SHARED),
        ("shared", false) => sized!(Store, size, spaces::SHARED),
        ("global", true) => sized!(Load, size, spaces::GLOBAL),
        ("global", false) => sized!(Store, size, spaces::GLOBAL),
        (_, true) => sized!(Load, size, spaces::ANY),
        (_, false) => sized!(Store, size, spaces::ANY),
    }
}

/// The number of the space that `take_space` has taken.
pub fn number(space: &str, address: &Address) -> u8 {
    match space {
        "global" => spaces::GLOBAL,
        "shared" => spaces::SHARED,
        "cluster" => spaces::CLUSTER,
        "local" => spaces::LOCAL,
        // a parameter of a function or call lies in local memory
        "param" if address.local => spaces::LOCAL,
        _ => spaces::GENERIC,
    }
}
