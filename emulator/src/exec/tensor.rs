//! `wmma` (PTX ISA, "Warp Level Matrix Multiply-Accumulate Instructions").
//!
//! The ISA leaves open which lane holds which element of a fragment. Here it is as `mma.m16n8k16` (and `m16n8k8` for
//! tf32) has it: the fragments of larger shapes are several of those, one after the other. Fragments of f16 have more
//! registers than elements; the rest repeat.

use super::access::{Kind, spaces};
use super::context::Context;
use super::half;
use super::handler::Op;
use super::inst::{Flow, Inst};

/// Which matrix, in `m[0]`.
pub mod matrix {
    pub const A: u8 = 0;
    pub const B: u8 = 1;
    pub const C: u8 = 2;
}

/// Types of elements, in `m[1]` (and `m[2]`, `m[3]` of `Multiply`).
pub mod element {
    pub const F16: u8 = 0;
    pub const BF16: u8 = 1;
    pub const TF32: u8 = 2;
    pub const F32: u8 = 3;
}

/// Shapes, in `m[5]`: m, n, k.
pub const SHAPES: [(&str, [usize; 3]); 4] = [
    ("m16n16k16", [16, 16, 16]),
    ("m32n8k16", [32, 8, 16]),
    ("m8n32k16", [8, 32, 16]),
    ("m16n16k8", [16, 16, 8]),
];

/// Elements in one register.
fn packed(ty: u8) -> usize {
    if ty == element::F16 || ty == element::BF16 {
        2
    } else {
        1
    }
}

/// Where the first element of each register lies, but for the lane's part: (row, column).
pub fn registers(which: u8, ty: u8, [m, n, k]: [usize; 3]) -> Vec<(usize, usize)> {
    let mut out = vec![];
    let half = k / 2;
    let rows = if m >= 16 { 2 } else { 1 };
    match which {
        matrix::A => {
            for block in 0..m.div_ceil(16) {
                for step in [0, half] {
                    out.extend((0..rows).map(|r| (16 * block + 8 * r, step)));
                }
            }
        }
        matrix::B => {
            for block in 0..n / 8 {
                out.extend([(0, 8 * block), (half, 8 * block)]);
            }
        }
        _ => {
            for block in 0..m.div_ceil(16) {
                for column in 0..n / 8 {
                    for r in 0..rows {
                        let at = (16 * block + 8 * r, 8 * column);
                        out.push(at);
                        if packed(ty) == 1 {
                            out.push((at.0, at.1 + 1));
                        }
                    }
                }
            }
        }
    }
    out
}

/// The row and column of element `e` of a register in a lane.
fn place(
    which: u8,
    ty: u8,
    (row, column): (usize, usize),
    lane: usize,
    e: usize,
) -> (usize, usize) {
    let (group, thread) = (lane / 4, lane % 4);
    match which {
        matrix::A => (row + group, column + packed(ty) * thread + e),
        matrix::B => (row + packed(ty) * thread + e, column + group),
        _ => (row + group, column + 2 * thread + e),
    }
}

/// `wmma.load`, `wmma.store`: registers in the pool at `a`, `m[6]` of them; `r[0]` the address, `r[1]` the stride;
/// `m[2]` column-major, `m[3]` a store, `m[4]` whether the address has 64 bits, `m[7]` an address in shared memory.
pub struct Transfer<const LEVEL: u8>;
impl<const LEVEL: u8> Op for Transfer<LEVEL> {
    #[inline(always)]
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        transfer::<LEVEL>(c, i)
    }
}

fn transfer<const LEVEL: u8>(c: &mut Context<'_>, i: &Inst) -> Flow {
    if let Some(flow) = whole_warp(c, i) {
        return flow;
    }
    let (which, ty, by_column, store) = (i.m[0], i.m[1], i.m[2] != 0, i.m[3] != 0);
    let bases = c.addresses(i.r[0], i.m[4] != 0, i.imm);
    let strides = c.row::<u32>(i.r[1]).all();
    let (size, pack) = (if packed(ty) == 2 { 2 } else { 4 }, packed(ty));
    let list = registers(which, ty, SHAPES[usize::from(i.m[5])].1);
    for (n, at) in list.iter().enumerate() {
        let mut words = [0u32; 32];
        for e in 0..pack {
            let mut found = std::array::from_fn(|lane| {
                let (row, column) = place(which, ty, *at, lane, e);
                let (outer, inner) = if by_column {
                    (column, row)
                } else {
                    (row, column)
                };
                bases[lane]
                    .wrapping_add((outer as u64 * u64::from(strides[lane]) + inner as u64) * size)
            });
            let kind = if store { Kind::Write } else { Kind::Read };
            let resolved = if i.m[7] != 0 {
                c.resolve::<{ spaces::SHARED }, LEVEL>(i, &mut found, size as u32, kind, false)
            } else {
                c.resolve::<{ spaces::GENERIC }, LEVEL>(i, &mut found, size as u32, kind, false)
            };
            if let Err(flow) = resolved {
                return flow;
            }
            if store {
                let row = c.launch.program.pool[i.a as usize + n];
                if let Err(flow) = put(
                    c,
                    i,
                    row,
                    &found,
                    size,
                    e,
                    LEVEL == super::inst::level::FULL,
                ) {
                    return flow;
                }
                continue;
            }
            for (word, host) in words.iter_mut().zip(found) {
                // SAFETY: `resolve` found `size` bytes at each lane's address (or checks are off).
                *word |= unsafe {
                    if size == 2 {
                        u32::from((host as *const u16).read_unaligned()) << (16 * e)
                    } else {
                        (host as *const u32).read_unaligned()
                    }
                };
            }
        }
        if !store {
            // fragments of f16 repeat
            for copy in (n..usize::from(i.m[6])).step_by(list.len()) {
                let row = c.launch.program.pool[i.a as usize + copy];
                c.set(row, &words);
            }
        }
    }
    Flow::Next
}

