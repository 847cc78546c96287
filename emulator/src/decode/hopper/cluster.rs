//! Clusters, fences between proxies, `setmaxnreg`.

use super::{require, require_exact};
use crate::decode::function::{Function, Result};
use crate::decode::opcode::Opcode;
use crate::decode::types::Type;
use crate::exec::handler::select;
use crate::exec::hopper::cluster as run;
use crate::exec::sync::{Fence, ProxyFence};
use crate::ptx::ast::{Number, Operand};

/// `barrier.cluster.arrive{.sem}{.aligned}`, `barrier.cluster.wait{.acquire}{.aligned}`
pub fn barrier(f: &mut Function<'_, '_>, op: &mut Opcode<'_>) -> Result<()> {
    require(f, op, 90)?;
    op.take("cluster");
    op.take("aligned");
    let action = op.take_any(&["arrive", "wait"]);
    let sem = op.take_any(&["release", "relaxed", "acquire"]);
    let runs = match (action, sem) {
        (Some("arrive"), None | Some("release" | "relaxed")) => select::<run::ClusterArrive>(),
        (Some("wait"), None | Some("acquire")) => select::<run::ClusterWait>(),
        _ => return f.unsupported(op.text),
    };
    f.emit(runs).m(0, u8::from(sem != Some("relaxed")));
    Ok(())
}

/// `mapa{.shared::cluster}.type d, a, rank`
pub fn map<'a>(
    f: &mut Function<'a, '_>,
    op: &mut Opcode<'a>,
    operands: &'a [Operand<'a>],
) -> Result<()> {
    require(f, op, 90)?;
    let generic = !op.take("shared::cluster");
    let ([d, a, rank], Some(ty @ (Type::U32 | Type::U64))) = (operands, op.take_type()) else {
        return f.syntax(format!("operands of {}", op.text));
    };
    let (a, rank, d) = (f.src(a, ty)?, f.src(rank, Type::U32)?, f.dst(d, ty)?);
    let draft = f.emit(select::<run::Map>()).def(0, d).uses(1, a);
    draft
        .uses(2, rank)
        .m(0, u8::from(ty == Type::U64))
        .m(1, generic.into());
    Ok(())
}

/// `getctarank{.shared::cluster}.type d, a`
pub fn rank<'a>(
    f: &mut Function<'a, '_>,
    op: &mut Opcode<'a>,
    operands: &'a [Operand<'a>],
) -> Result<()> {
    require(f, op, 90)?;
    op.take("shared::cluster");
    let ([d, a], Some(ty @ (Type::U32 | Type::U64))) = (operands, op.take_type()) else {
        return f.syntax(format!("operands of {}", op.text));
    };
    let (a, d) = (f.src(a, ty)?, f.dst(d, Type::U32)?);
    f.emit(select::<run::RankOf>())
        .def(0, d)
        .uses(1, a)
        .m(0, u8::from(ty == Type::U64));
    Ok(())
}

/// `fence.mbarrier_init`, `fence.proxy.*`
pub fn fence(f: &mut Function<'_, '_>, op: &mut Opcode<'_>) -> Result<()> {
    if op.has("mbarrier_init") {
        require(f, op, 90)?;
    }
    let asynchronous = op.take("async") || op.take("async::generic");
    if asynchronous {
        require(f, op, 90)?;
    }
    let global_only = op.take("global");
    op.take_rest();
    if asynchronous && !global_only {
        f.emit(select::<ProxyFence>());
    } else {
        f.emit(select::<Fence>());
    }
    Ok(())
}

/// `setmaxnreg.inc`, `.dec`: registers are not counted here, but what the ISA asks of the number is.
pub fn registers<'a>(
    f: &mut Function<'a, '_>,
    op: &mut Opcode<'a>,
    operands: &'a [Operand<'a>],
) -> Result<()> {
    require_exact(f, op)?;
    let action = op.take_any(&["inc", "dec"]);
    let shape = op.take("sync") && op.take("aligned") && op.take("u32");
    let ([Operand::Number(Number::Int(count))], Some(_), true) = (operands, action, shape) else {
        return f.syntax(format!("operands of {}", op.text));
    };
    if !(24..=256).contains(count) || count % 8 != 0 {
        return f.syntax(format!("{} of {count} registers", op.text));
    }
    Ok(())
}
