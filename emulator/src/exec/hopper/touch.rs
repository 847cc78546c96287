//! Instructions that touch registers which a running `wgmma` may own. The decoder says which may; here is seen
//! whether one does.

use crate::check::FaultKind;
use crate::exec::handler::Op;
use crate::exec::state::{Context, Flow, Inst};

/// In place of the instruction, which runs if all is well.
pub struct Touch;
impl Op for Touch {
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        let (code, program) = (c.launch.code, c.launch.program);
        let start = code.as_ptr() as usize;
        let pc = (std::ptr::from_ref(i) as usize - start) / size_of::<Inst>();
        if let Some(rows) = program.touching.get(&(pc as u32))
            && c.launch.options.checks.wgmma
            && let Some(line) = c.warp.products.holds(c.warp.frame, rows)
        {
            let lane = c.first_lane();
            let what = "Register of a running wgmma touched before its wgmma.wait_group";
            let more = [format!("the wgmma was started at PTX line {line}")];
            return c.fail(i, lane, FaultKind::LaunchFailed, what, &more);
        }
        // SAFETY: the instruction's own function, selected for this processor, on the frame it was decoded for.
        unsafe { program.own_run(pc)(c, i) }
    }
}
