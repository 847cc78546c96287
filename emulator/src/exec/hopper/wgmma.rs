//! `wgmma` (PTX ISA, "Asynchronous Warpgroup Level Matrix Multiply-Accumulate").
//!
//! A warp of the warpgroup owns 16 rows of A and D and sees all of B, so that each computes for itself. The product
//! is made when it is waited for, the latest that hardware may; shared memory is read then, registers of A at once.

use super::descriptor::{Descriptor, PIECE, ROW};
use super::product::{A_ROWS, Form, multiply};
use crate::check::FaultKind;
use crate::check::shared::Access;
use crate::exec::context::Context;
use crate::exec::handler::Op;
use crate::exec::inst::{Flow, Inst, NONE, level};
use crate::exec::tensor::whole_warp;
use crate::exec::warp::Frame;

/// Modifier bytes.
pub mod modifier {
    /// n / 8.
    pub const COLUMNS: usize = 0;
    /// Number of the `Form`.
    pub const FORM: usize = 1;
    /// The factors' signs: bit 0 for A, bit 1 for B.
    pub const NEGATED: usize = 2;
    /// Operands that lie along the other dimension than k: bit 0 for A, bit 1 for B.
    pub const TURNED: usize = 3;
    /// Registers of D.
    pub const REGISTERS: usize = 4;
    /// Whether A is in registers.
    pub const A_IN_REGISTERS: usize = 5;
    /// Whether integers saturate.
    pub const SATURATE: usize = 6;
}
use modifier::*;

/// An operand: its bytes, or where its pieces lie.
enum Source {
    Bytes(Vec<u8>),
    Pieces { at: Vec<u32>, turned: bool },
}

/// A product that nobody has waited for.
struct Pending {
    group: u32,
    a: Source,
    b: Source,
    /// Rows of D's registers, and the frame they are in.
    d: Vec<u32>,
    frame: Frame,
    form: Form,
    columns: usize,
    accumulates: bool,
    negated: u8,
    saturate: bool,
    line: u32,
}

/// The products of a warp on their way.
#[derive(Default)]
pub struct Products {
    pending: Vec<Pending>,
    committed: u32,
    fenced: bool,
}

impl Products {
    pub fn clear(&mut self) {
        self.pending.clear();
        self.committed = 0;
        self.fenced = false;
    }

    /// The line of a product on its way that has one of these rows of a frame.
    pub fn holds(&self, frame: Frame, rows: &[u32]) -> Option<u32> {
        let found = self
            .pending
            .iter()
            .find(|p| p.frame == frame && p.d.iter().any(|row| rows.contains(row)))?;
        Some(found.line)
    }
}

/// `wgmma.fence`
pub struct WgmmaFence;
impl Op for WgmmaFence {
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        if let Some(flow) = whole_warp(c, i) {
            return flow;
        }
        c.warp.products.fenced = true;
        Flow::Next
    }
}

/// `wgmma.commit_group`
pub struct WgmmaCommit;
impl Op for WgmmaCommit {
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        if let Some(flow) = whole_warp(c, i) {
            return flow;
        }
        c.warp.products.committed += 1;
        Flow::Next
    }
}

/// `wgmma.mma_async`. `r`: descriptor of A, descriptor of B, whether D is added to; in the pool from `a`: registers of
/// D, then those of A.
pub struct Multiply;
impl Op for Multiply {
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        if let Some(flow) = whole_warp(c, i) {
            return flow;
        }
        match start(c, i) {
            Ok(pending) => {
                c.warp.products.pending.push(pending);
                Flow::Next
            }
            Err(flow) => flow,
        }
    }
}

fn start(c: &mut Context<'_>, i: &Inst) -> Result<Pending, Flow> {
    let checks = c.launch.options.checks;
    let warpgroup = c.warp.index / 4 * 128;
    if checks.wgmma && warpgroup + 128 > c.launch.threads {
        let what = "wgmma in a warpgroup of less than four warps";
        return Err(c.fail(i, 0, FaultKind::LaunchFailed, what, &[]));
    }
    if checks.wgmma && !c.warp.products.fenced {
        let what = "wgmma.mma_async with no wgmma.fence before";
        return Err(c.fail(i, 0, FaultKind::LaunchFailed, what, &[]));
    }
    let program = c.launch.program;
    let (pool, registers) = (i.a as usize, usize::from(i.m[REGISTERS]));
    let d = program.pool[pool..pool + registers].to_vec();
    let rows = c.warp.index % 4 * A_ROWS as u32;
    let a = if i.m[A_IN_REGISTERS] != 0 {
        let regs = &program.pool[pool + registers..pool + registers + 4];
        Source::Bytes(from_registers(c, regs))
    } else {
        operand(c, i, i.r[0], (rows, A_ROWS as u32), i.m[TURNED] & 1 != 0)?
    };
    let columns = 8 * usize::from(i.m[COLUMNS]);
    let b = operand(c, i, i.r[1], (0, columns as u32), i.m[TURNED] & 2 != 0)?;
    Ok(Pending {
        group: c.warp.products.committed,
        a,
        b,
        d,
        frame: c.warp.frame,
        form: Form::of(i.m[FORM]),
        columns,
        accumulates: i.r[2] == NONE || c.predicate(i.r[2]) & 1 != 0,
        negated: i.m[NEGATED],
        saturate: i.m[SATURATE] != 0,
        line: i.line,
    })
}

