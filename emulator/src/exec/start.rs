//! What a block, its warps and their registers begin with.

use super::state::{
    Block, ClusterBarrier, Constant, Frame, Group, Lanes, Launch, Routine, Sectors, Special, Wait,
    Warp, Warpgroup, level,
};
use crate::check::shared::{WARPS, Wanted};

impl Block {
    /// Makes this a fresh block.
    pub fn reset(&mut self, launch: &Launch<'_>, ctaid: [u32; 3], rank: u32) {
        self.ctaid = ctaid;
        self.rank = rank;
        self.mbarriers.clear();
        self.cluster_barrier = ClusterBarrier::default();
        self.inbox.clear();
        self.readers.reset(launch.shared_bytes);
        self.polled = false;
        let warps = launch.threads.div_ceil(32) as usize;
        let checks = &launch.options.checks;
        self.shared_bytes = launch.shared_bytes as u32;
        self.fresh_shared(launch.shared_bytes);
        if launch.level == level::FULL {
            let wanted = Wanted {
                races: checks.shared_races,
                uninitialised: checks.uninitialised,
                in_flight: checks.async_copies,
                proxy_fences: checks.proxy_fences,
                wgmma: checks.wgmma,
            };
            self.shadow.reset(launch.shared_bytes, warps, wanted);
        }
        self.warps.resize_with(warps, Warp::default);
        for (index, warp) in self.warps.iter_mut().enumerate() {
            warp.reset(launch, self.ctaid, index as u32);
        }
        self.warpgroups.clear();
        let warpgroups = warps.div_ceil(WARPS);
        self.warpgroups.resize_with(warpgroups, Warpgroup::default);
        self.waiting = 0;
        self.live = launch.threads;
        self.barriers = Default::default();
        self.barriers_used = 0;
        self.fault = None;
        self.undefined.clear();
        self.sectors = Sectors::default();
    }
}

impl Warp {
    /// Makes this the warp number `index` of a fresh block.
    pub fn reset(&mut self, launch: &Launch<'_>, block: [u32; 3], index: u32) {
        let lanes = (launch.threads - index * 32).min(32);
        self.index = index;
        self.exists = u32::MAX >> (32 - lanes);
        self.live = self.exists;
        self.frame = Frame::default();
        self.stack.clear();
        self.groups.clear();
        self.rotate = false;
        self.copies.clear();
        self.outbound.clear();
        self.products.clear();
        self.undefined = None;
        self.cluster_arrived = 0;
        self.cluster_owed = 0;
        let routine = &launch.program.routines[0];
        self.reserve(routine.frame_bytes as usize, routine.local_bytes as usize);
        self.fill_constants(launch, block, routine, u32::MAX);
        self.groups.push(Group {
            pc: routine.entry,
            mask: self.live,
            wait: Wait::Ready,
            frame: self.frame,
            stack: vec![],
            turn: 0,
        });
    }

    /// Fills the constants of the running group's frame in the lanes of `mask`.
    pub fn fill_constants(
        &mut self,
        launch: &Launch<'_>,
        block: [u32; 3],
        routine: &Routine,
        mask: u32,
    ) {
        let (frame, first) = (self.frame, self.index * 32);
        let base = self.base();
        let threads = launch.threads;
        for (offset, constant) in &routine.constants {
            // SAFETY: the decoder's allocation placed the constants' rows inside the frame, which `reserve` made.
            let row = unsafe { base.add(*offset as usize) };
            let value = |lane: usize| match *constant {
                Constant::Bits16(v) => u128::from(v),
                Constant::Bits32(v) => u128::from(v),
                Constant::Bits64(v) => u128::from(v),
                Constant::Bits128(v) => v,
                Constant::Flag(v) => u128::from(v),
                Constant::Special(s, _) => {
                    u128::from(s.value(launch, block, (first + lane as u32).min(threads - 1)))
                }
                Constant::Local(at, plus, _) => u128::from(u64::from(frame.local + at) + plus),
            };
            let bytes = match *constant {
                Constant::Bits16(_) | Constant::Special(_, 2) => 2,
                Constant::Bits32(_) | Constant::Special(_, 4) | Constant::Local(_, _, 4) => 4,
                Constant::Bits128(_) => 16,
                Constant::Flag(v) => {
                    // SAFETY: as above; a flag has four bytes.
                    unsafe {
                        let flags = row.cast::<u32>();
                        flags.write(flags.read() & !mask | if v { mask } else { 0 });
                    }
                    continue;
                }
                _ => 8,
            };
            let uniform = !matches!(constant, Constant::Special(..));
            let first_value = value(0);
            for lane in Lanes(mask) {
                let v = if uniform { first_value } else { value(lane) };
                // SAFETY: as above; the row has 32 elements of `bytes` bytes.
                unsafe {
                    match bytes {
                        2 => row.cast::<u16>().add(lane).write(v as u16),
                        4 => row.cast::<u32>().add(lane).write(v as u32),
                        8 => row.cast::<u64>().add(lane).write(v as u64),
                        _ => row.cast::<u128>().add(lane).write(v),
                    }
                }
            }
        }
    }
}

impl Special {
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
