//! The reports of accesses that must not be.

use crate::check::{FaultKind, record, undefined};
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
        let (what, more) = self.of_unwritten(at[lane], size);
        self.fail(inst, lane, FaultKind::LaunchFailed, &what, &more)
    }

    /// What is said of a read of global memory that nobody has written.
    pub(in crate::exec) fn of_unwritten(&self, address: u64, size: u32) -> (String, Vec<String>) {
        let what = format!("Uninitialized __global__ memory read of size {size} bytes");
        let mut more = vec![format!("Address 0x{address:x}")];
        if let Some(found) = self.launch.memory.find(address) {
            more.push(format!(
                "is {} bytes inside the allocation at 0x{:x} of size {} bytes",
                address - found.base,
                found.base,
                found.bytes
            ));
        }
        (what, more)
    }

    /// A load of what nobody has written: it passes where an observer follows what comes of it, and is tried again with one
    /// where there is none yet. False where nobody can follow.
    #[cold]
    pub(in crate::exec) fn passes_undefined(&mut self, inst: &Inst) -> Result<bool, Flow> {
        let pc = self.launch.pc_of(inst);
        let trace = pc.and_then(|pc| self.launch.program.traces.get(pc as usize));
        if !trace.is_some_and(|t| t.values.may_read_undefined()) {
            return Ok(false);
        }
        if self.follows {
            return Ok(true);
        }
        self.begins = true;
        Err(Flow::Switch)
    }

    /// Something other than a value depends on what a lane has loaded where nobody had written: it is reported. Whether the
    /// launch goes on.
    #[cold]
    pub(in crate::exec) fn uses_undefined(
        &mut self,
        inst: &Inst,
        lane: usize,
        load: u16,
        what: &str,
    ) -> bool {
        let mut how = vec![format!("What was computed from it decides {what},")];
        how.extend(self.whereabouts(inst.line, lane));
        let Some((kernel, fault)) = undefined::used(load, &how) else {
            return true;
        };
        if self.launch.options.goes_on {
            record(&kernel, &fault);
        } else if self.block.fault.is_none() {
            self.block.fault = Some(Box::new(fault));
        }
        self.launch.options.goes_on
    }

    /// The copy engine or the Tensor Cores read shared memory, where it ends to be followed what is undefined.
    #[inline]
    pub(in crate::exec) fn engine_reads(
        &mut self,
        inst: &Inst,
        lane: usize,
        address: u32,
        bytes: u32,
    ) -> Result<(), Flow> {
        match self.block.undefined.get(address, bytes) {
            Some(load) if !self.uses_undefined(inst, lane, load, "what an engine reads") => {
                Err(Flow::Switch)
            }
            _ => Ok(()),
        }
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
