//! One instruction: which of its results are undefined, and what it may not depend on.

use crate::exec::state::{Context, Flow, Inst, Launch, Mark, NONE, Trace, Undefined, Values};
use cuda_emulator_counts::Class;

/// One instruction of a warp.
pub(super) struct Step<'a, 'b> {
    pub(super) c: &'a mut Context<'b>,
    pub(super) undefined: &'a mut Undefined,
    pub(super) launch: &'a Launch<'a>,
    pub(super) inst: &'a Inst,
    pub(super) pc: u32,
}

impl<'a, 'b> Step<'a, 'b> {
    pub(super) fn new(
        c: &'a mut Context<'b>,
        undefined: &'a mut Undefined,
        launch: &'a Launch<'a>,
        pc: u32,
    ) -> Step<'a, 'b> {
        let inst = &launch.code[pc as usize];
        Step {
            c,
            undefined,
            launch,
            inst,
            pc,
        }
    }

    fn trace(&self) -> &'a Trace {
        &self.launch.program.traces[self.pc as usize]
    }

    /// What is undefined of an operand, where the instruction runs.
    pub(super) fn row(&self, offset: u32) -> Mark {
        if offset == NONE {
            return Mark::NONE;
        }
        let mark = self.undefined.row(self.c.warp.frame.base + offset);
        mark.within(self.c.active)
    }

    pub(super) fn result(&mut self, offset: u32, mark: Mark) {
        if offset != NONE {
            let at = self.c.warp.frame.base + offset;
            self.undefined.results.push((at, mark));
        }
    }

    /// All that is read, and all that is written in order.
    pub(super) fn reads(&self) -> Mark {
        let rows = self.launch.program.rows.read(self.pc);
        rows.fold(Mark::NONE, |all, row| all.and(self.row(row)))
    }

    pub(super) fn rows(&self, written: bool) -> Vec<u32> {
        let rows = self.launch.program.rows.of(self.pc);
        rows.filter(|(_, w)| *w == written)
            .map(|(row, _)| row)
            .collect()
    }

    fn results(&mut self, mark: Mark) {
        for row in self.launch.program.rows.written(self.pc) {
            self.result(row, mark);
        }
    }

    /// Reports that something depends on an operand, if it is undefined. Whether the launch goes on.
    pub(super) fn defined(&mut self, offset: u32, what: &str) -> bool {
        let mark = self.row(offset);
        if mark.is_none() {
            return true;
        }
        let lane = mark.lanes.trailing_zeros() as usize;
        let goes_on = self.c.uses_undefined(self.inst, lane, mark.load, what);
        // said once
        let at = self.c.warp.frame.base + offset;
        self.undefined.set_row(at, Mark::NONE);
        goes_on
    }

    /// Whether the lanes of a collective instruction are all here; else it will run again.
    pub(super) fn is_complete(&self) -> bool {
        self.c.warp.live & !self.c.active == 0
    }

    /// What the results will be. Whether the launch goes on.
    pub(super) fn before(&mut self) -> bool {
        self.undefined.results.clear();
        self.undefined.puts.clear();
        match self.trace().values {
            Values::Lanes => {
                let mark = self.reads();
                self.results(mark);
                true
            }
            Values::Warp => {
                let mark = self.reads().spread(u32::MAX);
                self.results(mark);
                true
            }
            Values::Select => {
                let [d, a, b, p] = [0, 1, 2, 3].map(|slot| self.inst.r[slot]);
                let taken = self.c.predicate(p);
                let (a, b) = (self.row(a).within(taken), self.row(b).within(!taken));
                let mark = a.and(b).and(self.row(p));
                self.result(d, mark);
                true
            }
            Values::Decided(value) => {
                let [d, a, b] = [0, 1, 2].map(|slot| self.inst.r[slot]);
                let (left, right) = (self.row(a), self.row(b));
                let decides = |row: u32, mark: Mark| {
                    let holds = self.c.predicate(row);
                    (if value { holds } else { !holds }) & !mark.lanes
                };
                let decided = decides(a, left) | decides(b, right);
                let mark = left.and(right).within(!decided);
                self.result(d, mark);
                true
            }
            Values::Shuffle => {
                self.shuffle();
                true
            }
            Values::Guard => self.guard(),
            Values::GuardEnd => {
                self.undefined.guard = Mark::NONE;
                true
            }
            Values::Use => self.uses(),
            Values::Load => self.load(),
            Values::Store => self.store(),
            Values::Atomic(keeps) => self.atomic(keeps),
            Values::Copy => self.copy(),
            Values::LoadMatrix => self.load_matrix(),
            Values::StoreMatrix => self.store_matrix(),
            Values::MoveMatrix => {
                let mark = crate::exec::tensor::marks::moved(self.reads());
                self.results(mark);
                true
            }
            Values::LoadFragment => self.load_fragment(),
            Values::StoreFragment => self.store_fragment(),
            Values::Product => {
                self.multiply();
                true
            }
        }
    }

    /// The marks go the way that values would, if all lanes are here.
    fn shuffle(&mut self) {
        let [d, p, value, lane, clamp, members] = self.inst.r;
        let which = self.row(lane).and(self.row(clamp)).and(self.row(members));
        self.result(p, which);
        let mark = self.row(value);
        let mut moved = mark.spread(u32::MAX);
        let active = self.c.active;
        let here = members == NONE || {
            let mask = self.c.row::<u32>(members).get(self.c.first_lane());
            mask & active == active && mask & self.c.warp.live & !active == 0
        };
        if !mark.is_none() && here {
            let rows = [d, value];
            let kept = rows.map(|row| *self.c.row_mut::<u32>(row));
            let within = (p != NONE).then(|| self.c.predicate(p));
            *self.c.row_mut::<u32>(value) = std::array::from_fn(|lane| mark.lanes >> lane & 1);
            // SAFETY: the function of an instruction of this program, on the frame that it is about to run on.
            let flow = unsafe { (self.inst.run)(self.c, self.inst) };
            if flow == Flow::Next {
                let out = self.c.row::<u32>(d).all();
                let set = (0..32).filter(|lane| active >> lane & 1 != 0 && out[*lane] != 0);
                moved.lanes = set.fold(0, |all, lane| all | 1 << lane);
            }
            for (row, values) in rows.into_iter().zip(kept) {
                *self.c.row_mut::<u32>(row) = values;
            }
            if let Some(within) = within {
                let write = std::mem::replace(&mut self.c.write, u32::MAX);
                self.c.set_predicate(p, within);
                self.c.write = write;
            }
        }
        self.result(d, moved.and(which));
    }

    /// Results of what runs under an undefined predicate are undefined; anything else than results must not.
    fn guard(&mut self) -> bool {
        let mark = self.row(self.inst.r[0]);
        self.undefined.guard = mark;
        if mark.is_none() {
            return true;
        }
        let program = self.launch.program;
        let guarded = self.pc + 1..self.inst.b - 1;
        let only_results = |pc: u32| {
            let values = program.traces[pc as usize].values;
            matches!(values, Values::Lanes | Values::Select | Values::Decided(_))
        };
        if !guarded.clone().all(only_results) {
            self.undefined.guard = Mark::NONE;
            return self.defined(self.inst.r[0], "whether an instruction runs");
        }
        // also where it holds in no lane, so that they do not run at all
        for row in guarded.flat_map(|pc| program.rows.written(pc)) {
            let at = self.c.warp.frame.base + row;
            let both = self.undefined.row(at).and(mark);
            self.undefined.set_row(at, both);
        }
        true
    }

    fn uses(&mut self) -> bool {
        let what = match self.trace().class {
            Some(Class::Barrier) => "what a barrier does",
            Some(Class::AsyncCopy | Class::Tensor) => "what an engine does",
            _ => "where a thread goes",
        };
        for row in self.rows(false) {
            if !self.defined(row, what) {
                return false;
            }
        }
        // some come only when the wait is over, and no load is among them
        for row in self.rows(true) {
            let at = self.c.warp.frame.base + row;
            self.undefined.set_row(at, Mark::NONE);
        }
        true
    }

    /// The results are there.
    pub(super) fn after(&mut self) {
        let (write, guard) = (self.c.write, self.undefined.guard);
        let results = std::mem::take(&mut self.undefined.results);
        for (at, mark) in &results {
            let kept = self.undefined.row(*at).within(!write);
            let mark = mark.within(write).and(kept).and(guard);
            self.undefined.set_row(*at, mark);
        }
        self.undefined.results = results;
        self.put_all();
        self.enter();
    }

    /// Constants of a function that was called are where something else has been.
    fn enter(&mut self) {
        let frame = self.c.warp.frame;
        let routine = &self.launch.program.routines[frame.routine as usize];
        if self.trace().class == Some(Class::Branch) && self.c.pc == routine.entry {
            for (row, _) in &routine.constants {
                self.undefined.set_row(frame.base + row, Mark::NONE);
            }
        }
    }
}
