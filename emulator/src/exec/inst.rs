//! A decoded instruction: a function and what it works on.

use super::context::Context;

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
/// offsets say: `handler::select` sees to the first, the decoder's allocation to the second.
pub type Run = for<'a, 'b, 'c> unsafe fn(&'a mut Context<'b>, &'c Inst) -> Flow;

/// How much is checked: an index into a `[Run; 3]`.
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
