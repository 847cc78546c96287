//! What came with compute capability 9.0.

mod bulk;
mod cluster;
mod mbarrier;
mod send;
mod tile;
mod wgmma;

use super::draft::Reg;
use super::function::{Function, Result};
use super::opcode::Opcode;
use super::types::Type;
use crate::exec::handler::{Map2, select};
use crate::exec::integer;
use crate::exec::state::space;
use crate::ptx::ast::Operand;

pub use wgmma::{hold, touches};

pub fn decode<'a>(
    f: &mut Function<'a, '_>,
    op: &mut Opcode<'a>,
    operands: &'a [Operand<'a>],
) -> Result<bool> {
    match op.base {
        "mbarrier" => mbarrier::decode(f, op, operands)?,
        "cp" if op.has("mbarrier") => mbarrier::copies(f, op, operands)?,
        "cp" if op.has("tensor") => tile::decode(f, op, operands)?,
        "cp" if op.has("bulk") => bulk::decode(f, op, operands)?,
        "prefetch" if op.has("tensormap") => tile::prefetch_map(f, op, operands)?,
        "fence" if op.has("mbarrier_init") || op.has("proxy") => cluster::fence(f, op)?,
        "barrier" if op.has("cluster") => cluster::barrier(f, op)?,
        "st" if op.has("async") => send::decode(f, op, operands)?,
        "mapa" => cluster::map(f, op, operands)?,
        "getctarank" => cluster::rank(f, op, operands)?,
        "setmaxnreg" => cluster::registers(f, op, operands)?,
        "griddepcontrol" => {
            require(f, op, 90)?;
            if op.take_any(&["wait", "launch_dependents"]).is_none() {
                return f.syntax("griddepcontrol without an action").map(|()| true);
            }
        }
        "wgmma" => wgmma::decode(f, op, operands)?,
        _ => return Ok(false),
    }
    Ok(true)
}

/// Refuses an opcode that a module's target does not have.
fn require(f: &Function<'_, '_>, op: &Opcode<'_>, least: u32) -> Result<()> {
    let target = f.symbols.source.target.first().copied().unwrap_or("");
    let digits: String = target.chars().filter(char::is_ascii_digit).collect();
    if digits.parse::<u32>().unwrap_or(0) >= least {
        return Ok(());
    }
    f.unsupported(format!(
        "{} needs .target sm_{least}, not {target}",
        op.text
    ))
}

/// Refuses an opcode that only `sm_90a` has.
fn require_exact(f: &Function<'_, '_>, op: &Opcode<'_>) -> Result<()> {
    match f.symbols.source.target.first() {
        Some(&"sm_90a") => Ok(()),
        target => f.unsupported(format!(
            "{} needs .target sm_90a, not {}",
            op.text,
            target.unwrap_or(&"")
        )),
    }
}

/// An address in brackets as one register, and whether it has 64 bits.
fn pointer<'a>(f: &mut Function<'a, '_>, operand: &Operand<'a>) -> Result<(Reg, bool)> {
    let address = f.address(operand)?;
    if let Some(at) = address.param {
        let at = (space::PARAM + u64::from(at)).wrapping_add_signed(address.offset);
        return Ok((f.bits(at, Type::B64), true));
    }
    if address.offset == 0 {
        return Ok((address.base, address.wide));
    }
    let (ty, runs) = if address.wide {
        (Type::B64, select::<Map2<integer::Add<u64>>>())
    } else {
        (Type::B32, select::<Map2<integer::Add<u32>>>())
    };
    let offset = f.bits(address.offset as u64, ty);
    let sum = f.temp(ty);
    f.emit(runs)
        .def(0, sum)
        .uses(1, address.base)
        .uses(2, offset);
    Ok((sum, address.wide))
}
