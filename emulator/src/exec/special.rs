//! Special registers that do not change while a thread runs.

use super::launch::Launch;

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

    /// The value for a thread.
    pub fn value(self, launch: &Launch<'_>, block: [u32; 3], thread: u32) -> u64 {
        let config = &launch.config;
        let cluster = launch.cluster;
        let lane = thread % 32;
        let unpack = |n: u32, d: [u32; 3]| [n % d[0], n / d[0] % d[1], n / (d[0] * d[1])];
        let axis = |a: u8| usize::from(a);
        let value = match self {
            Special::Tid(a) => unpack(thread, config.block)[axis(a)],
            Special::Ntid(a) => config.block[axis(a)],
            Special::Ctaid(a) => block[axis(a)],
            Special::Nctaid(a) => config.grid[axis(a)],
            Special::Clusterid(a) => block[axis(a)] / cluster[axis(a)],
            Special::Nclusterid(a) => config.grid[axis(a)] / cluster[axis(a)],
            Special::ClusterCtaid(a) => block[axis(a)] % cluster[axis(a)],
            Special::ClusterNctaid(a) => cluster[axis(a)],
            Special::ClusterCtarank => {
                let [x, y, z] = [0, 1, 2].map(|a| block[a] % cluster[a]);
                x + cluster[0] * (y + cluster[1] * z)
            }
            Special::ClusterNctarank => cluster.iter().product(),
            Special::IsExplicitCluster => u32::from(launch.explicit_cluster),
            Special::Laneid => lane,
            Special::Warpid => thread / 32,
            Special::Nwarpid => launch.threads.div_ceil(32),
            Special::LanemaskEq => 1 << lane,
            Special::LanemaskLt => (1 << lane) - 1,
            Special::LanemaskLe => u32::MAX >> (31 - lane),
            Special::LanemaskGe => u32::MAX << lane,
            Special::LanemaskGt => !(u32::MAX >> (31 - lane)),
            Special::DynamicSharedBytes => config.dynamic_shared,
            Special::TotalSharedBytes => launch.shared_bytes as u32,
            Special::WorkspaceHigh => (launch.workspace >> 32) as u32,
            Special::WorkspaceLow => launch.workspace as u32,
            Special::Zero => 0,
            Special::One => 1,
        };
        u64::from(value)
    }
}