fn put(
    c: &mut Context<'_>,
    i: &Inst,
    row: u32,
    at: &[u64; 32],
    size: u64,
    e: usize,
    tracked: bool,
) -> Result<(), Flow> {
    let words = c.row::<u32>(row).all();
    for (lane, word) in words.iter().enumerate() {
        let bytes = (word >> (16 * e)).to_le_bytes();
        let bytes = &bytes[..size as usize];
        if tracked && c.is_shared(at[lane]) {
            c.shared_write(i, lane, at[lane], false, bytes)?;
        }
        // SAFETY: `resolve` found `size` bytes at each lane's address (or checks are off).
        unsafe { (at[lane] as *mut u8).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) }
    }
    Ok(())
}

/// `.aligned`: all lanes execute it together.
fn whole_warp(c: &mut Context<'_>, i: &Inst) -> Option<Flow> {
    if c.active == u32::MAX {
        return None;
    }
    let lane = c.first_lane();
    let what = format!(
        "A matrix instruction executed by lanes 0x{:08x} only",
        c.active
    );
    Some(c.fail(i, lane, crate::check::FaultKind::LaunchFailed, &what, &[]))
}

/// `wmma.mma`: in the pool at `a` the registers of d, a, b and c, whose numbers are in `imm`'s bytes. `m[1]` is the
/// type of a and b, `m[2]` that of d, `m[3]` that of c.
pub struct Multiply;
impl Op for Multiply {
    #[inline(always)]
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        if let Some(flow) = whole_warp(c, i) {
            return flow;
        }
        let [m, n, k] = SHAPES[usize::from(i.m[5])].1;
        let counts = i.imm.to_le_bytes().map(usize::from);
        let start = |part: usize| i.a as usize + counts[..part].iter().sum::<usize>();
        let mut a = [0f32; 32 * 16];
        let mut b = [0f32; 16 * 32];
        let mut sum = [0f32; 256];
        gather(c, matrix::A, i.m[1], i, start(1), k, &mut a);
        gather(c, matrix::B, i.m[1], i, start(2), n, &mut b);
        gather(c, matrix::C, i.m[3], i, start(3), n, &mut sum);
        for row in 0..m {
            for step in 0..k {
                let x = a[row * k + step];
                for (s, y) in sum[row * n..][..n].iter_mut().zip(&b[step * n..][..n]) {
                    *s = x.mul_add(*y, *s);
                }
            }
        }
        scatter(c, i.m[2], i, start(0), n, &sum);
        Flow::Next
    }
}

fn widen(ty: u8, word: u32, e: usize) -> f32 {
    match ty {
        element::F16 => half::widen_f16((word >> (16 * e)) as u16),
        element::BF16 => half::widen_bf16((word >> (16 * e)) as u16),
        // the low 13 bits of a tf32 do not count
        element::TF32 => f32::from_bits(word & !0x1FFF),
        _ => f32::from_bits(word),
    }
}

/// A fragment's elements, row by row.
fn gather(
    c: &Context<'_>,
    which: u8,
    ty: u8,
    i: &Inst,
    pool: usize,
    columns: usize,
    out: &mut [f32],
) {
    for (n, at) in registers(which, ty, SHAPES[usize::from(i.m[5])].1)
        .into_iter()
        .enumerate()
    {
        let words = c.row::<u32>(c.launch.program.pool[pool + n]).all();
        for (lane, word) in words.into_iter().enumerate() {
            for e in 0..packed(ty) {
                let (row, column) = place(which, ty, at, lane, e);
                out[row * columns + column] = widen(ty, word, e);
            }
        }
    }
}

fn scatter(c: &mut Context<'_>, ty: u8, i: &Inst, pool: usize, columns: usize, from: &[f32]) {
    for (n, at) in registers(matrix::C, ty, SHAPES[usize::from(i.m[5])].1)
        .into_iter()
        .enumerate()
    {
        let words = std::array::from_fn(|lane| {
            let value = |e| {
                let (row, column) = place(matrix::C, ty, at, lane, e);
                from[row * columns + column]
            };
            if ty == element::F16 {
                u32::from(half::narrow_f16(value(1))) << 16 | u32::from(half::narrow_f16(value(0)))
            } else {
                super::float::output::<false, false>(value(0)).to_bits()
            }
        });
        let row = c.launch.program.pool[pool + n];
        c.set::<u32>(row, &words);
    }
}
