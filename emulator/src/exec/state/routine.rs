//! What a function needs before its first instruction runs: room, constants, and special registers that do not change
//! while a thread runs.

/// A function's place and needs.
pub struct Routine {
    pub name: String,
    pub entry: u32,
    /// Bytes of registers, constants first.
    pub frame_bytes: u32,
    /// Constants and where in the frame they lie.
    pub constants: Vec<(u32, Constant)>,
    /// Bytes of local memory, parameters and results of the function first.
    pub local_bytes: u32,
    /// Where parameters lie in local memory, and their sizes.
    pub params: Vec<(u32, u32)>,
    /// Where results lie in local memory, and their sizes.
    pub returns: Vec<(u32, u32)>,
}

/// A row that is filled when a frame is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Constant {
    Bits16(u16),
    Bits32(u32),
    Bits64(u64),
    Bits128(u128),
    /// A predicate.
    Flag(bool),
    /// A special register in 16, 32 or 64 bits.
    Special(Special, u8),
    /// A local variable's address: its offset in the frame, plus a constant, in 32 or 64 bits.
    Local(u32, u64, u8),
}

/// PTX ISA, "Special Registers"; the clocks are instructions (see `control`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Special {
    Tid(u8),
    Ntid(u8),
    Ctaid(u8),
    Nctaid(u8),
    Clusterid(u8),
    Nclusterid(u8),
    ClusterCtaid(u8),
    ClusterNctaid(u8),
    ClusterCtarank,
    ClusterNctarank,
    IsExplicitCluster,
    Laneid,
    Warpid,
    Nwarpid,
    LanemaskEq,
    LanemaskLe,
    LanemaskLt,
    LanemaskGe,
    LanemaskGt,
    DynamicSharedBytes,
    TotalSharedBytes,
    /// Half of the address of a cooperative launch's workspace.
    WorkspaceHigh,
    WorkspaceLow,
    /// Registers whose values mean nothing here: one processor, one grid, no environment.
    Zero,
    One,
}

impl Special {
    /// The register of a name without its `%`.
    pub fn named(name: &str) -> Option<Special> {
        if let Some((stem, axis)) = name.split_once('.') {
            let axis = match axis {
                "x" => 0,
                "y" => 1,
                "z" => 2,
                "w" => return Some(Special::Zero),
                _ => return None,
            };
            return Some(match stem {
                "tid" => Special::Tid(axis),
                "ntid" => Special::Ntid(axis),
                "ctaid" => Special::Ctaid(axis),
                "nctaid" => Special::Nctaid(axis),
                "clusterid" => Special::Clusterid(axis),
                "nclusterid" => Special::Nclusterid(axis),
                "cluster_ctaid" => Special::ClusterCtaid(axis),
                "cluster_nctaid" => Special::ClusterNctaid(axis),
                _ => return None,
            });
        }
        Some(match name {
            "laneid" => Special::Laneid,
            "warpid" => Special::Warpid,
            "nwarpid" => Special::Nwarpid,
            "lanemask_eq" => Special::LanemaskEq,
            "lanemask_le" => Special::LanemaskLe,
            "lanemask_lt" => Special::LanemaskLt,
            "lanemask_ge" => Special::LanemaskGe,
            "lanemask_gt" => Special::LanemaskGt,
            "cluster_ctarank" => Special::ClusterCtarank,
            "cluster_nctarank" => Special::ClusterNctarank,
            "is_explicit_cluster" => Special::IsExplicitCluster,
            "dynamic_smem_size" => Special::DynamicSharedBytes,
            "total_smem_size" | "aggr_smem_size" => Special::TotalSharedBytes,
            "smid" | "gridid" => Special::Zero,
            "nsmid" => Special::One,
            "envreg1" => Special::WorkspaceHigh,
            "envreg2" => Special::WorkspaceLow,
            _ if name.starts_with("envreg") || name.starts_with("pm") => Special::Zero,
            _ => return None,
        })
    }
}
