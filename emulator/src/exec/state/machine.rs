//! The machine: an instruction is a function of its context, the context is of a launch, the launch of a program, and the
//! program is instructions. None of the four can be said without the others, so they stand in one file.

use super::block::{Block, Peers};
use super::routine::Routine;
use super::tally::Counting;
use super::trace::Trace;
use super::values::Rows;
use super::warp::Warp;
use crate::exec::config::{LaunchConfig, Options};
use crate::memory::{Memory, Range};
use crate::ptx::ast::Loc;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// What the interpreter's loop does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// The following instruction.
    Next,
    /// The instruction at `Context::pc`.
    Jump,
    /// Another group of lanes: this one was stored away, has ended, or has failed.
    Switch,
}

/// Executes one instruction for the active lanes.
///
/// Unsafe because it may only run where its target features exist, on a frame whose rows are where the instruction's
/// offsets say: `Module::load` sees to the first by `handler::supported`, the decoder's allocation to the second.
pub type Run = for<'a, 'b, 'c> unsafe fn(&'a mut Context<'b>, &'c Inst) -> Flow;

/// How much is checked.
pub mod level {
    /// Nothing.
    pub const PLAIN: u8 = 0;
    /// Bounds and alignment.
    pub const BOUNDS: u8 = 1;
    /// Whatever the options switch on.
    pub const FULL: u8 = 2;
}

/// An operand that is not there.
pub const NONE: u32 = u32::MAX;

/// One instruction, a cache line long.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
pub struct Inst {
    pub run: Run,
    /// Byte offsets of operand rows in the frame.
    pub r: [u32; 6],
    /// An address offset or other constant.
    pub imm: i64,
    /// Jump target, index into the pool of long operand lists, or whatever the family wants.
    pub a: u32,
    /// The instruction behind this one, where the family jumps; else whatever it wants.
    pub b: u32,
    /// Modifiers.
    pub m: [u8; 8],
    /// Line of the PTX.
    pub line: u32,
}

/// The running group of lanes with everything around it.
pub struct Context<'a> {
    /// Start of the group's frame in the register file.
    pub base: *mut u8,
    /// Lanes that a register write may touch: all 32 when no living lane is elsewhere.
    pub write: u32,
    /// Lanes that execute.
    pub active: u32,
    /// Where to go after `Flow::Jump`, and where the group is when it is stored away.
    pub pc: u32,
    /// The nearest instruction at which another group waits to be joined.
    pub limit: u32,
    /// Backward jumps before others get a turn.
    pub budget: u32,
    /// Active lanes outside a guarded instruction.
    pub unguarded: u32,
    /// Lanes whose access was wrong and is left out: the instruction is tried again without them.
    pub left_out: u32,
    /// Whether an observer keeps what is undefined: then loads of it pass.
    pub follows: bool,
    /// An instruction has come upon what is undefined, and is tried again with such an observer.
    pub begins: bool,
    /// Allocations that recent accesses hit, by instruction.
    pub hits: [Hit; 8],
    /// The launch's.
    pub level: u8,
    /// 32. Read from here, it stays a loop's bound: the compiler would unroll 32 lanes before it vectorises them.
    pub width: usize,
    pub warp: Warp,
    pub block: &'a mut Block,
    pub peers: Peers<'a>,
    pub launch: &'a Launch<'a>,
}

/// A recently used allocation; empty where `end` is 0.
#[derive(Clone, Copy)]
pub struct Hit {
    pub base: u64,
    pub end: u64,
    pub shadow: *mut u8,
}

impl Hit {
    pub const EMPTY: Hit = Hit {
        base: 0,
        end: 0,
        shadow: std::ptr::null_mut(),
    };
}

impl From<&Range> for Hit {
    fn from(range: &Range) -> Hit {
        Hit {
            base: range.base,
            end: range.end,
            shadow: range.shadow(),
        }
    }
}

/// All that the blocks of a launch share.
pub struct Launch<'a> {
    pub kernel_name: &'a str,
    pub program: &'a Program,
    pub code: &'a [Inst],
    pub level: u8,
    pub config: LaunchConfig,
    pub cluster: [u32; 3],
    pub explicit_cluster: bool,
    /// Threads of a block.
    pub threads: u32,
    /// Static and dynamic.
    pub shared_bytes: usize,
    pub params: &'a [u8],
    pub memory: &'a Memory,
    pub ranges: &'a [Range],
    pub options: &'a Options,
    /// The address of a cooperative launch's workspace, else 0.
    pub workspace: u64,
    /// Counts, if they are wanted.
    pub counting: Option<&'a Counting>,
    /// Tells it from other launches.
    pub number: u64,
    pub signals: Signals,
}

