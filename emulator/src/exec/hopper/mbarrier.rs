//! When those who wait at an `mbarrier` go on, and what may not be left at the end.

use crate::check::FaultKind;
use crate::exec::state::{Block, Launch, Wait, level};

impl Block {
    /// Lets those go on whose phase is complete, or has become so by copies that are due.
    pub fn wake_at_mbarriers(&mut self, launch: &Launch<'_>) -> bool {
        let mut woken = false;
        for index in 0..self.warps.len() {
            for at in 0..self.warps[index].groups.len() {
                let Wait::Mbarrier {
                    address,
                    phase,
                    result,
                    acquire,
                    ..
                } = self.warps[index].groups[at].wait
                else {
                    continue;
                };
                if self.mbarriers.get(address).is_ok_and(|m| m.phase <= phase) {
                    self.deliver(address, launch);
                }
                let Ok(object) = self.mbarriers.get(address) else {
                    continue;
                };
                if object.phase <= phase {
                    continue;
                }
                if acquire && launch.level == level::FULL {
                    let released = object.released;
                    self.shadow.pass(index, &released);
                }
                let warp = &mut self.warps[index];
                let (mask, frame) = (warp.groups[at].mask, warp.groups[at].frame);
                let flags = warp.row_of(frame, result).cast::<u32>();
                // SAFETY: the decoder placed a predicate at this offset of the group's frame.
                unsafe { flags.write(flags.read() | mask) };
                warp.groups[at].wait = Wait::Ready;
                self.waiting &= !(1 << index);
                self.events += 1;
                launch.progress();
                woken = true;
            }
        }
        woken
    }

    /// Every `try_wait` gives up, as it may on hardware after a time; true if there was one.
    pub fn time_out(&mut self) -> bool {
        let mut any = false;
        for (index, warp) in self.warps.iter_mut().enumerate() {
            for group in &mut warp.groups {
                if matches!(group.wait, Wait::Mbarrier { .. }) {
                    group.wait = Wait::Ready;
                    self.waiting &= !(1 << index);
                    any = true;
                }
            }
        }
        any
    }

    /// What the copy engine has left undone when the block ends.
    pub fn check_end(&mut self, launch: &Launch<'_>) {
        let checks = &launch.options.checks;
        if checks.async_copies
            && let Some(copy) = self.inbox.first()
        {
            let (line, thread) = (copy.line, copy.thread);
            let what =
                "The block has ended and nobody has waited for a bulk copy to its shared memory";
            self.report(launch, FaultKind::LaunchFailed, line, thread, what, &[]);
        } else if checks.mbarriers
            && let Some((address, object)) = self.mbarriers.objects.iter().find(|o| o.1.bytes != 0)
        {
            let more = [format!("mbarrier at 0x{address:x}: {}", object.lacks())];
            let what = "Wrong transaction count: the block has ended and an mbarrier's bytes do not come out";
            let line = self.last_line;
            self.report(launch, FaultKind::LaunchFailed, line, 0, what, &more);
        }
    }
}
