//! Going on behind a fault: the access of the lane whose fault it is is left out, and what it reads is 0.

use super::load::modifier::{COUNT, WIDTH};
use super::state::{Context, Flow, Inst, Kind, Lanes, NONE, Touch};

impl Context<'_> {
    fn touch(&self, inst: &Inst) -> Touch {
        let trace = |pc: u32| self.launch.program.traces.get(pc as usize);
        let trace = self.launch.pc_of(inst).and_then(trace);
        trace.map_or(Touch::Nothing, |trace| trace.touch)
    }

    /// Whether each lane's part of an instruction stands for itself.
    pub(super) fn goes_by_lanes(&self, inst: &Inst) -> bool {
        matches!(self.touch(inst), Touch::Lanes { .. })
    }

    /// Runs an instruction without the lanes that are to be left out, those that show on the way among them.
    #[cold]
    pub(super) fn without_lanes(&mut self, inst: &Inst) -> Flow {
        let (active, write, touch) = (self.active, self.write, self.touch(inst));
        let mut flow = Flow::Switch;
        while self.left_out != 0 {
            let lanes = std::mem::take(&mut self.left_out) & self.active;
            self.zero(inst, touch, lanes);
            self.active &= !lanes;
            self.write = self.active;
            if lanes == 0 || self.active == 0 {
                flow = Flow::Next;
                break;
            }
            // SAFETY: the function of an instruction of this program, on the frame that it was about to run on.
            flow = unsafe { (inst.run)(self, inst) };
        }
        (self.active, self.write) = (active, write);
        flow
    }

    /// What lanes would have read becomes 0.
    fn zero(&mut self, inst: &Inst, touch: Touch, lanes: u32) {
        let (rows, width) = match touch {
            Touch::Lanes {
                kind: Kind::Read, ..
            } => (1..=usize::from(inst.m[COUNT]), inst.m[WIDTH]),
            Touch::Lanes {
                kind: Kind::Update,
                bytes,
                ..
            } => (1..=1, bytes),
            _ => return,
        };
        for row in rows {
            let row = inst.r[row];
            for lane in Lanes(lanes) {
                match width {
                    _ if row == NONE => {}
                    2 => self.set_lane(row, lane, 0u16),
                    4 => self.set_lane(row, lane, 0u32),
                    8 => self.set_lane(row, lane, 0u64),
                    16 => self.set_lane(row, lane, 0u128),
                    _ => {}
                }
            }
        }
    }
}
