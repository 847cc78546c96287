//! `ld` and `st` (PTX ISA, "Data Movement and Conversion Instructions").

use super::handler::Op;
use super::state::{Context, Flow, Inst, Kind, Lane, column, level, spaces};
use crate::check::shared::{Eights, Pattern};
use std::marker::PhantomData;

/// A memory element: what a narrower or wider register makes of it.
pub trait Element: Lane {
    const SIZE: u32 = size_of::<Self>() as u32;
    fn extend(self, signed: bool) -> u64;
    fn truncate(value: u64) -> Self;
    fn bytes(&self) -> &[u8];
}

macro_rules! elements {
    ($($t:ty as $s:ty),*) => {$(
        impl Element for $t {
            #[inline(always)]
            fn extend(self, signed: bool) -> u64 {
                if signed { self as $s as i64 as u64 } else { self as u64 }
            }
            #[inline(always)]
            fn truncate(value: u64) -> Self {
                value as $t
            }
            #[inline(always)]
            fn bytes(&self) -> &[u8] {
                // SAFETY: an integer is its bytes.
                unsafe { std::slice::from_raw_parts(std::ptr::from_ref(self).cast(), size_of::<$t>()) }
            }
        }
    )*};
}
elements!(u8 as i8, u16 as i16, u32 as i32, u64 as i64, u128 as i128);

/// Modifier bytes of both.
pub mod modifier {
    /// Elements of the vector.
    pub const COUNT: usize = 0;
    /// Bytes of a register.
    pub const WIDTH: usize = 1;
    /// Whether loads extend the sign.
    pub const SIGNED: usize = 2;
    /// What it says of the order of others: bits of `sync::order`.
    pub const STRONG: usize = 3;
    /// Whether the address register has 64 bits.
    pub const WIDE: usize = 4;
}
use modifier::{COUNT, SIGNED, STRONG, WIDE, WIDTH};

/// `r[0]` is the address, `r[1..]` the destinations; `a` has the bytes of an element.
pub struct Load<T, const SPACE: u8>(PhantomData<T>);

impl<T: Element, const SPACE: u8> Op for Load<T, SPACE> {
    #[inline(always)]
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        let count = u32::from(i.m[COUNT]);
        if SPACE == spaces::SHARED && c.active == u32::MAX && i.m[STRONG] == 0 {
            return load_shared::<T>(c, i);
        }
        let mut at = c.addresses(i.r[0], i.m[WIDE] != 0, i.imm);
        c.block.polled |= i.m[STRONG] != 0;
        let contiguous =
            match c.resolve::<SPACE>(i, &mut at, T::SIZE * count, Kind::Read, i.m[STRONG] != 0) {
                Ok(contiguous) => contiguous,
                Err(flow) => return flow,
            };
        if c.level == level::FULL && i.m[STRONG] != 0 {
            c.see_flags(&at, i.m[STRONG]);
        }
        if contiguous && count == 1 {
            // SAFETY: `resolve` found 32 elements behind each other here (or checks are off).
            let values = unsafe { (at[0] as *const [T; 32]).read_unaligned() };
            deliver(c, i, 1, &values);
            return Flow::Next;
        }
        for element in 0..count {
            let values = column!(c.width, l => {
                // SAFETY: `resolve` found `count` elements at each lane's address (or checks are off).
                unsafe { (at[l & 31] as *const T).add(element as usize).read_unaligned() }
            });
            deliver(c, i, element as usize + 1, &values);
        }
        Flow::Next
    }
}

