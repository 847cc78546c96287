//! From the addresses of an instruction to bytes of the host, with the checks on the way: one file for each space.

mod cluster;
mod fault;
mod generic;
mod global;
mod lanes;
mod own;
mod shared;
mod unread;

pub use generic::peek;

use crate::exec::state::{Context, Flow, Inst, Kind, spaces};

impl Context<'_> {
    /// Checks an access and replaces its addresses by those of the host's bytes. True if all 32 lanes execute, each
    /// on the bytes behind the last lane's.
    #[inline(always)]
    pub fn resolve<const SPACE: u8>(
        &mut self,
        inst: &Inst,
        at: &mut [u64; 32],
        size: u32,
        kind: Kind,
        strong: bool,
    ) -> Result<bool, Flow> {
        match SPACE {
            spaces::GLOBAL => self.global(inst, at, size, kind),
            spaces::SHARED => self.shared(inst, at, size, kind, strong),
            spaces::ANY => self.elsewhere(inst.m[spaces::SAID], inst, at, size, kind, strong),
            _ => self.elsewhere(SPACE, inst, at, size, kind, strong),
        }
    }

    /// As `resolve`: one copy for all instructions that are compiled for no space of their own.
    #[inline(never)]
    fn elsewhere(
        &mut self,
        space: u8,
        inst: &Inst,
        at: &mut [u64; 32],
        size: u32,
        kind: Kind,
        strong: bool,
    ) -> Result<bool, Flow> {
        match space {
            spaces::GLOBAL => self.global(inst, at, size, kind),
            spaces::SHARED => self.shared(inst, at, size, kind, strong),
            spaces::LOCAL => self.local(inst, at, size, kind),
            spaces::PARAM => self.param(inst, at, size, kind),
            spaces::CLUSTER => self.cluster(inst, at, size, kind, strong),
            _ => self.generic(inst, at, size, kind, strong),
        }
    }
}
