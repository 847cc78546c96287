//! `ldmatrix`, `stmatrix`, `movmatrix`: matrices of 8 x 8 elements of 16 bits.

use super::blocks::recast;
use super::converge::{reach, whole_warp};
use super::numbers::{Rows, transpose};
use crate::check::FaultKind;
use crate::exec::handler::Op;
use crate::exec::state::{Context, Flow, Inst, Kind, level, space, spaces};

/// Modifier bytes.
pub mod modifier {
    /// Matrices.
    pub const COUNT: usize = 0;
    /// Whether rows and columns change places.
    pub const TRANS: usize = 1;
    /// Whether the address register has 64 bits.
    pub const WIDE: usize = 2;
}
use modifier::{COUNT, TRANS, WIDE};

/// Bytes of a row.
const ROW: u32 = 16;

/// The register of the matrix whose rows are this one's columns.
#[inline(always)]
pub fn transposed(register: &[u32; 32]) -> [u32; 32] {
    let rows: Rows<u16, 8> = recast(register);
    recast(&transpose(&rows))
}

/// The rows' addresses as the instruction has them, and how many matrices there are.
pub fn addresses(c: &Context<'_>, i: &Inst) -> ([u64; 32], usize) {
    let at = c.addresses(i.r[0], i.m[WIDE] != 0, i.imm);
    (at, i.m[COUNT].into())
}

/// The rows' addresses: lane 8 j + r has row r of matrix j. Rows must be aligned to their 16 bytes.
#[inline(always)]
fn rows(c: &mut Context<'_>, i: &Inst, kind: Kind) -> Result<[u64; 32], Flow> {
    let mut at = c.addresses(i.r[0], i.m[WIDE] != 0, i.imm);
    let lanes = 8 * usize::from(i.m[COUNT]);
    let first = at[0];
    at[lanes..].fill(first);
    if i.m[spaces::SAID] == spaces::GENERIC
        && let Some(lane) = at.iter().position(|a| a & space::WINDOW != space::SHARED)
    {
        let more = [format!("Address 0x{:x} is not in shared memory", at[lane])];
        return Err(c.fail(
            i,
            lane,
            FaultKind::IllegalAddress,
            "Invalid matrix row",
            &more,
        ));
    }
    if c.level != level::PLAIN {
        let active = c.active;
        c.active = u32::MAX >> (32 - lanes);
        let found = reach(c, i, at, ROW, kind);
        c.active = active;
        found?;
    }
    Ok(at)
}

/// The four bytes that each lane has of matrix `j`: a group of four lanes has a row.
#[inline(always)]
pub fn pieces(rows: &[u64; 32], j: usize) -> [u64; 32] {
    let mut out = [0; 32];
    for (lane, at) in out.iter_mut().enumerate() {
        *at = rows[8 * j + lane / 4] + 4 * (lane as u64 % 4);
    }
    out
}

/// `ldmatrix`: `r[0]` is the address, `r[1..]` the destinations.
pub struct LoadMatrix;

impl Op for LoadMatrix {
    #[inline(always)]
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        if let Some(flow) = whole_warp(c, i) {
            return flow;
        }
        let rows = match rows(c, i, Kind::Read) {
            Ok(rows) => rows,
            Err(flow) => return flow,
        };
        let mut values = [[0u32; 32]; 4];
        let count = usize::from(i.m[COUNT]);
        for (j, values) in values.iter_mut().enumerate().take(count) {
            let found = match reach(c, i, pieces(&rows, j), 4, Kind::Read) {
                Ok(found) => found,
                Err(flow) => return flow,
            };
            for (value, at) in values.iter_mut().zip(&found) {
                // SAFETY: `reach` found four bytes at each lane's address (or checks are off).
                *value = unsafe { (*at as *const u32).read_unaligned() };
            }
        }
        for (j, values) in values.iter().enumerate().take(count) {
            let values = if i.m[TRANS] != 0 {
                transposed(values)
            } else {
                *values
            };
            c.set(i.r[j + 1], &values);
        }
        Flow::Next
    }
}

/// `stmatrix`: `r[0]` is the address, `r[1..]` the sources.
pub struct StoreMatrix;

impl Op for StoreMatrix {
    #[inline(always)]
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        if let Some(flow) = whole_warp(c, i) {
            return flow;
        }
        let rows = match rows(c, i, Kind::Write) {
            Ok(rows) => rows,
            Err(flow) => return flow,
        };
        for j in 0..usize::from(i.m[COUNT]) {
            let mut values = c.row::<u32>(i.r[j + 1]).all();
            if i.m[TRANS] != 0 {
                values = transposed(&values);
            }
            let found = match reach(c, i, pieces(&rows, j), 4, Kind::Write) {
                Ok(found) => found,
                Err(flow) => return flow,
            };
            for (lane, (at, value)) in found.iter().zip(values).enumerate() {
                if c.level == level::FULL
                    && let Err(flow) = c.shared_write(i, lane, *at, false, &value.to_le_bytes())
                {
                    return flow;
                }
                // SAFETY: `reach` found four bytes at each lane's address (or checks are off).
                unsafe { (*at as *mut u32).write_unaligned(value) };
            }
        }
        Flow::Next
    }
}

/// `movmatrix`: a matrix transposed in registers.
pub struct MoveMatrix;

impl Op for MoveMatrix {
    #[inline(always)]
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        if let Some(flow) = whole_warp(c, i) {
            return flow;
        }
        let values = c.row::<u32>(i.r[1]).all();
        c.set(i.r[0], &transposed(&values));
        Flow::Next
    }
}
