//! Shared memory: its bounds, and its shadow of who wrote and who read.

use crate::check::shared::{Access, Eights, Finding, Pattern};
use crate::exec::state::{Context, Flow, Inst, Kind, Lanes, column, level};

impl Context<'_> {
    #[inline(always)]
    pub(super) fn shared(
        &mut self,
        inst: &Inst,
        at: &mut [u64; 32],
        size: u32,
        kind: Kind,
        strong: bool,
    ) -> Result<bool, Flow> {
        let contiguous = self.active == u32::MAX && self.is_contiguous(at, size);
        if self.level != level::PLAIN {
            let (_, end, all) = self.span(at, size, contiguous);
            let limit = u64::from(self.block.shared_bytes);
            // `all` has every bit of every address: above the limit's bits there is an address above the limit
            if end > limit || all > u64::from(u32::MAX) {
                return Err(self.outside(inst, at, size, kind, "__shared__", limit));
            }
            if all & u64::from(size - 1) != 0 {
                return Err(self.misaligned(inst, at, size, kind, "__shared__"));
            }
            if self.level == level::FULL && kind != Kind::Write {
                self.shared_shadow(inst, at, size, kind, strong)?;
            }
        }
        let base = self.block.shared_pointer(0) as u64;
        *at = column!(self.width, l => base.wrapping_add(at[l & 31]));
        Ok(contiguous)
    }

    #[inline(never)]
    fn shared_shadow(
        &mut self,
        inst: &Inst,
        at: &[u64; 32],
        size: u32,
        kind: Kind,
        strong: bool,
    ) -> Result<(), Flow> {
        let mut left = self.active;
        if kind == Kind::Read && !strong {
            // the common case in one go; what it leaves is looked at one by one
            let low = at.map(|a| a as u32);
            let who = (self.warp.index, inst.line);
            left = self.block.shadow.read_lanes(who, &low, size, left);
        }
        self.shared_shadow_slowly(inst, at, size, kind, strong, left)
    }

    /// Weak loads of all lanes, eight by eight alike: they are inside, so what is left is the shadow.
    #[inline(always)]
    pub fn shared_eights(&mut self, inst: &Inst, eights: &Eights) -> Result<(), Flow> {
        if self.level != level::FULL {
            return Ok(());
        }
        let warp = self.warp.index;
        let left = self.block.shadow.read_eights(warp, inst.line, eights);
        if left == 0 {
            return Ok(());
        }
        let step = match eights.pattern {
            Pattern::Same => 0,
            Pattern::Side => eights.size,
        };
        let at =
            column!(self.width, l => u64::from(eights.first[(l / 8) & 3] + (l & 7) as u32 * step));
        self.shared_shadow_slowly(inst, &at, eights.size, Kind::Read, false, left)
    }

    /// Loads of shared memory by a whole warp: checks in 32 bits. None where the long way must be gone.
    #[inline(always)]
    pub fn shared_reads(
        &mut self,
        inst: &Inst,
        at: &[u32; 32],
        high: u64,
        size: u32,
    ) -> Option<Flow> {
        if self.level == level::PLAIN {
            return None;
        }
        let (mut top, mut all) = (0, 0);
        for l in 0..self.width & 32 {
            top = at[l & 31].max(top);
            all |= at[l & 31];
        }
        let inside =
            top <= self.block.shared_bytes.wrapping_sub(size) && size <= self.block.shared_bytes;
        if !inside || all & (size - 1) != 0 || high > u64::from(u32::MAX) {
            return Some(Flow::Switch);
        }
        if self.level == level::FULL {
            let who = (self.warp.index, inst.line);
            let left = self.block.shadow.read_lanes(who, at, size, u32::MAX);
            if left != 0 {
                let wide = at.map(u64::from);
                return self
                    .shared_shadow_slowly(inst, &wide, size, Kind::Read, false, left)
                    .err();
            }
        }
        None
    }

    fn shared_shadow_slowly(
        &mut self,
        inst: &Inst,
        at: &[u64; 32],
        size: u32,
        kind: Kind,
        strong: bool,
        active: u32,
    ) -> Result<(), Flow> {
        for lane in Lanes(active) {
            let address = at[lane];
            // of lanes that read the same the first and the last say it all
            let between = lane > 0 && lane < 31 && active >> (lane - 1) & 7 == 7;
            if between && kind == Kind::Read && at[lane - 1] == address && at[lane + 1] == address {
                continue;
            }
            let access = Access {
                thread: self.thread(lane),
                strong,
                line: inst.line,
            };
            let finding = match kind {
                Kind::Read => self.block.shadow.read(access, address as u32, size),
                // asked before, since it counts as a write
                _ if self.block.shadow.is_unwritten(address as u32, size)
                    && self.passes_undefined(inst)? =>
                {
                    self.block.shadow.write(access, address as u32, size)
                }
                _ => self.block.shadow.update(access, address as u32, size),
            };
            if let Some(finding) = finding
                && let Some(finding) =
                    self.of_what_is_read(inst, access, address as u32, size, finding)
                && !(finding == Finding::Uninitialised && self.passes_undefined(inst)?)
            {
                return Err(self.fail_shared(
                    inst,
                    lane,
                    kind != Kind::Read,
                    address as u32,
                    size,
                    finding,
                ));
            }
        }
        Ok(())
    }

    /// Notes weak writes of all lanes, each behind the one before. False where lanes must be looked at one by one.
    #[inline(always)]
    pub fn shared_writes(&mut self, inst: &Inst, host: u64, size: u32) -> bool {
        let address = (host - self.block.shared_pointer(0) as u64) as u32;
        let eights = Eights {
            first: [0, 1, 2, 3].map(|eight| address + 8 * eight * size),
            size,
            pattern: Pattern::Side,
        };
        let warp = self.warp.index;
        self.block.readers.over(address, 32 * size).is_none()
            && self.block.shadow.write_eights(warp, inst.line, &eights)
    }

    /// Notes weak writes of the active lanes, wherever they lie. The mask of lanes comes back that must be looked at one
    /// by one, when those before them have written.
    #[inline(never)]
    pub fn shared_lanes(&mut self, inst: &Inst, host: &[u64; 32], size: u32) -> u32 {
        let base = self.block.shared_pointer(0) as u64;
        let at = host.map(|a| (a - base) as u32);
        if self
            .block
            .readers
            .over(0, self.block.shared_bytes)
            .is_some()
        {
            return self.active;
        }
        let who = (self.warp.index, inst.line);
        self.block.shadow.write_lanes(who, &at, size, self.active)
    }

    /// Notes a lane's write of shared memory; one of what is there already races with nobody.
    #[inline(always)]
    pub fn shared_write(
        &mut self,
        inst: &Inst,
        lane: usize,
        host: u64,
        strong: bool,
        value: &[u8],
    ) -> Result<(), Flow> {
        let address = (host - self.block.shared_pointer(0) as u64) as u32;
        let access = Access {
            thread: self.thread(lane),
            strong,
            line: inst.line,
        };
        let size = value.len() as u32;
        if let Some(line) = self.block.readers.over(address, size) {
            let finding = Finding::InUse { line };
            return Err(self.fail_shared(inst, lane, true, address, size, finding));
        }
        if let Some(finding) = self.block.shadow.write(access, address, size) {
            // SAFETY: `resolve` found these bytes inside the block's shared memory.
            let there = unsafe { std::slice::from_raw_parts(host as *const u8, value.len()) };
            let benign = matches!(finding, Finding::Race { write: true, .. }) && there == value;
            if !benign {
                return Err(self.fail_shared(inst, lane, true, address, size, finding));
            }
        }
        Ok(())
    }

    /// Whether a host address lies in the block's shared memory.
    #[inline(always)]
    pub fn is_shared(&mut self, host: u64) -> bool {
        let base = self.block.shared_pointer(0) as u64;
        host.wrapping_sub(base) < u64::from(self.block.shared_bytes)
    }
}