/// A's 16 rows of 32 bytes: register r of a lane has four bytes of row `lane / 4 + 8 (r % 2)`, from byte
/// `16 (r / 2) + 4 (lane % 4)` on ("Register Fragments", alike for all types).
fn from_registers(c: &Context<'_>, registers: &[u32]) -> Vec<u8> {
    let mut out = vec![0; A_ROWS * ROW];
    for (r, row) in registers.iter().enumerate() {
        let values = c.row::<u32>(*row);
        for lane in 0..32 {
            let at = (lane / 4 + 8 * (r % 2)) * ROW + 16 * (r / 2) + 4 * (lane % 4);
            out[at..at + 4].copy_from_slice(&values.get(lane).to_le_bytes());
        }
    }
    out
}

/// The pieces of an operand in shared memory, which the Tensor Cores begin to read.
fn operand(
    c: &mut Context<'_>,
    i: &Inst,
    register: u32,
    (first, rows): (u32, u32),
    turned: bool,
) -> Result<Source, Flow> {
    let descriptor = Descriptor::new(c.row::<u64>(register).get(0));
    let at: Vec<u32> = (0..rows * 2)
        .map(|n| descriptor.piece(first, rows, turned, n))
        .collect();
    let checks = c.launch.options.checks;
    for &address in &at {
        if address + PIECE > c.block.shared_bytes {
            let end = c.block.shared_bytes;
            let what = "Invalid __shared__ read of a matrix by wgmma";
            let more = [
                format!("Address 0x{address:x} is out of bounds: there are {end} bytes"),
                format!("{descriptor:x?}"),
            ];
            return Err(c.fail(i, 0, FaultKind::IllegalAddress, what, &more));
        }
        if c.launch.level == level::FULL {
            let access = Access {
                thread: c.thread(0),
                strong: false,
                line: i.line,
            };
            if let Some(finding) = c.block.shadow.read_async(access, address, PIECE) {
                return Err(c.fail_shared(i, 0, false, address, PIECE, finding));
            }
            if checks.wgmma {
                c.block.readers.begin(address, PIECE, i.line);
            }
        }
    }
    Ok(Source::Pieces { at, turned })
}

/// Rows of 32 bytes along k.
fn gather(c: &mut Context<'_>, source: Source, rows: usize) -> Vec<u8> {
    let (at, turned) = match source {
        Source::Bytes(bytes) => return bytes,
        Source::Pieces { at, turned } => (at, turned),
    };
    let mut out = vec![0; rows * ROW];
    for (n, &address) in at.iter().enumerate() {
        let mut piece = [0u8; PIECE as usize];
        let host = c.block.shared_pointer(address);
        // SAFETY: the piece was found inside the block's shared memory when the product was started.
        unsafe { host.copy_to_nonoverlapping(piece.as_mut_ptr(), piece.len()) };
        if turned {
            let (k, group) = (n / (rows / 8), n % (rows / 8));
            for (element, bytes) in piece.chunks(2).enumerate() {
                let to = (8 * group + element) * ROW + 2 * k;
                out[to..to + 2].copy_from_slice(bytes);
            }
        } else {
            out[16 * n..16 * n + 16].copy_from_slice(&piece);
        }
        if c.launch.level == level::FULL && c.launch.options.checks.wgmma {
            c.block.readers.end(address, PIECE);
        }
    }
    out
}

/// `wgmma.wait_group imm`: all but the last `imm` groups.
pub struct WgmmaWait;
impl Op for WgmmaWait {
    #[inline(always)]
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        if let Some(flow) = whole_warp(c, i) {
            return flow;
        }
        let (most, committed) = (i.imm as u32, c.warp.products.committed);
        let pending = std::mem::take(&mut c.warp.products.pending);
        let (done, later): (Vec<_>, Vec<_>) = pending
            .into_iter()
            .partition(|p| p.group + most < committed);
        c.warp.products.pending = later;
        for product in done {
            let a = gather(c, product.a, A_ROWS);
            let b = gather(c, product.b, product.columns);
            let mut rows: Vec<*mut u32> = vec![];
            for row in &product.d {
                rows.push(c.warp.row_of(product.frame, *row).cast());
            }
            let mut sums = vec![0u32; rows.len() * 32];
            if product.accumulates {
                for (row, sums) in rows.iter().zip(sums.chunks_mut(32)) {
                    // SAFETY: the decoder placed a row of 32 words at this offset of the frame, which is in use.
                    unsafe { row.copy_to_nonoverlapping(sums.as_mut_ptr(), 32) };
                }
            }
            multiply(
                product.form,
                &a,
                &b,
                product.negated,
                product.saturate,
                c.launch.options.sums_backward,
                &mut sums,
            );
            for (row, sums) in rows.iter().zip(sums.chunks(32)) {
                // SAFETY: as above.
                unsafe { row.copy_from_nonoverlapping(sums.as_ptr(), 32) };
            }
        }
        Flow::Next
    }
}
