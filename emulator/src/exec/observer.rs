//! What looks on while instructions run.

use super::state::{Context, Flow, Kind, Lanes, Launch, Touch, spaces};
use cuda_emulator_counts::Class;

/// What looks on while instructions run.
pub trait Observer {
    /// Before an instruction; false where it must not run, since something is wrong.
    fn before(&mut self, c: &mut Context<'_>, launch: &Launch<'_>, pc: u32) -> bool;
    /// Behind it.
    fn after(&mut self, c: &mut Context<'_>, launch: &Launch<'_>, pc: u32, flow: Flow);
}

/// Nobody: the loop compiled with it has nothing of the others.
impl Observer for () {
    #[inline(always)]
    fn before(&mut self, _: &mut Context<'_>, _: &Launch<'_>, _: u32) -> bool {
        true
    }
    #[inline(always)]
    fn after(&mut self, _: &mut Context<'_>, _: &Launch<'_>, _: u32, _: Flow) {}
}

/// Both.
impl<A: Observer, B: Observer> Observer for (A, B) {
    fn before(&mut self, c: &mut Context<'_>, launch: &Launch<'_>, pc: u32) -> bool {
        self.0.before(c, launch, pc) && self.1.before(c, launch, pc)
    }

    fn after(&mut self, c: &mut Context<'_>, launch: &Launch<'_>, pc: u32, flow: Flow) {
        self.0.after(c, launch, pc, flow);
        self.1.after(c, launch, pc, flow);
    }
}

/// Notes as progress whatever may have changed global memory.
#[derive(Default)]
pub struct Watcher(Vec<(u64, usize, [u8; 16])>);

impl Observer for Watcher {
    fn before(&mut self, c: &mut Context<'_>, launch: &Launch<'_>, pc: u32) -> bool {
        let (inst, trace) = (
            &launch.code[pc as usize],
            &launch.program.traces[pc as usize],
        );
        self.0.clear();
        let unknown = matches!(
            trace.class,
            Some(Class::StoreGlobal | Class::StoreGeneric | Class::Atomic | Class::AsyncCopy)
        );
        if unknown && trace.touch == Touch::Nothing {
            launch.progress();
        }
        trace.touch.each(c, inst, &mut |access| {
            if access.kind == Kind::Read || access.space != spaces::GLOBAL {
                return; // shared memory is a part of the block's state
            }
            let size = access.bytes as usize;
            for lane in Lanes(access.lanes) {
                let at = access.at[lane];
                self.0.push((at, size, bytes(launch, at, size)));
            }
        });
        true
    }

    fn after(&mut self, _: &mut Context<'_>, launch: &Launch<'_>, _: u32, _: Flow) {
        let changed = |(at, size, old): &(u64, usize, [u8; 16])| bytes(launch, *at, *size) != *old;
        if self.0.iter().any(changed) {
            launch.progress();
        }
    }
}

/// Bytes of global memory; zero where there is nothing.
fn bytes(launch: &Launch<'_>, at: u64, size: usize) -> [u8; 16] {
    let mut out = [0; 16];
    let _ = launch.memory.read(at, &mut out[..size]);
    out
}
