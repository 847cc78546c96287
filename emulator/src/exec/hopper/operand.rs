//! The operands of `wgmma`: bytes of registers, or pieces of shared memory.

use super::descriptor::{Descriptor, PIECE, ROW};
use super::product::A_ROWS;
use crate::check::FaultKind;
use crate::check::shared::Access;
use crate::exec::state::{Block, Context, Flow, Inst, Launch, Source, level};

/// Where in shared memory an operand lies.
#[derive(Clone, Copy)]
pub struct Matrix {
    pub descriptor: Descriptor,
    /// The first of the rows, and how many they are.
    pub first: u32,
    pub rows: u32,
    /// Whether they lie along the other dimension than k.
    pub turned: bool,
}

/// A's 16 rows of 32 bytes: register r of a lane has four bytes of row `lane / 4 + 8 (r % 2)`, from byte
/// `16 (r / 2) + 4 (lane % 4)` on ("Register Fragments", alike for all types).
pub fn from_registers(c: &Context<'_>, registers: &[u32]) -> Source {
    let mut out = vec![0; A_ROWS * ROW];
    for (r, row) in registers.iter().enumerate() {
        let values = c.row::<u32>(*row);
        for lane in 0..32 {
            let at = (lane / 4 + 8 * (r % 2)) * ROW + 16 * (r / 2) + 4 * (lane % 4);
            out[at..at + 4].copy_from_slice(&values.get(lane).to_le_bytes());
        }
    }
    Source::Bytes(out.into())
}

fn counts_readers(launch: &Launch<'_>) -> bool {
    launch.level == level::FULL && launch.options.checks.wgmma
}

/// An operand in shared memory, which a product of a group is to read on behalf of a warp.
pub fn from_shared(
    c: &mut Context<'_>,
    i: &Inst,
    matrix: Matrix,
    group: u32,
) -> Result<Source, Flow> {
    let Matrix {
        descriptor,
        first,
        rows,
        turned,
    } = matrix;
    let at: Vec<u32> = (0..rows * 2)
        .map(|n| descriptor.piece(first, rows, turned, n))
        .collect();
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
            if let Some(finding) = c.block.shadow.read_tensor(access, group, address, PIECE) {
                return Err(c.fail_shared(i, 0, false, address, PIECE, finding));
            }
            c.engine_reads(i, 0, address, PIECE)?;
        }
    }
    let rows = rows as usize;
    Ok(Source::Pieces { at, rows, turned })
}

impl Source {
    /// The Tensor Cores begin to read it.
    pub fn begin(&self, c: &mut Context<'_>, line: u32) {
        if let Source::Pieces { at, .. } = self
            && counts_readers(c.launch)
        {
            for address in at {
                c.block.readers.begin(*address, PIECE, line);
            }
        }
    }

    /// The Tensor Cores have read it.
    pub fn read(&mut self, block: &mut Block, launch: &Launch<'_>) {
        let Source::Pieces { at, rows, turned } = self else {
            return;
        };
        let mut out = vec![0; *rows * ROW];
        for (n, &address) in at.iter().enumerate() {
            let mut piece = [0u8; PIECE as usize];
            let host = block.shared_pointer(address);
            // SAFETY: the piece was found inside the block's shared memory when the product was started.
            unsafe { host.copy_to_nonoverlapping(piece.as_mut_ptr(), piece.len()) };
            if *turned {
                let (k, group) = (n / (*rows / 8), n % (*rows / 8));
                for (element, bytes) in piece.chunks(2).enumerate() {
                    let to = (8 * group + element) * ROW + 2 * k;
                    out[to..to + 2].copy_from_slice(bytes);
                }
            } else {
                out[16 * n..16 * n + 16].copy_from_slice(&piece);
            }
            if counts_readers(launch) {
                block.readers.end(address, PIECE);
            }
        }
        *self = Source::Bytes(out.into());
    }
}
