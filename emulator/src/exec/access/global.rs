//! Global memory: live allocations, and the shadow of what was written.

use crate::exec::state::{Context, Flow, Hit, Inst, Kind, level};
use crate::memory::mark;

impl Context<'_> {
    #[inline(always)]
    pub(super) fn global(
        &mut self,
        inst: &Inst,
        at: &mut [u64; 32],
        size: u32,
        kind: Kind,
    ) -> Result<bool, Flow> {
        let contiguous = self.active == u32::MAX && self.is_contiguous(at, size);
        if self.level == level::PLAIN {
            return Ok(contiguous);
        }
        let (low, end, all) = self.span(at, size, contiguous);
        if all & u64::from(size - 1) != 0 && self.launch.options.checks.bounds {
            return Err(self.misaligned(inst, at, size, kind, "__global__"));
        }
        let slot = (std::ptr::from_ref(inst) as usize >> 6) & 7;
        let hit = self.hits[slot];
        let hit = if low >= hit.base && end <= hit.end {
            hit
        } else {
            match self.allocation(low) {
                Some(found) if end <= found.end && end > low => {
                    self.hits[slot] = found;
                    found
                }
                _ => {
                    self.each_global(inst, at, size, kind)?;
                    return Ok(false);
                }
            }
        };
        if self.level == level::FULL && !hit.shadow.is_null() {
            self.global_shadow(inst, at, size, kind, contiguous, hit)?;
        }
        Ok(contiguous)
    }

    /// The live allocation that holds an address.
    pub(super) fn allocation(&self, address: u64) -> Option<Hit> {
        let next = self.launch.ranges.partition_point(|r| r.base <= address);
        let range = self.launch.ranges.get(next.checked_sub(1)?)?;
        (address < range.end).then(|| Hit::from(range))
    }

    /// Lanes in different allocations, or out of bounds.
    #[cold]
    fn each_global(
        &mut self,
        inst: &Inst,
        at: &[u64; 32],
        size: u32,
        kind: Kind,
    ) -> Result<(), Flow> {
        for lane in self.lanes() {
            let address = at[lane];
            match self.allocation(address) {
                Some(hit) if u64::from(size) <= hit.end - address => {
                    if self.level == level::FULL && !hit.shadow.is_null() {
                        self.one_lane(lane, |c| {
                            c.global_shadow(inst, &[address; 32], size, kind, false, hit)
                        })?;
                    }
                }
                _ if self.over_read(inst, lane, address, size, kind)? => {}
                _ if self.may_stray(address, size) => {}
                _ => return Err(self.out_of_bounds(inst, lane, address, size, kind)),
            }
        }
        Ok(())
    }

    /// Whether an access that no allocation holds is let pass because bounds are not checked: it must be in memory that
    /// the emulator has, behind an allocation or in one that was freed.
    fn may_stray(&self, address: u64, size: u32) -> bool {
        !self.launch.options.checks.bounds
            && self.launch.memory.room(address, size as usize).is_some()
    }

    pub(super) fn global_shadow(
        &mut self,
        inst: &Inst,
        at: &[u64; 32],
        size: u32,
        kind: Kind,
        contiguous: bool,
        hit: Hit,
    ) -> Result<(), Flow> {
        if !self.launch.options.checks.uninitialised {
            return Ok(());
        }
        if contiguous {
            let bytes = size as usize * 32;
            // SAFETY: the span of the access was found to lie in this allocation, and its shadow is as long.
            let shadow = unsafe {
                std::slice::from_raw_parts_mut(hit.shadow.add((at[0] - hit.base) as usize), bytes)
            };
            match kind {
                Kind::Write => shadow.fill(mark::WRITTEN),
                _ if shadow.iter().fold(0, |all, b| all | b ^ mark::WRITTEN) != 0 => {
                    let mut lanes = shadow.chunks(size as usize);
                    if let Some(lane) = lanes.position(|bytes| self.reads_unwritten(inst, bytes))
                        && !self.passes_undefined(inst)?
                    {
                        return Err(self.uninitialised(inst, lane, at, size));
                    }
                }
                _ => {}
            }
            return Ok(());
        }
        for lane in self.lanes() {
            // SAFETY: each lane's bytes were found to lie in this allocation, and its shadow is as long.
            let shadow = unsafe {
                std::slice::from_raw_parts_mut(
                    hit.shadow.add((at[lane] - hit.base) as usize),
                    size as usize,
                )
            };
            match kind {
                Kind::Write => shadow.fill(mark::WRITTEN),
                _ if shadow.iter().any(|b| *b != mark::WRITTEN)
                    && self.reads_unwritten(inst, shadow)
                    && !self.passes_undefined(inst)? =>
                {
                    return Err(self.uninitialised(inst, lane, at, size));
                }
                _ => {}
            }
        }
        Ok(())
    }
}
