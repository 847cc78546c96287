//! What kind of work an opcode is.

use super::draft::Draft;
use crate::exec::state::Touch;
use cuda_emulator_counts::Class;

/// Notes the class of an opcode at one of the instructions that it has become: the one that touches memory, if any.
pub fn note(opcode: &str, drafts: &mut [Draft]) {
    let touches = |d: &Draft| d.trace.touch != Touch::Nothing;
    let at = drafts.iter().position(touches).unwrap_or(0);
    if let Some(draft) = drafts.get_mut(at) {
        draft.trace.class = Some(class(opcode));
        draft.trace.flop = flop(opcode);
    }
}

fn class(opcode: &str) -> Class {
    let mut parts = opcode.split('.');
    let base = parts.next().unwrap_or("");
    let rest: Vec<&str> = parts.collect();
    let space = || rest.iter().find_map(|m| m.split("::").next());
    let named = |names: &[&str]| rest.iter().any(|m| names.contains(m));
    match base {
        "st" | "atom" | "red" if space() == Some("async") => Class::AsyncCopy,
        "ld" | "ldu" | "st" => memory(base != "st", &rest),
        "atom" | "red" => Class::Atomic,
        "mma" => Class::Tensor,
        "wmma" | "wgmma" if named(&["mma", "mma_async"]) => Class::Tensor,
        "wmma" | "ldmatrix" | "stmatrix" | "movmatrix" => Class::Matrix,
        "cp" | "wgmma" | "prefetch" | "prefetchu" | "applypriority" | "discard" => Class::AsyncCopy,
        "bar" | "barrier" | "membar" | "fence" | "mbarrier" | "griddepcontrol" => Class::Barrier,
        "shfl" | "vote" | "match" | "redux" | "activemask" | "elect" => Class::Shuffle,
        "bra" | "brx" | "call" | "ret" | "exit" | "trap" | "brkpt" => Class::Branch,
        "cvt" => Class::Conversion,
        "mov" | "cvta" | "prmt" | "mapa" | "isspacep" => Class::Move,
        "setp" | "set" | "selp" | "slct" | "testp" => Class::Predicate,
        "and" | "or" | "xor" | "not" if named(&["pred"]) => Class::Predicate,
        "rcp" | "sqrt" | "rsqrt" | "sin" | "cos" | "tanh" | "ex2" | "lg2" => Class::Special,
        "nanosleep" | "pmevent" | "setmaxnreg" => Class::Other,
        _ if base.starts_with('v') => Class::Integer,
        _ => arithmetic(&rest),
    }
}

fn memory(load: bool, modifiers: &[&str]) -> Class {
    let space = modifiers.iter().find_map(|m| {
        let name = m.split("::").next().unwrap_or(m);
        ["global", "const", "shared", "local", "param"]
            .into_iter()
            .find(|s| *s == name)
    });
    match (space, load) {
        (Some("global" | "const"), true) => Class::LoadGlobal,
        (Some("global" | "const"), false) => Class::StoreGlobal,
        (Some("shared"), true) => Class::LoadShared,
        (Some("shared"), false) => Class::StoreShared,
        (Some("local"), true) => Class::LoadLocal,
        (Some("local"), false) => Class::StoreLocal,
        (Some(_), true) => Class::LoadParam,
        (Some(_), false) => Class::StoreParam,
        (None, true) => Class::LoadGeneric,
        (None, false) => Class::StoreGeneric,
    }
}

/// By the last type, which is that of the operands.
fn arithmetic(modifiers: &[&str]) -> Class {
    match modifiers.last() {
        Some(&"f32") => Class::Float,
        Some(&"f64") => Class::Double,
        Some(&"f16" | &"f16x2" | &"bf16" | &"bf16x2") => Class::Half,
        Some(ty) if ty.starts_with(['u', 's', 'b']) => Class::Integer,
        _ => Class::Other,
    }
}

/// Two operations for each product of a multiplication of matrices, from its shape: `m16n8k16`.
fn flop(opcode: &str) -> u32 {
    if class(opcode) != Class::Tensor {
        return 0;
    }
    let shape = |part: &str| {
        let (m, rest) = part.strip_prefix('m')?.split_once('n')?;
        let (n, k) = rest.split_once('k')?;
        Some(2 * m.parse::<u32>().ok()? * n.parse::<u32>().ok()? * k.parse::<u32>().ok()?)
    };
    let whole = opcode.split('.').find_map(shape).unwrap_or(0);
    // four warps make one product of wgmma
    if opcode.starts_with("wgmma") {
        whole / 4
    } else {
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opcodes_have_the_class_of_their_work() {
        for (opcode, expected) in [
            ("ld.global.nc.v4.f32", Class::LoadGlobal),
            ("st.volatile.shared.u32", Class::StoreShared),
            ("ld.shared::cluster.u32", Class::LoadShared),
            ("ld.param.u64", Class::LoadParam),
            ("st.u32", Class::StoreGeneric),
            (
                "st.async.shared::cluster.mbarrier::complete_tx::bytes.b32",
                Class::AsyncCopy,
            ),
            ("fma.rn.f32", Class::Float),
            ("fma.rn.bf16x2", Class::Half),
            ("mad.wide.s32", Class::Integer),
            ("and.pred", Class::Predicate),
            ("and.b32", Class::Integer),
            ("vabsdiff4.u32.u32.u32.add", Class::Integer),
            ("ex2.approx.ftz.f32", Class::Special),
            ("cvt.rn.f16.f32", Class::Conversion),
            (
                "wmma.load.a.sync.aligned.row.m16n16k16.shared.f16",
                Class::Matrix,
            ),
            ("cp.async.cg.shared.global", Class::AsyncCopy),
            ("wgmma.commit_group.sync.aligned", Class::AsyncCopy),
            ("bar.warp.sync", Class::Barrier),
        ] {
            assert_eq!((opcode, class(opcode)), (opcode, expected));
        }
    }

    #[test]
    fn a_multiplication_counts_its_products() {
        assert_eq!(
            flop("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32"),
            4096
        );
        assert_eq!(
            flop("wgmma.mma_async.sync.aligned.m64n256k16.f32.f16.f16"),
            131_072, // a quarter: four warps make one product
        );
        assert_eq!(flop("ldmatrix.sync.aligned.m8n8.x4.shared.b16"), 0);
    }
}
