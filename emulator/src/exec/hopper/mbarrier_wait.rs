//! `mbarrier.test_wait`, `mbarrier.try_wait`.

use super::mbarrier_ops::modifier::WIDE;
use crate::exec::handler::Op;
use crate::exec::state::{Context, Flow, Inst, Lanes, Wait, level};

/// Modifier bytes beside `WIDE`.
pub mod modifier {
    /// Whether the phase is told by its parity, not by a state.
    pub const PARITY: usize = 1;
    /// `try_wait`
    pub const BLOCKS: usize = 2;
    /// Whether what the others have released is acquired.
    pub const ACQUIRE: usize = 3;
}
use modifier::*;

/// `r`: predicate, address, state or parity. Lanes whose phase is not complete park, where they may.
pub struct Test;
impl Op for Test {
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        let at = c.addresses(i.r[1], i.m[WIDE] != 0, i.imm);
        let states: [u64; 32] = if i.m[PARITY] != 0 {
            c.row::<u32>(i.r[2]).all().map(u64::from)
        } else {
            c.row::<u64>(i.r[2]).all()
        };
        let acquire = i.m[ACQUIRE] != 0;
        let (mut done, mut left) = (0, c.active);
        let mut parked = vec![];
        while left != 0 {
            let lane = left.trailing_zeros() as usize;
            let alike = |l: &usize| at[*l] == at[lane] && states[*l] == states[lane];
            let same = Lanes(left).filter(alike).fold(0, |m, l| m | 1 << l);
            left &= !same;
            match test(c, i, lane, at[lane], states[lane]) {
                Err(flow) => return flow,
                Ok(None) => done |= same,
                Ok(Some((address, phase))) => parked.push((same, address, phase)),
            }
        }
        c.set_predicate(i.r[0], done);
        if parked.is_empty() || i.m[BLOCKS] == 0 {
            return Flow::Next;
        }
        for (mask, address, phase) in parked {
            let wait = Wait::Mbarrier {
                address,
                phase,
                result: i.r[0],
                acquire,
                line: i.line,
            };
            c.warp.park(i.b, mask, wait);
        }
        if done != 0 {
            c.warp.park(i.b, done, Wait::Ready);
        }
        Flow::Switch
    }
}

/// The object's address and the phase that is not complete, or none if it is.
fn test(
    c: &mut Context<'_>,
    i: &Inst,
    lane: usize,
    address: u64,
    state: u64,
) -> Result<Option<(u32, u64)>, Flow> {
    let place = c.mbarrier_place(i, lane, address)?;
    for due in [true, false] {
        let (phase, released) = match c.block.mbarriers.get(place.offset) {
            Ok(object) => (object.phase, object.released),
            Err(what) => {
                c.mbarrier_fault(i, lane, place, &what)?;
                return Ok(None);
            }
        };
        let complete = if i.m[PARITY] != 0 {
            phase & 1 != state & 1
        } else {
            phase > state >> 20
        };
        if complete {
            if i.m[ACQUIRE] != 0 && c.launch.level == level::FULL {
                c.block.shadow.pass(c.warp.index as usize, &released);
            }
            return Ok(None);
        }
        if !due {
            return Ok(Some((place.offset, phase)));
        }
        c.block.deliver(place.offset, c.launch);
        if c.block.fault.is_some() {
            return Err(Flow::Switch);
        }
    }
    Ok(None)
}
