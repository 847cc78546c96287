//! What needs no shadow, as nobody shares or changes it: a thread's local memory and the kernel's parameters.

use crate::exec::state::{Context, Flow, Inst, Kind};

impl Context<'_> {
    #[inline(always)]
    pub(super) fn local(
        &mut self,
        inst: &Inst,
        at: &mut [u64; 32],
        size: u32,
        kind: Kind,
    ) -> Result<bool, Flow> {
        // checked at every level: the window is the emulator's own, so a stray access would hit its own memory
        let (_, end, all) = self.span(at, size, false);
        let limit = self.warp.local_end(&self.launch.program.routines);
        if end > limit || all > u64::from(u32::MAX) {
            return Err(self.outside(inst, at, size, kind, "__local__", limit));
        }
        if all & u64::from(size - 1) != 0 {
            return Err(self.misaligned(inst, at, size, kind, "__local__"));
        }
        for (lane, a) in at.iter_mut().enumerate() {
            *a = self.warp.local_pointer(*a, lane) as u64;
        }
        Ok(false)
    }

    #[inline(always)]
    pub(super) fn param(
        &mut self,
        inst: &Inst,
        at: &mut [u64; 32],
        size: u32,
        kind: Kind,
    ) -> Result<bool, Flow> {
        let (_, end, all) = self.span(at, size, false);
        let limit = self.launch.params.len() as u64;
        if end > limit || all > u64::from(u32::MAX) || kind != Kind::Read {
            return Err(self.outside(inst, at, size, kind, "kernel parameter", limit));
        }
        for a in at {
            *a += self.launch.params.as_ptr() as u64;
        }
        Ok(false)
    }
}
