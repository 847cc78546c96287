//! How the results of an opcode depend on its operands.

use super::draft::Draft;
use crate::exec::state::{Touch, Values};

/// Notes it at one of the instructions that an opcode has become: the one that touches memory, or else the last, before
/// which predicates are negated and clocks read.
pub fn note(opcode: &str, drafts: &mut [Draft]) {
    let touches = |d: &Draft| d.trace.touch != Touch::Nothing;
    let at = drafts.iter().position(touches);
    let at = at.unwrap_or(drafts.len().saturating_sub(1));
    if let Some(draft) = drafts.get_mut(at) {
        draft.trace.values = values(opcode);
    }
}

fn values(opcode: &str) -> Values {
    let mut parts = opcode.split('.');
    let base = parts.next().unwrap_or("");
    let rest: Vec<&str> = parts.collect();
    let named = |name: &str| rest.contains(&name);
    match base {
        "st" | "red" if named("async") => Values::Use,
        "ld" | "ldu" => Values::Load,
        "st" => Values::Store,
        "atom" | "red" => Values::Atomic(!named("exch")),
        "cp" if named("async") && rest.iter().any(|m| matches!(*m, "ca" | "cg")) => Values::Copy,
        "ldmatrix" => Values::LoadMatrix,
        "stmatrix" => Values::StoreMatrix,
        "movmatrix" => Values::MoveMatrix,
        "wmma" if named("load") => Values::LoadFragment,
        "wmma" if named("store") => Values::StoreFragment,
        "wmma" | "mma" => Values::Product,
        "shfl" => Values::Shuffle,
        "vote" | "match" | "redux" | "activemask" | "elect" => Values::Warp,
        "selp" => Values::Select,
        "and" if named("pred") => Values::Decided(false),
        "or" if named("pred") => Values::Decided(true),
        "bra" | "brx" | "call" | "ret" | "exit" | "trap" | "brkpt" | "bar" | "barrier"
        | "mbarrier" | "membar" | "fence" | "cp" | "wgmma" | "nanosleep" | "setmaxnreg"
        | "griddepcontrol" | "prefetch" | "tensormap" => Values::Use,
        _ => Values::Lanes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opcodes_depend_as_they_say() {
        for (opcode, expected) in [
            ("ld.volatile.shared.v2.u32", Values::Load),
            (
                "st.async.shared::cluster.mbarrier::complete_tx::bytes.b32",
                Values::Use,
            ),
            ("atom.global.exch.b32", Values::Atomic(false)),
            ("red.shared.add.u32", Values::Atomic(true)),
            ("cp.async.cg.shared.global", Values::Copy),
            (
                "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes",
                Values::Use,
            ),
            ("cp.async.commit_group", Values::Use),
            (
                "wmma.load.a.sync.aligned.row.m16n16k16.shared.f16",
                Values::LoadFragment,
            ),
            (
                "wmma.mma.sync.aligned.row.col.m16n16k16.f32.f32",
                Values::Product,
            ),
            (
                "wgmma.mma_async.sync.aligned.m64n8k16.f32.f16.f16",
                Values::Use,
            ),
            ("and.pred", Values::Decided(false)),
            ("and.b32", Values::Lanes),
            ("selp.f32", Values::Select),
            ("bar.red.popc.u32", Values::Use),
            ("fma.rn.f32", Values::Lanes),
        ] {
            assert_eq!((opcode, values(opcode)), (opcode, expected));
        }
    }
}