/// All lanes, shared memory, no volatile: the addresses fit 32 bits.
#[inline(always)]
fn load_shared<T: Element>(c: &mut Context<'_>, i: &Inst) -> Flow {
    let (count, plus) = (u32::from(i.m[COUNT]), i.imm);
    if c.write == u32::MAX
        && u32::from(i.m[WIDTH]) == T::SIZE
        && let Some(eights) = c.eights(i.r[0], i.m[WIDE] != 0, plus, T::SIZE * count)
    {
        return match c.shared_eights(i, &eights) {
            Ok(()) => load_eights::<T>(c, i, &eights),
            Err(flow) => flow,
        };
    }
    let mut high = 0;
    let at: [u32; 32] = if i.m[WIDE] != 0 {
        let row = c.row::<u64>(i.r[0]);
        column!(c.width, l => {
            let address = row.get(l).wrapping_add_signed(plus);
            high |= address;
            address as u32
        })
    } else {
        let row = c.row::<u32>(i.r[0]);
        column!(c.width, l => row.get(l).wrapping_add(plus as u32))
    };
    match c.shared_reads(i, &at, high, T::SIZE * count) {
        Some(_) if c.block.fault.is_some() || c.left_out != 0 || c.begins => return Flow::Switch,
        // out of bounds or misaligned: the long way says of whom
        Some(_) => {
            let mut wide = c.addresses(i.r[0], i.m[WIDE] != 0, plus);
            return match c.resolve::<{ spaces::SHARED }>(
                i,
                &mut wide,
                T::SIZE * count,
                Kind::Read,
                false,
            ) {
                Ok(_) => Flow::Next,
                Err(flow) => flow,
            };
        }
        None => {}
    }
    let base = c.block.shared_pointer(0);
    for element in 0..count {
        let values = column!(c.width, l => {
            // SAFETY: `shared_reads` found `count` elements at each lane's address (or checks are off).
            unsafe { base.wrapping_add(at[l & 31] as usize).cast::<T>().add(element as usize).read_unaligned() }
        });
        deliver(c, i, element as usize + 1, &values);
    }
    Flow::Next
}

/// What `Context::eights` found inside shared memory, straight into the destinations.
#[inline(always)]
fn load_eights<T: Element>(c: &mut Context<'_>, i: &Inst, eights: &Eights) -> Flow {
    let (count, width) = (usize::from(i.m[COUNT]), c.width);
    let base = c.block.shared_pointer(0);
    let from = eights
        .first
        .map(|first| base.wrapping_add(first as usize).cast::<T>());
    if eights.pattern == Pattern::Side && count == 1 {
        let row = c.row_mut::<T>(i.r[1]).as_chunks_mut::<8>().0;
        for (to, from) in row.iter_mut().zip(from) {
            // SAFETY: the eight's elements, side by side inside shared memory.
            *to = unsafe { from.cast::<[T; 8]>().read_unaligned() };
        }
        return Flow::Next;
    }
    let step = match eights.pattern {
        Pattern::Same => 0,
        Pattern::Side => count,
    };
    for element in 0..count {
        let row = c.row_mut::<T>(i.r[element + 1]).as_chunks_mut::<8>().0;
        for (to, from) in row.iter_mut().zip(from) {
            let from = from.wrapping_add(element);
            if step == 0 {
                // SAFETY: the element of the eight, inside shared memory.
                *to = [unsafe { from.read_unaligned() }; 8];
                continue;
            }
            for lane in 0..(width & 32) / 4 {
                // SAFETY: the lane's element, inside shared memory.
                to[lane & 7] = unsafe { from.wrapping_add(lane * step).read_unaligned() };
            }
        }
    }
    Flow::Next
}

#[inline(always)]
fn deliver<T: Element>(c: &mut Context<'_>, i: &Inst, slot: usize, values: &[T; 32]) {
    let (width, signed, row) = (u32::from(i.m[WIDTH]), i.m[SIGNED] != 0, i.r[slot]);
    if width == T::SIZE {
        c.set(row, values);
        return;
    }
    match width {
        2 => c.set(
            row,
            &column!(c.width, l => values[l & 31].extend(signed) as u16),
        ),
        4 => c.set(
            row,
            &column!(c.width, l => values[l & 31].extend(signed) as u32),
        ),
        _ => c.set(row, &column!(c.width, l => values[l & 31].extend(signed))),
    }
}

