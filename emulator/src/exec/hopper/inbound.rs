//! Bulk copies on their way to a block's shared memory. They arrive when the barrier they were announced at is waited
//! for, the latest that hardware may, so that reading them before shows.

use crate::check::FaultKind;
use crate::exec::block::Block;
use crate::exec::launch::Launch;

/// One copy; what it writes lies inside the block's shared memory.
pub struct Inbound {
    pub barrier: u32,
    pub target: u32,
    pub data: Vec<u8>,
    /// What is done with what is there; a plain copy if none.
    pub reduction: Option<super::bulk::Reduction>,
    pub line: u32,
    /// Who started it, if it was a thread of this block.
    pub thread: u32,
}

impl Block {
    /// Brings in what is due at a barrier.
    pub fn deliver(&mut self, barrier: u32, launch: &Launch<'_>) {
        if self.inbox.is_empty() {
            return;
        }
        let (due, later) = std::mem::take(&mut self.inbox)
            .into_iter()
            .partition(|copy| copy.barrier == barrier);
        self.inbox = later;
        for copy in due {
            self.bring_in(copy, launch);
        }
    }

    fn bring_in(&mut self, copy: Inbound, launch: &Launch<'_>) {
        let bytes = copy.data.len();
        let target = self.shared_pointer(copy.target);
        // SAFETY: the copy's range was checked against the block's shared memory when it started, aligned to 16 bytes.
        unsafe {
            match copy.reduction {
                Some(reduction) => reduction.reduce(target, &copy.data),
                None => target.copy_from_nonoverlapping(copy.data.as_ptr(), bytes),
            }
        }
        let knowledge = (launch.level == crate::exec::inst::level::FULL)
            .then(|| self.shadow.end_bulk(copy.target, bytes as u32));
        self.events += 1;
        let done = match self.mbarriers.get(copy.barrier) {
            Ok(object) => object.complete(bytes as u32, knowledge.as_ref()),
            Err(what) => Err(what),
        };
        if let Err(what) = done
            && launch.options.checks.mbarriers
        {
            let mut more = vec![format!("mbarrier at shared address 0x{:x}", copy.barrier)];
            more.push(format!("the copy brought {bytes} bytes"));
            let (line, thread) = (copy.line, copy.thread);
            self.report(launch, FaultKind::LaunchFailed, line, thread, &what, &more);
        }
    }
}
