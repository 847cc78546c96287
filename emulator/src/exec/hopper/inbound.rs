//! Bulk copies on their way to a block's shared memory. They arrive when the barrier they were announced at is waited
//! for, the latest that hardware may, so that reading them before shows.

use super::place::Place;
use crate::check::FaultKind;
use crate::check::shared::Finding;
use crate::exec::state::{Block, Context, Flow, Inbound, Inst, Launch, Reduction, level};

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
        self.undefined.set(copy.target, bytes as u32, None);
        let knowledge =
            (launch.level == level::FULL).then(|| self.shadow.end_bulk(copy.target, bytes as u32));
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

impl Context<'_> {
    /// Sends a copy on its way to a block of the cluster.
    pub fn send(
        &mut self,
        i: &Inst,
        lane: usize,
        target: Place,
        barrier: Place,
        data: Vec<u8>,
    ) -> Result<(), Flow> {
        let own = target.rank == self.block.rank;
        let thread = if own { self.thread(lane) } else { 0 };
        let (full, bytes) = (self.launch.level == level::FULL, data.len() as u32);
        let reduction = Reduction::of(i);
        let block = self.block_of(target.rank);
        block.events += 1;
        let mut finding = None;
        if full {
            let issuer = own.then_some(thread);
            finding = block
                .readers
                .over(target.offset, bytes)
                .map(|line| Finding::InUse { line })
                .or_else(|| {
                    block
                        .shadow
                        .begin_bulk(issuer, i.line, target.offset, bytes)
                });
        }
        block.inbox.push(Inbound {
            barrier: barrier.offset,
            target: target.offset,
            data,
            reduction,
            line: i.line,
            thread,
        });
        let object = block.mbarriers.get(barrier.offset).map(|_| ());
        if let Err(what) = object {
            self.mbarrier_fault(i, lane, barrier, &what)?;
        }
        match finding {
            Some(finding) => Err(self.fail_shared(i, lane, true, target.offset, bytes, finding)),
            None => Ok(()),
        }
    }

    /// To the blocks of a mask, or to the one that the address is in.
    pub fn send_all(
        &mut self,
        i: &Inst,
        lane: usize,
        target: Place,
        barrier: Place,
        mask: Option<u32>,
        data: Vec<u8>,
    ) -> Result<(), Flow> {
        let Some(mask) = mask else {
            if target.rank != barrier.rank {
                let what =
                    "Asynchronous copy whose mbarrier is not in the block of its destination";
                return Err(self.fail(i, lane, FaultKind::LaunchFailed, what, &[]));
            }
            return self.send(i, lane, target, barrier, data);
        };
        if mask >> self.ranks() != 0 || mask == 0 {
            let what = format!(
                "Multicast to blocks 0x{mask:x} of a cluster of {}",
                self.ranks()
            );
            return Err(self.fail(i, lane, FaultKind::LaunchFailed, &what, &[]));
        }
        for rank in crate::check::bits(mask) {
            let rank = rank as u32;
            let (target, barrier) = (Place { rank, ..target }, Place { rank, ..barrier });
            self.send(i, lane, target, barrier, data.clone())?;
        }
        Ok(())
    }
}
