//! What the instructions share: the warp executes them as one, and they access memory in pieces.

use crate::check::FaultKind;
use crate::exec::state::{Context, Flow, Inst, Kind, Wait, spaces};

/// Where the warp is not here as a whole: what happens instead of the instruction. Lanes that are elsewhere are waited
/// for ("all threads in the warp must execute the same instruction"); for a lane that has ended there is no waiting.
#[inline(always)]
pub fn whole_warp(c: &mut Context<'_>, i: &Inst) -> Option<Flow> {
    if c.active == u32::MAX {
        None
    } else {
        incomplete(c, i)
    }
}

#[cold]
fn incomplete(c: &mut Context<'_>, i: &Inst) -> Option<Flow> {
    let missing = c.warp.live & !c.active;
    if missing != 0 {
        let (pc, active) = (i.b - 1, c.active);
        c.warp.park(
            pc,
            active,
            Wait::Collective {
                mask: u32::MAX,
                line: i.line,
            },
        );
        return Some(Flow::Switch);
    }
    if !c.launch.options.checks.barriers {
        return None;
    }
    let (lane, active) = (c.first_lane(), c.active);
    let what = "Matrix instruction executed by a part of a warp";
    let more = [format!(
        "lanes 0x{active:08x} execute it, the others have ended or never were"
    )];
    Some(c.fail(i, lane, FaultKind::LaunchFailed, what, &more))
}

/// Checks an access of all active lanes and finds its bytes in the host's memory. One copy for all that use it: inlined into each, the checks
/// would be most of the emulator's code.
#[inline(never)]
pub fn reach(
    c: &mut Context<'_>,
    i: &Inst,
    mut at: [u64; 32],
    size: u32,
    kind: Kind,
) -> Result<[u64; 32], Flow> {
    c.resolve::<{ spaces::ANY }>(i, &mut at, size, kind, false)?;
    Ok(at)
}
