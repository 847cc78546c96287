//! Instructions whose registers have no place yet.

use crate::exec::state::{Inst, NONE, Run, Touch, Trace, Values};

/// A virtual register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reg(pub u32);

/// A place in the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Label(pub u32);

/// Where an instruction keeps an operand's offset.
#[derive(Clone, Copy, Debug)]
pub enum Slot {
    Inline(u8),
    Pool(u32),
    /// Nowhere: the register only stays alive until here.
    None,
}

/// Modifier byte 7 of an instruction whose `imm` counts in the pool though none of its operands are there.
pub const POOLED: u8 = 0xFF;

/// What an instruction is to the products of `wgmma` on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    None,
    Multiply,
    Commit,
    /// For all but so many groups.
    Wait(u32),
}

/// How control leaves an instruction.
#[derive(Clone, Debug)]
pub enum Leave {
    Next,
    Jump(Label),
    Branch(Label),
    Table(Vec<Label>),
    End,
}

#[derive(Clone, Debug)]
pub struct Operand {
    pub slot: Slot,
    pub reg: Reg,
    pub written: bool,
}

pub struct Draft {
    pub inst: Inst,
    pub operands: Vec<Operand>,
    pub leave: Leave,
    /// Executed under a mask: what it writes keeps its old value in other lanes.
    pub guarded: bool,
    /// The routine a direct call goes to.
    pub callee: Option<usize>,
    pub trace: Trace,
    pub asynchronous: Group,
}

impl Draft {
    pub fn new(run: Run, line: u32, guarded: bool) -> Draft {
        let inst = Inst {
            run,
            r: [NONE; 6],
            imm: 0,
            a: 0,
            b: 0,
            m: [0; 8],
            line,
        };
        Draft {
            inst,
            operands: vec![],
            leave: Leave::Next,
            guarded,
            callee: None,
            trace: Trace::default(),
            asynchronous: Group::None,
        }
    }

    /// Operand `slot` is written.
    pub fn def(&mut self, slot: u8, reg: Reg) -> &mut Draft {
        self.operands.push(Operand {
            slot: Slot::Inline(slot),
            reg,
            written: true,
        });
        self
    }

    /// Operand `slot` is read.
    pub fn uses(&mut self, slot: u8, reg: Reg) -> &mut Draft {
        self.operands.push(Operand {
            slot: Slot::Inline(slot),
            reg,
            written: false,
        });
        self
    }

    /// An operand of the pool.
    pub fn pooled(&mut self, slot: u32, reg: Reg, written: bool) -> &mut Draft {
        self.operands.push(Operand {
            slot: Slot::Pool(slot),
            reg,
            written,
        });
        self
    }

    /// Where the instruction touches memory.
    pub fn touches(&mut self, touch: Touch) -> &mut Draft {
        self.trace.touch = touch;
        self
    }

    /// How its results depend on its operands.
    pub fn depends(&mut self, values: Values) -> &mut Draft {
        self.trace.values = values;
        self
    }

    /// Keeps a register alive until here.
    pub fn holds(&mut self, reg: Reg) {
        self.operands.push(Operand {
            slot: Slot::None,
            reg,
            written: false,
        });
    }

    pub fn m(&mut self, at: usize, value: u8) -> &mut Draft {
        self.inst.m[at] = value;
        self
    }

    pub fn imm(&mut self, value: i64) -> &mut Draft {
        self.inst.imm = value;
        self
    }

    pub fn a(&mut self, value: u32) -> &mut Draft {
        self.inst.a = value;
        self
    }
}
