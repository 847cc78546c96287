//! `barrier.cluster`, `mapa`, `getctarank`.

use crate::check::FaultKind;
use crate::exec::handler::Op;
use crate::exec::state::{Block, Context, Flow, Inst, Launch, Wait, level, space};

/// `barrier.cluster.arrive`. `m[0]`: whether it releases.
pub struct ClusterArrive;
impl Op for ClusterArrive {
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        let twice = c.active & c.warp.cluster_owed;
        if twice != 0 && c.launch.options.checks.barriers {
            let lane = twice.trailing_zeros() as usize;
            let what = "barrier.cluster.arrive twice with no barrier.cluster.wait between";
            return c.fail(i, lane, FaultKind::LaunchFailed, what, &[]);
        }
        if i.m[0] != 0 && c.launch.level == level::FULL {
            let knowledge = c.block.shadow.arrive(c.warp.index as usize);
            c.block.cluster_barrier.arriving.join(&knowledge);
        }
        c.warp.cluster_arrived |= c.active;
        c.warp.cluster_owed |= c.active;
        c.block.events += 1;
        Flow::Next
    }
}

/// `barrier.cluster.wait`. `m[0]`: whether it acquires.
pub struct ClusterWait;
impl Op for ClusterWait {
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        let never = c.active & !c.warp.cluster_owed;
        if never != 0 && c.launch.options.checks.barriers {
            let lane = never.trailing_zeros() as usize;
            let what = "barrier.cluster.wait with no barrier.cluster.arrive before";
            return c.fail(i, lane, FaultKind::LaunchFailed, what, &[]);
        }
        c.warp.cluster_owed &= !c.active;
        let early = c.active & c.warp.cluster_arrived;
        if early == 0 {
            if c.launch.level == level::FULL {
                let released = c.block.cluster_barrier.released;
                c.block.shadow.pass(c.warp.index as usize, &released);
            }
            return Flow::Next;
        }
        let wait = Wait::Cluster { line: i.line };
        c.warp.park(i.b, early, wait);
        if early != c.active {
            c.warp.park(i.b, c.active & !early, Wait::Ready);
        }
        Flow::Switch
    }
}

impl Block {
    /// Everybody in the cluster has arrived.
    pub fn pass_cluster_barrier(&mut self, launch: &Launch<'_>) {
        let barrier = &mut self.cluster_barrier;
        barrier.released = std::mem::take(&mut barrier.arriving);
        let released = barrier.released;
        self.events += 1;
        for (index, warp) in self.warps.iter_mut().enumerate() {
            warp.cluster_arrived = 0;
            for group in &mut warp.groups {
                if matches!(group.wait, Wait::Cluster { .. }) {
                    group.wait = Wait::Ready;
                    self.waiting &= !(1 << index);
                    if launch.level == level::FULL {
                        self.shadow.pass(index, &released);
                    }
                }
            }
        }
    }
}

/// `mapa`. `r`: result, address, rank; `m[0]`: whether addresses have 64 bits, `m[1]`: whether they are generic.
pub struct Map;
impl Op for Map {
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        let at = c.addresses(i.r[1], i.m[0] != 0, i.imm);
        let ranks = c.row::<u32>(i.r[2]).all();
        for lane in c.lanes() {
            let place = match c.place(i, lane, at[lane], 0, 1, "address to map") {
                Ok(place) => place,
                Err(flow) => return flow,
            };
            let rank = ranks[lane];
            if rank >= c.ranks() {
                let what = format!("mapa to block {rank} of a cluster of {}", c.ranks());
                return c.fail(i, lane, FaultKind::LaunchFailed, &what, &[]);
            }
            let inside = if rank == c.block.rank {
                place.offset
            } else {
                space::of_block(rank, place.offset)
            };
            if i.m[0] == 0 {
                c.set_lane(i.r[0], lane, inside);
            } else {
                let window = if i.m[1] != 0 { space::SHARED } else { 0 };
                c.set_lane(i.r[0], lane, window | u64::from(inside));
            }
        }
        Flow::Next
    }
}

/// `getctarank`. `r`: result, address; `m[0]`: whether the address has 64 bits.
pub struct RankOf;
impl Op for RankOf {
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        let at = c.addresses(i.r[1], i.m[0] != 0, i.imm);
        for lane in c.lanes() {
            match c.place(i, lane, at[lane], 0, 1, "address") {
                Ok(place) => c.set_lane(i.r[0], lane, place.rank),
                Err(flow) => return flow,
            }
        }
        Flow::Next
    }
}

/// `%is_explicit_cluster`
pub struct Explicit;
impl Op for Explicit {
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        let all = if c.launch.explicit_cluster {
            u32::MAX
        } else {
            0
        };
        c.set_predicate(i.r[0], all);
        Flow::Next
    }
}
