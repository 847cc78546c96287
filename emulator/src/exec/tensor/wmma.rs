//! `wmma.load` and `wmma.store` ("Matrix Storage for WMMA").
//!
//! The warp moves the matrix in 32 or 64 pieces of up to 16 bytes, a piece to a lane and pass, whatever the fragment's
//! layout. A piece is aligned to its size: less than the ISA asks of rows (the fragment's size), and what CUDA C++ asks
//! ("ldm must be a multiple of 8 for __half", which is 16 bytes).

use super::blocks::{Plain, gather, join, recast, scatter, split};
use super::converge::{reach, whole_warp};
use super::dense::{Dense, MOST_BYTES, Shape, form, modifier};
use super::numbers::Rows;
use crate::check::FaultKind;
use crate::exec::handler::Op;
use crate::exec::state::{Context, Flow, Inst, Kind, Lane, level, spaces};

/// The matrix's pieces: pass by pass their addresses, checked, and where each lies in the dense matrix.
#[inline(always)]
fn each_pass(
    c: &mut Context<'_>,
    i: &Inst,
    shape: &Shape,
    kind: Kind,
    mut pass: impl FnMut(&mut Context<'_>, [u64; 32], usize, usize) -> Result<(), Flow>,
) -> Result<(), Flow> {
    let base = c.addresses(i.r[0], i.m[modifier::WIDE] != 0, i.imm);
    let stride = c.row::<u32>(i.r[1]);
    let first = c.first_lane();
    if c.level != level::PLAIN {
        for lane in c.lanes() {
            if base[lane] != base[first] || stride.get(lane) != stride.get(first) {
                let what = "The lanes of a warp do not agree where a wmma matrix lies";
                let more = [format!(
                    "Address 0x{:x} and 0x{:x}",
                    base[first], base[lane]
                )];
                return Err(c.fail(i, lane, FaultKind::LaunchFailed, what, &more));
            }
        }
    }
    let piece = piece(shape);
    for start in (0..shape.bytes()).step_by(32 * piece) {
        let at = pass_at(c, i, shape, start);
        let found = reach(c, i, at, piece as u32, kind)?;
        pass(c, found, start, piece)?;
    }
    Ok(())
}

/// Bytes that a lane moves in a pass.
#[inline(always)]
pub fn piece(shape: &Shape) -> usize {
    (shape.bytes() / 32).min(16)
}

/// The addresses of the pieces of the pass that begins at `start` in the dense matrix.
#[inline(always)]
pub fn pass_at(c: &Context<'_>, i: &Inst, shape: &Shape, start: usize) -> [u64; 32] {
    let first = c.first_lane();
    let base = c.addresses(i.r[0], i.m[modifier::WIDE] != 0, i.imm)[first];
    let stride = c.row::<u32>(i.r[1]).get(first);
    let pitch = u64::from(stride) * u64::from(i.m[modifier::BITS]) / 8;
    let (piece, line) = (piece(shape), shape.line() * shape.unit_bytes);
    let mut at = [0; 32];
    for (lane, at) in at.iter_mut().enumerate() {
        let offset = start + lane * piece;
        *at = base.wrapping_add((offset / line) as u64 * pitch + (offset % line) as u64);
    }
    at
}

/// Calls `f` with the place of every block, as lanes' addresses and the bytes of each. A GPU moves a fragment so: lines of
/// blocks in order, whatever share of them a lane has.
pub fn accesses(c: &Context<'_>, i: &Inst, mut f: impl FnMut([u64; 32], u32, u32)) {
    let shape = Shape::of(i);
    let first = c.first_lane();
    let base = c.addresses(i.r[0], i.m[modifier::WIDE] != 0, i.imm)[first];
    let stride = c.row::<u32>(i.r[1]).get(first);
    let pitch = u64::from(stride) * u64::from(i.m[modifier::BITS]) / 8;
    let (lines, units) = if shape.along {
        (8, shape.row)
    } else {
        (shape.row, 8)
    };
    let line = units * shape.unit_bytes;
    let piece = line.min(16);
    for row in 0..shape.rows {
        for depth in 0..shape.depth {
            let (down, right) = if shape.along {
                (row, depth)
            } else {
                (depth, row)
            };
            let corner = base + (down * lines) as u64 * pitch + (right * line) as u64;
            let pieces = lines * line / piece;
            let at = std::array::from_fn(|lane| {
                let offset = lane % pieces * piece;
                corner + (offset / line) as u64 * pitch + (offset % line) as u64
            });
            f(at, u32::MAX >> (32 - pieces), piece as u32);
        }
    }
}

/// `wmma.load`: `r[0]` is the address, `r[1]` the stride, the pool has the destinations from `a` on.
pub struct Load;

impl Op for Load {
    #[inline(always)]
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        if let Some(flow) = whole_warp(c, i) {
            return flow;
        }
        let shape = Shape::of(i);
        let mut dense = Dense([0; MOST_BYTES]);
        let done = each_pass(c, i, &shape, Kind::Read, |_, found, start, piece| {
            let to = dense.0[start..start + 32 * piece].as_mut_ptr();
            for (lane, at) in found.iter().enumerate() {
                // SAFETY: `reach` found `piece` bytes at each address (or checks are off); the slice above has 32
                // pieces.
                unsafe { copy_piece(to.add(lane * piece), *at as *const u8, piece) };
            }
            Ok(())
        });
        if let Err(flow) = done {
            return flow;
        }
        to_registers(c, i, &shape, &dense);
        Flow::Next
    }
}

