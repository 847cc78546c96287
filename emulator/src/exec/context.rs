//! What an instruction works on: the current group of lanes, its warp, its block, its launch.

use super::block::Block;
use super::cluster::Peers;
use super::launch::Launch;
use super::warp::Warp;
use crate::memory::Range;
use std::mem::MaybeUninit;

/// A type that a row of 32 lanes holds.
pub trait Lane: Copy + Default + 'static {}
impl Lane for u8 {}
impl Lane for u16 {}
impl Lane for u32 {}
impl Lane for u64 {}
impl Lane for u128 {}
impl Lane for i8 {}
impl Lane for i16 {}
impl Lane for i32 {}
impl Lane for i64 {}
impl Lane for f32 {}
impl Lane for f64 {}

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
    /// Allocations that recent accesses hit, by instruction.
    pub hits: [Hit; 8],
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
            shadow: range.shadow,
        }
    }
}

/// The 32 lanes of one operand, read where they lie.
#[derive(Clone, Copy)]
pub struct Row<T>(*const T);

impl<T: Lane> Row<T> {
    #[inline(always)]
    pub fn get(self, lane: usize) -> T {
        debug_assert!(lane < 32);
        // SAFETY: `Context::row` points at 32 elements inside the frame, and callers count lanes to 32.
        unsafe { self.0.add(lane).read() }
    }

    #[inline(always)]
    pub fn all(self) -> [T; 32] {
        // SAFETY: as in `get`.
        unsafe { self.0.cast::<[T; 32]>().read() }
    }
}

/// The 32 lanes of a result, filled one by one.
pub struct Column<T>(MaybeUninit<[T; 32]>);

impl<T: Lane> Column<T> {
    #[inline(always)]
    pub fn new() -> Column<T> {
        Column(MaybeUninit::uninit())
    }

    /// Writes a lane.
    ///
    /// # Safety
    /// `lane` is below 32.
    #[inline(always)]
    pub unsafe fn put(&mut self, lane: usize, value: T) {
        // SAFETY: the caller's promise.
        unsafe { self.0.as_mut_ptr().cast::<T>().add(lane).write(value) }
    }

    /// The lanes.
    ///
    /// # Safety
    /// Every lane was written.
    #[inline(always)]
    pub unsafe fn done(self) -> [T; 32] {
        // SAFETY: the caller's promise.
        unsafe { self.0.assume_init() }
    }
}

/// `column!(width, lane => value)`: the value in every lane, where `width` is `Context::width`.
///
/// A macro, since a closure would not be compiled with the features of the instruction around it; and with a bound
/// that the compiler cannot see through, since it would else unroll the lanes before it vectorises them.
macro_rules! column {
    ($width:expr, $lane:ident => $value:expr) => {{
        let mut column = $crate::exec::context::Column::new();
        // `& 32` says that no lanes are left over
        for $lane in 0..$width & 32 {
            let value = $value;
            // SAFETY: the lane is below 32.
            unsafe { column.put($lane, value) }
        }
        // SAFETY: the width is 32, so every lane was written.
        unsafe { column.done() }
    }};
}
pub(crate) use column;

impl Context<'_> {
    /// The row at a frame offset.
    #[inline(always)]
    pub fn row<T: Lane>(&self, offset: u32) -> Row<T> {
        // SAFETY: the decoder's allocation places every row inside the frame, aligned to its size.
        Row(unsafe { self.base.add(offset as usize).cast() })
    }

    /// The row at a frame offset, to be written where `write` has all lanes.
    #[inline(always)]
    pub fn row_mut<T: Lane>(&mut self, offset: u32) -> &mut [T; 32] {
        // SAFETY: as in `row`; nothing else borrows the register file meanwhile.
        unsafe { &mut *self.base.add(offset as usize).cast::<[T; 32]>() }
    }

    /// Writes the row at a frame offset in the lanes of `write`.
    #[inline(always)]
    pub fn set<T: Lane>(&mut self, offset: u32, values: &[T; 32]) {
        let (write, width) = (self.write, self.width);
        let row = self.row_mut(offset);
        if write == u32::MAX {
            *row = *values;
        } else {
            let old = *row;
            *row = column!(width, l => {
                if write >> (l & 31) & 1 != 0 { values[l & 31] } else { old[l & 31] }
            });
        }
    }

    /// Writes one lane of a row.
    #[inline(always)]
    pub fn set_lane<T: Lane>(&mut self, offset: u32, lane: usize, value: T) {
        debug_assert!(lane < 32);
        // SAFETY: as in `row`, and lanes are below 32.
        unsafe {
            self.base
                .add(offset as usize)
                .cast::<T>()
                .add(lane)
                .write(value)
        }
    }

    /// A predicate, one bit for each lane.
    #[inline(always)]
    pub fn predicate(&self, offset: u32) -> u32 {
        // SAFETY: the decoder's allocation gives a predicate four aligned bytes of the frame.
        unsafe { self.base.add(offset as usize).cast::<u32>().read() }
    }

    /// Writes a predicate in the lanes of `write`.
    #[inline(always)]
    pub fn set_predicate(&mut self, offset: u32, value: u32) {
        let merged = self.predicate(offset) & !self.write | value & self.write;
        // SAFETY: as in `predicate`.
        unsafe { self.base.add(offset as usize).cast::<u32>().write(merged) }
    }

    /// Makes `active` the executing lanes.
    #[inline(always)]
    pub fn activate(&mut self, active: u32) {
        self.active = active;
        self.write = if active == self.warp.live {
            u32::MAX
        } else {
            active
        };
    }

    /// The first executing lane.
    #[inline(always)]
    pub fn first_lane(&self) -> usize {
        self.active.trailing_zeros() as usize & 31
    }

    /// Calls `f` with every executing lane.
    #[inline(always)]
    pub fn lanes(&self) -> Lanes {
        Lanes(self.active)
    }
}

/// Iterates over the set bits of a mask.
#[derive(Clone, Copy)]
pub struct Lanes(pub u32);

impl Iterator for Lanes {
    type Item = usize;

    #[inline(always)]
    fn next(&mut self) -> Option<usize> {
        if self.0 == 0 {
            return None;
        }
        let lane = self.0.trailing_zeros() as usize;
        self.0 &= self.0 - 1;
        Some(lane)
    }
}
