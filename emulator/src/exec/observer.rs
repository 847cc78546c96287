//! What looks on while instructions run.

use super::state::{Context, Flow, Kind, Lanes, Launch, Touch, spaces};
use cuda_emulator_counts::Class;

/// What looks on while instructions run.
pub trait Observer {
    /// Before an instruction.
    fn before(&mut self, c: &mut Context<'_>, launch: &Launch<'_>, pc: u32);
    /// Behind it.
    fn after(&mut self, c: &mut Context<'_>, launch: &Launch<'_>, pc: u32, flow: Flow);
}

/// Nobody: the loop compiled with it has nothing of the others.
impl Observer for () {
    #[inline(always)]
    fn before(&mut self, _: &mut Context<'_>, _: &Launch<'_>, _: u32) {}
    #[inline(always)]
    fn after(&mut self, _: &mut Context<'_>, _: &Launch<'_>, _: u32, _: Flow) {}
}

/// Notes as progress whatever may have changed global memory.
#[derive(Default)]
pub struct Watcher(Vec<(u64, usize, [u8; 16])>);

impl Observer for Watcher {
    fn before(&mut self, c: &mut Context<'_>, launch: &Launch<'_>, pc: u32) {
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
