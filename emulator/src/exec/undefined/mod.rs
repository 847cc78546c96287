//! Follows what is undefined through registers and memory, once a warp has loaded what nobody has written: values may be
//! moved and computed with, and are reported where something else depends on them.
//!
//! An `Observer` of the interpreter's loop, so that a warp that meets nothing undefined runs the loop compiled without. The
//! load that meets it is tried again with this one looking on (`Context::begins`), and lets it pass (`Context::follows`).
//! What results depend on is looked up before the instruction runs, and noted behind it.

mod matrices;
mod memory;
mod step;

use super::observer::Observer;
use super::state::{Context, Flow, Launch};
use step::Step;

/// Looks on for what a warp knows of undefined values.
pub struct Follower;

impl Observer for Follower {
    fn before(&mut self, c: &mut Context<'_>, launch: &Launch<'_>, pc: u32) -> bool {
        let Some(mut undefined) = c.warp.undefined.take() else {
            return true;
        };
        let goes_on = Step::new(c, &mut undefined, launch, pc).before();
        c.warp.undefined = Some(undefined);
        goes_on
    }

    fn after(&mut self, c: &mut Context<'_>, launch: &Launch<'_>, pc: u32, flow: Flow) {
        // what waits will run again
        if flow == Flow::Switch {
            return;
        }
        let Some(mut undefined) = c.warp.undefined.take() else {
            return;
        };
        Step::new(c, &mut undefined, launch, pc).after();
        c.warp.undefined = Some(undefined);
    }
}