/// `r[0]` is the address, `r[1..]` the sources; `a` has the bytes of an element.
pub struct Store<T, const SPACE: u8>(PhantomData<T>);

impl<T: Element, const SPACE: u8> Op for Store<T, SPACE> {
    #[inline(always)]
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        let (count, strong) = (u32::from(i.m[COUNT]), i.m[STRONG] != 0);
        let mut at = c.addresses(i.r[0], i.m[WIDE] != 0, i.imm);
        let contiguous = match c.resolve::<SPACE>(i, &mut at, T::SIZE * count, Kind::Write, strong)
        {
            Ok(contiguous) => contiguous,
            Err(flow) => return flow,
        };
        if c.level == level::FULL && strong {
            c.tell_flags(&at, i.m[STRONG], false);
        }
        let shadowed = c.level == level::FULL
            && (SPACE == spaces::SHARED
                || SPACE == spaces::ANY && at.iter().any(|a| c.is_shared(*a)));
        let mut left = if shadowed { c.active } else { 0 };
        if SPACE == spaces::SHARED && shadowed && !strong {
            let size = T::SIZE * count;
            left = match contiguous && c.shared_writes(i, at[0], size) {
                true => 0,
                false => c.shared_lanes(i, &at, size),
            };
        }
        if contiguous && count == 1 && left == 0 {
            let values = collect::<T>(c, i, 1);
            // SAFETY: `resolve` found 32 elements behind each other here (or checks are off).
            unsafe { (at[0] as *mut [T; 32]).write_unaligned(values) }
            return Flow::Next;
        }
        for element in 0..count {
            let values = collect::<T>(c, i, element as usize + 1);
            for lane in c.lanes() {
                let at = at[lane] + u64::from(element * T::SIZE);
                if left >> lane & 1 != 0
                    && c.is_shared(at)
                    && let Err(flow) = c.shared_write(i, lane, at, strong, values[lane].bytes())
                {
                    return flow;
                }
                // SAFETY: `resolve` found `count` elements at each executing lane's address (or checks are off).
                unsafe { (at as *mut T).write_unaligned(values[lane]) }
            }
        }
        Flow::Next
    }
}

#[inline(always)]
fn collect<T: Element>(c: &Context<'_>, i: &Inst, slot: usize) -> [T; 32] {
    let (width, row) = (u32::from(i.m[WIDTH]), i.r[slot]);
    if width == T::SIZE {
        return c.row::<T>(row).all();
    }
    match width {
        2 => column!(c.width, l => T::truncate(c.row::<u16>(row).get(l).into())),
        4 => column!(c.width, l => T::truncate(c.row::<u32>(row).get(l).into())),
        _ => column!(c.width, l => T::truncate(c.row::<u64>(row).get(l))),
    }
}

/// `ld.param` of a kernel's parameter: the same for all lanes. `imm` is the offset, `a` the element's size.
pub struct LoadParam;
impl Op for LoadParam {
    #[inline(always)]
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        let (size, signed) = (i.a as usize, i.m[SIGNED] != 0);
        for element in 0..usize::from(i.m[COUNT]) {
            let at = i.imm as usize + element * size;
            let mut bytes = [0; 16];
            let Some(source) = c.launch.params.get(at..at + size) else {
                return Flow::Next;
            };
            bytes[..size].copy_from_slice(source);
            let bits = u64::from_le_bytes([0, 1, 2, 3, 4, 5, 6, 7].map(|b| bytes[b]));
            let value = match size {
                1 => (bits as u8).extend(signed),
                2 => (bits as u16).extend(signed),
                4 => (bits as u32).extend(signed),
                _ => bits,
            };
            let row = i.r[element + 1];
            match i.m[WIDTH] {
                2 => c.set(row, &[value as u16; 32]),
                4 => c.set(row, &[value as u32; 32]),
                8 => c.set(row, &[value; 32]),
                _ => c.set(row, &[u128::from_le_bytes(bytes); 32]),
            }
        }
        Flow::Next
    }
}
