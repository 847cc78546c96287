//! `st.async`: registers on their way to another block's shared memory, whose barrier counts them when they come.

use crate::exec::handler::Op;
use crate::exec::state::{Context, Flow, Inst};

/// Modifier bytes. Those of a reducing bulk copy stay 0.
pub mod modifier {
    /// Whether the addresses have 64 bits.
    pub const WIDE_TARGET: usize = 0;
    pub const WIDE_BARRIER: usize = 2;
    /// Elements of the vector.
    pub const COUNT: usize = 5;
    /// Bytes of an element.
    pub const BYTES: usize = 6;
}
use modifier::*;

/// `r`: target, barrier, elements.
pub struct Send;
impl Op for Send {
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        let targets = c.addresses(i.r[0], i.m[WIDE_TARGET] != 0, 0);
        let barriers = c.addresses(i.r[1], i.m[WIDE_BARRIER] != 0, 0);
        for lane in c.lanes() {
            if let Err(flow) = send(c, i, lane, targets[lane], barriers[lane]) {
                return flow;
            }
        }
        Flow::Next
    }
}

fn send(c: &mut Context<'_>, i: &Inst, lane: usize, target: u64, barrier: u64) -> Result<(), Flow> {
    let mut data = vec![];
    for element in &i.r[2..2 + usize::from(i.m[COUNT])] {
        if i.m[BYTES] == 4 {
            data.extend(c.row::<u32>(*element).get(lane).to_le_bytes());
        } else {
            data.extend(c.row::<u64>(*element).get(lane).to_le_bytes());
        }
    }
    let bytes = data.len() as u32;
    let target = c.place(i, lane, target, bytes, bytes, "asynchronous write")?;
    let barrier = c.place(i, lane, barrier, 8, 8, "mbarrier of an asynchronous write")?;
    c.send_all(i, lane, target, barrier, None, data)
}