/// What the workers of a launch tell each other.
#[derive(Default)]
pub struct Signals {
    watching: AtomicBool,
    cancelled: AtomicBool,
    progress: AtomicU64,
}

impl Launch<'_> {
    /// The number of one of the launch's instructions.
    pub fn pc_of(&self, inst: &Inst) -> Option<u32> {
        let bytes = std::ptr::from_ref(inst)
            .addr()
            .checked_sub(self.code.as_ptr().addr())?;
        let pc = bytes / size_of::<Inst>();
        (pc < self.code.len()).then_some(pc as u32)
    }

    /// The elements of a vector load, a bit each, whose registers nobody reads.
    pub fn unread(&self, inst: &Inst) -> u8 {
        let pc = self.pc_of(inst);
        pc.and_then(|pc| self.program.unread.get(&pc).copied())
            .unwrap_or(0)
    }

    /// Whether another block has failed.
    pub fn cancelled(&self) -> bool {
        self.signals.cancelled.load(Ordering::Relaxed)
    }

    /// Lets all blocks end.
    pub fn cancel(&self) {
        self.signals.cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether writes of memory are looked at: they are once the kernel seems to be stuck.
    pub fn watches(&self) -> bool {
        self.signals.watching.load(Ordering::Relaxed)
    }

    pub fn set_watching(&self, on: bool) {
        self.signals.watching.store(on, Ordering::Relaxed);
    }

    /// Notes that something other than spinning has happened.
    pub fn progress(&self) {
        self.signals.progress.fetch_add(1, Ordering::Relaxed);
    }

    /// How often something has.
    pub fn progress_so_far(&self) -> u64 {
        self.signals.progress.load(Ordering::Relaxed)
    }
}

/// Code with its operand pool and routines.
pub struct Program {
    plain: Vec<Inst>,
    /// In place of the instructions of `touching`, where everything is checked.
    guard: Run,
    guarded: OnceLock<Vec<Inst>>,
    /// What each instruction is, for those who look on.
    pub traces: Vec<Trace>,
    /// The rows of each instruction's operands.
    pub rows: Rows,
    /// Operand lists too long for an instruction.
    pub pool: Vec<u32>,
    /// Instructions that may touch registers of a running `wgmma`, and the rows of these.
    pub touching: HashMap<u32, Vec<u32>>,
    /// Vector loads, and the elements, a bit each, whose registers nobody reads.
    pub unread: HashMap<u32, u8>,
    /// Routine 0 is the kernel.
    pub routines: Vec<Routine>,
    /// The module's number of each routine's function: what a function pointer holds.
    pub tokens: Vec<u32>,
    /// Lines of the PTX from which on a line of the source counts, in order.
    pub locs: Vec<(u32, Loc)>,
    /// Names of source files by number.
    pub files: Vec<(u32, String)>,
    /// The PTX.
    pub text: Arc<str>,
}

impl Program {
    /// Puts the parts together; `traces` has one entry for each instruction.
    pub fn new(plain: Vec<Inst>, traces: Vec<Trace>, guard: Run) -> Program {
        Program {
            plain,
            guard,
            guarded: OnceLock::new(),
            traces,
            rows: Rows::default(),
            pool: vec![],
            touching: HashMap::new(),
            unread: HashMap::new(),
            routines: vec![],
            tokens: vec![],
            locs: vec![],
            files: vec![],
            text: Arc::from(""),
        }
    }

    /// The instructions at a check level.
    pub fn code(&self, level: u8) -> &[Inst] {
        if level != level::FULL || self.touching.is_empty() {
            return &self.plain;
        }
        self.guarded.get_or_init(|| {
            let mut code = self.plain.clone();
            for pc in self.touching.keys() {
                code[*pc as usize].run = self.guard;
            }
            code
        })
    }

    /// What the instruction at `pc` does where everything is checked, whatever looks on.
    pub fn own_run(&self, pc: usize) -> Run {
        self.plain[pc].run
    }

    /// A line of the PTX.
    pub fn quote(&self, line: u32) -> &str {
        let line = line
            .checked_sub(1)
            .and_then(|n| self.text.lines().nth(n as usize));
        line.map_or("", str::trim)
    }

    /// The line of the source behind a line of the PTX.
    pub fn source_line(&self, line: u32) -> Option<(&str, u32)> {
        let next = self.locs.partition_point(|(at, _)| *at <= line);
        let loc = self.locs[..next].last()?.1;
        let (_, file) = self.files.iter().find(|(number, _)| *number == loc.file)?;
        (loc.line > 0).then_some((file.as_str(), loc.line))
    }
}
