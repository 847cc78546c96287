//! `wgmma` (PTX ISA, "Asynchronous Warpgroup Level Matrix Multiply-Accumulate").
//!
//! A warp of the warpgroup owns 16 rows of A and D and sees all of B, so that each computes for itself, when it waits:
//! the latest that hardware may. Shared memory is read for all four at once (see `warpgroup`), registers of A where the
//! product is started.

use super::descriptor::Descriptor;
use super::operand::{Matrix, from_registers, from_shared};
use super::product::{A_ROWS, Form, multiply};
use crate::check::FaultKind;
use crate::check::shared::WARPS;
use crate::exec::handler::Op;
use crate::exec::state::{Context, Flow, Identity, Inst, NONE, Pending, Wait, level};
use crate::exec::tensor::whole_warp;

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
        c.commit_products();
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
    let index = c.warp.index as usize;
    let (warpgroup, warp) = (index / WARPS, index % WARPS);
    let fail = |c: &mut Context<'_>, what: &str, more: &[String]| {
        Err(c.fail(i, 0, FaultKind::LaunchFailed, what, more))
    };
    if checks.wgmma && c.launch.threads < 32 * WARPS as u32 * (warpgroup as u32 + 1) {
        return fail(c, "wgmma in a warpgroup of less than four warps", &[]);
    }
    if checks.wgmma && !c.warp.products.fenced {
        return fail(c, "wgmma.mma_async with no wgmma.fence before", &[]);
    }
    let program = c.launch.program;
    let (pool, registers) = (i.a as usize, usize::from(i.m[REGISTERS]));
    let d = program.pool[pool..pool + registers].to_vec();
    let in_registers = i.m[A_IN_REGISTERS] != 0;
    let bits = |register: u32| c.row::<u64>(register).get(0);
    let descriptors = [if in_registers { 0 } else { bits(i.r[0]) }, bits(i.r[1])];
    let (group, other) = c.block.warpgroups[warpgroup].next(warp);
    let identity = Identity {
        inst: std::ptr::from_ref(i) as usize,
        descriptors,
        line: i.line,
        group,
    };
    // of different shapes nothing could be made, checked or not
    if let Some(other) = other
        && other != identity
        && (checks.wgmma || other.inst != identity.inst)
    {
        let what = "The warps of a warpgroup start different products of wgmma";
        let of = |one: Identity| {
            let [a, b] = one.descriptors;
            format!("descriptors 0x{a:x} and 0x{b:x}, group {}", one.group)
        };
        let more = [
            format!("this one: {}", of(identity)),
            format!("another warp's, at PTX line {}: {}", other.line, of(other)),
        ];
        return fail(c, what, &more);
    }
    let a = if in_registers {
        from_registers(c, &program.pool[pool + registers..pool + registers + 4])
    } else {
        let rows = Matrix {
            descriptor: Descriptor::new(descriptors[0]),
            first: (warp * A_ROWS) as u32,
            rows: A_ROWS as u32,
            turned: i.m[TURNED] & 1 != 0,
        };
        from_shared(c, i, rows, group)?
    };
    let columns = Matrix {
        descriptor: Descriptor::new(descriptors[1]),
        first: 0,
        rows: 8 * u32::from(i.m[COLUMNS]),
        turned: i.m[TURNED] & 2 != 0,
    };
    // every warp must be behind the writes of B, the Tensor Cores read it once
    let b = from_shared(c, i, columns, group)?;
    a.begin(c, i.line);
    let b = other.is_none().then_some(b);
    if let Some(b) = &b {
        b.begin(c, i.line);
    }
    Ok(Pending {
        number: c.block.warpgroups[warpgroup].begin(warp, identity, a, b),
        group,
        d,
        frame: c.warp.frame,
        form: i.m[FORM],
        accumulates: i.r[2] == NONE || c.predicate(i.r[2]) & 1 != 0,
        negated: i.m[NEGATED],
        saturate: i.m[SATURATE] != 0,
        line: i.line,
    })
}

/// `wgmma.wait_group imm`: all but the last `imm` groups.
pub struct WgmmaWait;
impl Op for WgmmaWait {
    #[inline(always)]
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        if let Some(flow) = whole_warp(c, i) {
            return flow;
        }
        let index = c.warp.index as usize;
        let (warpgroup, warp) = (index / WARPS, index % WARPS);
        let groups = c.block.warpgroups[warpgroup].due(warp, i.imm as u32);
        if !c.block.read_operands(warpgroup, groups, c.launch) {
            let wait = Wait::Warpgroup { line: i.line };
            let active = c.active;
            c.warp.park(i.b - 1, active, wait);
            return Flow::Switch;
        }
        if c.launch.level == level::FULL {
            c.block.shadow.wait_tensor(index, groups);
        }
        let warps = c.block.warps_of(warpgroup);
        let pending = std::mem::take(&mut c.warp.products.pending);
        let (done, later): (Vec<_>, Vec<_>) = pending.into_iter().partition(|p| p.group < groups);
        c.warp.products.pending = later;
        for product in done {
            let taken = c.block.warpgroups[warpgroup].take(warp, product.number, warps);
            let Some((a, b)) = taken else { continue };
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
                Form::of(product.form),
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
