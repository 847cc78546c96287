//! A kernel and every function it can reach, ready to run.

use super::count::Trace;
use super::handler::select;
use super::hopper::touch::Touch;
use super::inst::{Inst, Run};
use super::special::Special;
use crate::ptx::ast::Loc;
use std::collections::HashMap;
use std::sync::OnceLock;

/// Code with its operand pool and routines.
pub struct Program {
    plain: Vec<Inst>,
    runs: Vec<[Run; 3]>,
    levels: [OnceLock<Vec<Inst>>; 3],
    /// What each instruction is, for those who look on.
    pub traces: Vec<Trace>,
    /// Operand lists too long for an instruction.
    pub pool: Vec<u32>,
    /// Instructions that may touch registers of a running `wgmma`, and the rows of these.
    pub touching: HashMap<u32, Vec<u32>>,
    /// Routine 0 is the kernel.
    pub routines: Vec<Routine>,
    /// The module's number of each routine's function: what a function pointer holds.
    pub tokens: Vec<u32>,
    /// Lines of the PTX from which on a line of the source counts, in order.
    pub locs: Vec<(u32, Loc)>,
    /// Names of source files by number.
    pub files: Vec<(u32, String)>,
}

/// A function's place and needs.
pub struct Routine {
    pub name: String,
    pub entry: u32,
    /// Bytes of registers, constants first.
    pub frame_bytes: u32,
    /// Constants and where in the frame they lie.
    pub constants: Vec<(u32, Constant)>,
    /// Bytes of local memory, parameters and results of the function first.
    pub local_bytes: u32,
    /// Where parameters lie in local memory, and their sizes.
    pub params: Vec<(u32, u32)>,
    /// Where results lie in local memory, and their sizes.
    pub returns: Vec<(u32, u32)>,
}

/// A row that is filled when a frame is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Constant {
    Bits16(u16),
    Bits32(u32),
    Bits64(u64),
    Bits128(u128),
    /// A predicate.
    Flag(bool),
    /// A special register in 16, 32 or 64 bits.
    Special(Special, u8),
    /// A local variable's address: its offset in the frame, plus a constant, in 32 or 64 bits.
    Local(u32, u64, u8),
}

impl Program {
    /// Puts the parts together; `runs` and `traces` have one entry for each instruction.
    pub fn new(plain: Vec<Inst>, runs: Vec<[Run; 3]>, traces: Vec<Trace>) -> Program {
        Program {
            plain,
            runs,
            levels: Default::default(),
            traces,
            pool: vec![],
            touching: HashMap::new(),
            routines: vec![],
            tokens: vec![],
            locs: vec![],
            files: vec![],
        }
    }

    /// The instructions at a check level.
    pub fn code(&self, level: u8) -> &[Inst] {
        let level = usize::from(level);
        self.levels[level].get_or_init(|| {
            let with = |(inst, runs): (&Inst, &[Run; 3])| Inst {
                run: runs[level],
                ..inst.clone()
            };
            let mut code: Vec<Inst> = self.plain.iter().zip(&self.runs).map(with).collect();
            if level == usize::from(super::inst::level::FULL) {
                for pc in self.touching.keys() {
                    code[*pc as usize].run = select::<Touch>();
                }
            }
            code
        })
    }

    /// What the instruction at `pc` does where everything is checked, whatever looks on.
    pub fn own_run(&self, pc: usize) -> Run {
        self.runs[pc][usize::from(super::inst::level::FULL)]
    }

    /// The line of the source behind a line of the PTX.
    pub fn source_line(&self, line: u32) -> Option<(&str, u32)> {
        let next = self.locs.partition_point(|(at, _)| *at <= line);
        let loc = self.locs[..next].last()?.1;
        let (_, file) = self.files.iter().find(|(number, _)| *number == loc.file)?;
        (loc.line > 0).then_some((file.as_str(), loc.line))
    }
}