/// The matrix into the fragment.
#[inline(always)]
pub fn to_registers(c: &mut Context<'_>, i: &Inst, shape: &Shape, dense: &Dense) {
    match i.m[modifier::FORM] & 7 {
        form::BYTES => deliver::<u8, 16, u32>(c, i, shape, dense),
        form::HALVES => deliver::<u16, 8, u32>(c, i, shape, dense),
        form::WORDS => deliver::<u32, 4, u32>(c, i, shape, dense),
        form::DOUBLES => deliver::<u64, 4, u64>(c, i, shape, dense),
        form::WORD_PAIRS => deliver_pairs::<u32>(c, i, shape, dense),
        _ => deliver_pairs::<u64>(c, i, shape, dense),
    }
}

/// A fragment with one register to a block; where there are more registers, the blocks repeat.
#[inline(always)]
fn deliver<T: Plain, const P: usize, R: Lane + Plain>(
    c: &mut Context<'_>,
    i: &Inst,
    shape: &Shape,
    dense: &Dense,
) where
    [T; P]: Default,
{
    let registers = usize::from(i.m[modifier::REGISTERS]);
    for row in 0..shape.rows {
        for depth in 0..shape.depth {
            let (number, place) = shape.block(row, depth);
            let block: Rows<T, P> = gather(dense.units::<T>(), place);
            let values: [R; 32] = recast(&block);
            for register in (number..registers).step_by(shape.rows * shape.depth) {
                c.set(c.launch.program.pool[i.a as usize + register], &values);
            }
        }
    }
}

/// A fragment with two registers to a block.
#[inline(always)]
fn deliver_pairs<T: Lane + Plain>(c: &mut Context<'_>, i: &Inst, shape: &Shape, dense: &Dense) {
    for row in 0..shape.rows {
        for depth in 0..shape.depth {
            let (number, place) = shape.block(row, depth);
            let block: Rows<T, 8> = gather(dense.units::<T>(), place);
            for (half, values) in split(&block).iter().enumerate() {
                c.set(
                    c.launch.program.pool[i.a as usize + 2 * number + half],
                    values,
                );
            }
        }
    }
}

/// `wmma.store`: `r[0]` is the address, `r[1]` the stride, the pool has the sources from `a` on.
pub struct Store;

impl Op for Store {
    #[inline(always)]
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        if let Some(flow) = whole_warp(c, i) {
            return flow;
        }
        let shape = Shape::of(i);
        let mut dense = Dense([0; MOST_BYTES]);
        of_registers(c, i, &shape, &mut dense);
        let done = each_pass(c, i, &shape, Kind::Write, |c, found, start, piece| {
            for (lane, at) in found.iter().enumerate() {
                let from = &dense.0[start + lane * piece..][..piece];
                if c.level == level::FULL
                    && i.m[spaces::SAID] != spaces::GLOBAL
                    && c.is_shared(*at)
                    && let Err(flow) = c.shared_write(i, lane, *at, false, from)
                {
                    return Err(flow);
                }
                // SAFETY: `reach` found `piece` bytes at each address (or checks are off).
                unsafe { copy_piece(*at as *mut u8, from.as_ptr(), piece) };
            }
            Ok(())
        });
        match done {
            Ok(()) => Flow::Next,
            Err(flow) => flow,
        }
    }
}

/// The fragment into the matrix.
#[inline(always)]
pub fn of_registers(c: &Context<'_>, i: &Inst, shape: &Shape, dense: &mut Dense) {
    match i.m[modifier::FORM] & 7 {
        form::HALVES => collect(c, i, shape, dense),
        form::WORD_PAIRS => collect_pairs::<u32>(c, i, shape, dense),
        _ => collect_pairs::<u64>(c, i, shape, dense),
    }
}

/// The matrix of accumulators of 16 bits.
#[inline(always)]
fn collect(c: &Context<'_>, i: &Inst, shape: &Shape, dense: &mut Dense) {
    for row in 0..shape.rows {
        for depth in 0..shape.depth {
            let (number, place) = shape.block(row, depth);
            let values = c
                .row::<u32>(c.launch.program.pool[i.a as usize + number])
                .all();
            let block: Rows<u16, 8> = recast(&values);
            scatter(dense.units_mut::<u16>(), place, &block);
        }
    }
}

/// The matrix of accumulators of two registers to a block.
#[inline(always)]
fn collect_pairs<T: Lane + Plain>(c: &Context<'_>, i: &Inst, shape: &Shape, dense: &mut Dense) {
    for row in 0..shape.rows {
        for depth in 0..shape.depth {
            let (number, place) = shape.block(row, depth);
            let at = i.a as usize + 2 * number;
            let register = |half: usize| c.row::<T>(c.launch.program.pool[at + half]).all();
            let block = join(&register(0), &register(1));
            scatter(dense.units_mut::<T>(), place, &block);
        }
    }
}

/// Copies a piece: of known sizes, so that it is one move.
///
/// # Safety
/// Both places have `bytes` bytes, and do not overlap.
#[inline(always)]
unsafe fn copy_piece(to: *mut u8, from: *const u8, bytes: usize) {
    // SAFETY: the caller's.
    unsafe {
        match bytes {
            16 => to.copy_from_nonoverlapping(from, 16),
            8 => to.copy_from_nonoverlapping(from, 8),
            _ => to.copy_from_nonoverlapping(from, bytes),
        }
    }
}
