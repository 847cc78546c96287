//! The 32 lanes of a warp: what a row of registers holds, and masks.

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

/// The 32 lanes of one operand, read where they lie.
#[derive(Clone, Copy)]
pub struct Row<T>(pub(super) *const T);

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
    pub(crate) fn new() -> Column<T> {
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
        let mut column = $crate::exec::state::Column::new();
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
