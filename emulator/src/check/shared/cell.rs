//! What the shadow keeps of a word, who accesses it, and what an access may run into.

/// One word's (or byte's) last write and reads. Clocks below the block's first mean never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) write_clock: u32,
    pub(super) read_clock: u32,
    /// Thread, with `STRONG` or `IN_FLIGHT`.
    pub(super) write_thread: u16,
    /// Thread, `MANY` or `ROW`, with `STRONG` if no reader was weak.
    pub(super) read_thread: u16,
    /// Warps that have read at `read_clock`; where the clocks differ, the row of `Readers` that has them.
    pub(super) read_warps: u32,
    pub(super) write_line: u32,
    pub(super) read_line: u32,
}

pub(super) const STRONG: u16 = 1 << 15;
pub(super) const IN_FLIGHT: u16 = 1 << 14;
pub(super) const THREAD: u16 = 0x3FFF;
pub(super) const MANY: u16 = THREAD;
/// In `read_thread`: many, whose clocks differ.
pub(super) const ROW: u16 = THREAD - 2;
/// In `read_thread` of a word: look at its bytes.
pub(super) const SPLIT: u16 = THREAD - 1;

/// Who accesses.
#[derive(Clone, Copy)]
pub struct Access {
    pub thread: u32,
    /// Atomic or volatile: two such accesses do not race.
    pub strong: bool,
    pub line: u32,
}

/// What an access runs into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Nobody has written what is read.
    Uninitialised,
    /// Another access that nothing orders: its thread (if one), its line, whether it wrote.
    Race {
        thread: Option<u32>,
        line: u32,
        write: bool,
    },
    /// An asynchronous copy that its thread has not waited for; from `ENGINE_THREAD` on, a copy of the engine.
    InFlight { thread: u32, line: u32 },
    /// A write where an asynchronous operation reads that nobody has waited for, or nobody who has told the writer.
    InUse { line: u32 },
    /// A write of the generic proxy with no proxy fence between it and a read of the asynchronous proxy.
    NoProxyFence { thread: u32, line: u32 },
}

/// Which findings count.
#[derive(Clone, Copy, Default)]
pub struct Wanted {
    pub races: bool,
    pub uninitialised: bool,
    pub in_flight: bool,
    pub proxy_fences: bool,
    pub wgmma: bool,
}
