//! Shared memory of the cluster: the own block's by the short way.

use crate::exec::state::{Context, Flow, Inst, Kind, Lanes, space};

impl Context<'_> {
    pub(super) fn cluster(
        &mut self,
        inst: &Inst,
        at: &mut [u64; 32],
        size: u32,
        kind: Kind,
        strong: bool,
    ) -> Result<bool, Flow> {
        if at.iter().all(|a| a >> space::RANK_SHIFT == 0) {
            return self.shared(inst, at, size, kind, strong);
        }
        self.block.polled |= kind != Kind::Write;
        let own = self.cluster_memory(inst, at, size, kind)?;
        let active = self.active;
        if own != 0 {
            let mut part = [at[own.trailing_zeros() as usize]; 32];
            for lane in Lanes(own) {
                part[lane] = at[lane];
            }
            self.active = own;
            let found = self.shared(inst, &mut part, size, kind, strong);
            self.active = active;
            found?;
            for lane in Lanes(own) {
                at[lane] = part[lane];
            }
        }
        let first = at[self.first_lane()];
        for (lane, a) in at.iter_mut().enumerate() {
            if active >> lane & 1 == 0 {
                *a = first;
            }
        }
        Ok(false)
    }
}
