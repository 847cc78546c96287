//! The reports of accesses that must not be.

use crate::check::FaultKind;
use crate::exec::state::{Context, Flow, Inst, Kind};

impl Context<'_> {
    #[cold]
    pub(in crate::exec) fn uninitialised(
        &mut self,
        inst: &Inst,
        lane: usize,
        at: &[u64; 32],
        size: u32,
    ) -> Flow {
        let what = format!("Uninitialized __global__ memory read of size {size} bytes");
        let mut more = vec![format!("Address 0x{:x}", at[lane])];
        if let Some(found) = self.launch.memory.find(at[lane]) {
            more.push(format!(
                "is {} bytes inside the allocation at 0x{:x} of size {} bytes",
                at[lane] - found.base,
                found.base,
                found.bytes
            ));
        }
        self.fail(inst, lane, FaultKind::LaunchFailed, &what, &more)
    }

    #[cold]
    pub(in crate::exec) fn out_of_bounds(
        &mut self,
        inst: &Inst,
        lane: usize,
        address: u64,
        size: u32,
        kind: Kind,
    ) -> Flow {
        let what = format!("Invalid __global__ {} of size {size} bytes", kind.verb());
        let mut more = vec![];
        match self.launch.memory.find(address) {
            Some(found) if found.freed => {
                more.push(format!("Address 0x{address:x} was freed"));
                more.push(format!(
                    "and was {} bytes inside the allocation at 0x{:x} of size {} bytes",
                    address - found.base,
                    found.base,
                    found.bytes
                ));
            }
            _ => {
                more.push(format!("Address 0x{address:x} is out of bounds"));
                if let Some(why) = self.launch.memory.why_not(address) {
                    more.push(format!("here: {why}"));
                } else if let Some(near) = self.launch.memory.nearest(address) {
                    let end = near.base + near.bytes as u64;
                    let distance = if address < near.base {
                        format!("{} bytes before", near.base - address)
                    } else {
                        format!(
                            "{} bytes after",
                            (address + u64::from(size)).saturating_sub(end)
                        )
                    };
                    more.push(format!(
                        "and is {distance} the nearest allocation at 0x{:x} of size {} bytes",
                        near.base, near.bytes
                    ));
                }
            }
        }
        self.fail(inst, lane, FaultKind::IllegalAddress, &what, &more)
    }

    #[cold]
    pub(super) fn misaligned(
        &mut self,
        inst: &Inst,
        at: &[u64; 32],
        size: u32,
        kind: Kind,
        space: &str,
    ) -> Flow {
        let off = |lane: &usize| at[*lane] & u64::from(size - 1) != 0;
        let lane = self.lanes().find(off).unwrap_or(0);
        let what = format!("Invalid {space} {} of size {size} bytes", kind.verb());
        let more = [format!("Address 0x{:x} is misaligned", at[lane])];
        self.fail(inst, lane, FaultKind::MisalignedAddress, &what, &more)
    }

    #[cold]
    pub(super) fn outside(
        &mut self,
        inst: &Inst,
        at: &[u64; 32],
        size: u32,
        kind: Kind,
        space: &str,
        end: u64,
    ) -> Flow {
        let off = |lane: &usize| at[*lane].checked_add(size.into()).is_none_or(|e| e > end);
        let lane = self.lanes().find(off).unwrap_or(0);
        let what = format!("Invalid {space} {} of size {size} bytes", kind.verb());
        let more = [format!(
            "Address 0x{:x} is out of bounds: there are {end} bytes",
            at[lane]
        )];
        self.fail(inst, lane, FaultKind::IllegalAddress, &what, &more)
    }
}
