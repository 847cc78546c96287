//! What a vector load reads and nobody looks at. Compilers merge loads of neighbours into an aligned vector, whose last
//! elements may lie behind the end of an allocation: hardware fetches them with the rest and nobody notices.

use crate::check::note;
use crate::check::shared::{Access, Finding};
use crate::exec::load::modifier::COUNT;
use crate::exec::state::{Context, Flow, Inst, Kind, level};
use crate::memory::mark;

/// Bytes that hardware fetches at least: an aligned access of no more cannot fail in a part.
const WORD: u32 = 16;

impl Context<'_> {
    /// Whether an access is a vector load that begins in an allocation and leaves it with elements that nobody reads.
    pub(super) fn over_read(
        &mut self,
        inst: &Inst,
        lane: usize,
        address: u64,
        size: u32,
        kind: Kind,
    ) -> Result<bool, Flow> {
        let unread = match kind {
            Kind::Read if size <= WORD && address.is_multiple_of(size.into()) => {
                self.launch.unread(inst)
            }
            _ => 0,
        };
        if unread == 0 {
            return Ok(false);
        }
        let element = size / u32::from(inst.m[COUNT]);
        let mut inside = None;
        for at in 0..size / element {
            let start = address + u64::from(at * element);
            let hit = self.allocation(start);
            let hit = hit.filter(|hit| u64::from(element) <= hit.end - start);
            let read = unread >> at & 1 == 0;
            match (inside, hit) {
                (_, None) if !read => {}
                (None, Some(hit)) => inside = Some(hit),
                (Some(first), Some(hit)) if first.base == hit.base => {}
                _ => return Ok(false),
            }
            if let Some(hit) = hit
                && self.level == level::FULL
                && read
                && !hit.shadow.is_null()
            {
                self.one_lane(lane, |c| {
                    c.global_shadow(inst, &[start; 32], element, kind, false, hit)
                })?;
            }
        }
        if inside.is_none() {
            return Ok(false);
        }
        note(
            self.launch.kernel_name,
            inst.line,
            "a vector load reads past the end of an allocation, into registers that nobody reads",
        );
        Ok(true)
    }

    /// Does something as if only this lane executed.
    pub(super) fn one_lane<T>(&mut self, lane: usize, does: impl FnOnce(&mut Self) -> T) -> T {
        let active = self.active;
        self.active = 1 << lane;
        let done = does(self);
        self.active = active;
        done
    }

    /// Whether a lane's bytes, by their shadow, have one that was never written and that somebody looks at.
    #[cold]
    pub(super) fn reads_unwritten(&self, inst: &Inst, shadow: &[u8]) -> bool {
        let unwritten = |b: &u8| *b != mark::WRITTEN;
        let unread = self.launch.unread(inst);
        if unread == 0 {
            return shadow.iter().any(unwritten);
        }
        let element = (shadow.len() / usize::from(inst.m[COUNT]).max(1)).max(1);
        let mut elements = shadow.chunks(element).enumerate();
        elements.any(|(at, bytes)| unread >> at & 1 == 0 && bytes.iter().any(unwritten))
    }

    /// What a finding about an access to shared memory is without the elements that nobody reads.
    #[cold]
    pub(super) fn of_what_is_read(
        &mut self,
        inst: &Inst,
        access: Access,
        address: u32,
        size: u32,
        finding: Finding,
    ) -> Option<Finding> {
        let unread = self.launch.unread(inst);
        if unread == 0 {
            return Some(finding);
        }
        let element = size / u32::from(inst.m[COUNT]);
        let mut read = (0..size / element).filter(|at| unread >> at & 1 == 0);
        read.find_map(|at| {
            let start = address + at * element;
            self.block.shadow.read(access, start, element)
        })
    }
}
