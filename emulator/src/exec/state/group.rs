//! Groups of lanes, and what they wait for.
//!
//! Lanes that are at one instruction run together as a group. A branch that they do not agree on splits the group;
//! the group with the lowest instruction runs first (deepest call first), so that groups meet again where the
//! compiler laid out the join. A group that only jumps backward gives the others a turn, so that lanes may wait for
//! each other.

/// Where a group is in the register file and in local memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Hash)]
pub struct Frame {
    /// Offset in the register file.
    pub base: u32,
    /// Offset in local memory.
    pub local: u32,
    pub routine: u32,
    /// The call instruction of the caller, to find results and the way back.
    pub call: u32,
}

/// What a group waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    Ready,
    /// `barrier` number `id`; results of `barrier.red` go to `result`.
    Barrier {
        id: u8,
        aligned: bool,
        line: u32,
        result: u32,
        kind: u8,
    },
    /// The other lanes of `mask`, wherever they wait for the same (`bar.warp.sync`).
    Lanes {
        mask: u32,
    },
    /// The other lanes of `mask`, at the same instruction (`shfl.sync` and its like).
    Collective {
        mask: u32,
        line: u32,
    },
    /// The end of an `mbarrier`'s phase; the predicate in row `result` tells of it.
    Mbarrier {
        address: u32,
        phase: u64,
        result: u32,
        acquire: bool,
        line: u32,
    },
    /// The other warps of the warpgroup, to commit what `wgmma.wait_group` waits for.
    Warpgroup {
        line: u32,
    },
    /// The other threads of the cluster, at `barrier.cluster`.
    Cluster {
        line: u32,
    },
}

/// Lanes that are not running now.
#[derive(Clone, Debug)]
pub struct Group {
    pub pc: u32,
    pub mask: u32,
    pub wait: Wait,
    pub frame: Frame,
    pub stack: Vec<Frame>,
    /// When it last ran.
    pub turn: u64,
}
