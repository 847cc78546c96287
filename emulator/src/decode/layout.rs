//! A function's registers and labels get their places.

use super::draft::{Draft, Reg, Slot};
use super::function::Function;
use super::liveness;
use super::operand::width;
use super::symbols::Result;
use super::types::Type;
use crate::exec::LoadErrorKind;
use crate::exec::state::{NONE, Routine, Rows};
use crate::ptx::ast;

pub(super) struct LaidOut {
    pub(super) drafts: Vec<Draft>,
    pub(super) pool: Vec<u32>,
    pub(super) locs: Vec<(u32, ast::Loc)>,
    pub(super) routine: Routine,
    /// The rows of each instruction's operands.
    pub(super) operands: Rows,
    /// Instructions that may touch a running product's registers, and the rows of these.
    pub(super) touching: Vec<(u32, Vec<u32>)>,
    /// Vector loads, and which of their elements nobody reads.
    pub(super) unread: Vec<(u32, u8)>,
}

/// Gives registers and labels their places. `start` is the first instruction's number, `pool_at` that of the pool.
pub(super) fn lay_out(mut f: Function<'_, '_>, start: u32, pool_at: u32) -> Result<LaidOut> {
    let mut labels = vec![];
    for label in &f.labels {
        match label {
            Some(at) => labels.push(*at),
            None => return f.error(LoadErrorKind::Unresolved, "a label without a place"),
        }
    }
    super::hopper::hold(&mut f.drafts);
    let touches = super::hopper::touches(&f.drafts, &labels);
    let registers = f.types.len();
    let bytes: Vec<u32> = f
        .types
        .iter()
        .map(|ty| {
            if *ty == Type::Pred {
                4
            } else {
                width(*ty) / 8 * 32
            }
        })
        .collect();
    let live = liveness::analyse(&f.drafts, &labels, registers);
    let mut intervals = liveness::intervals(&live, &f.drafts);
    let unread = live.unread(&f.drafts).into_iter();
    let mut constants: Vec<_> = f.constants.iter().map(|(c, r)| (*r, *c)).collect();
    constants.sort_by_key(|(reg, _)| reg.0);
    let mut end = 0;
    let mut fixed = vec![None; registers];
    let mut rows = vec![];
    for (reg, constant) in constants {
        let index = liveness::index(reg);
        if intervals[index].take().is_some() {
            let at = u32::next_multiple_of(end, bytes[index].min(64));
            end = at + bytes[index];
            fixed[index] = Some(at);
            rows.push((at, constant));
        }
    }
    let (places, end) = liveness::allocate(&intervals, &bytes, end);
    let place = |reg: Reg| {
        fixed[liveness::index(reg)]
            .or(places[liveness::index(reg)])
            .unwrap_or(NONE)
    };
    let mut operands = Rows::default();
    for (at, draft) in f.drafts.iter_mut().enumerate() {
        let own = draft
            .operands
            .iter()
            .filter(|o| !matches!(o.slot, Slot::None));
        operands.push(own.map(|o| (place(o.reg), o.written)));
        for operand in &draft.operands {
            match operand.slot {
                Slot::Inline(slot) => draft.inst.r[usize::from(slot)] = place(operand.reg),
                Slot::Pool(slot) => f.pool[slot as usize] = place(operand.reg),
                Slot::None => {}
            }
        }
        super::control::fix(draft, at as u32, start, pool_at, &labels, &mut f.pool);
    }
    let places_of = |regs: Vec<Reg>| regs.into_iter().map(place).collect();
    let touching = touches
        .into_iter()
        .map(|(at, regs)| (start + at as u32, places_of(regs)))
        .collect();
    Ok(LaidOut {
        operands,
        touching,
        unread: unread.map(|(at, bits)| (start + at as u32, bits)).collect(),
        drafts: f.drafts,
        pool: f.pool,
        locs: f.locs.into_iter().filter(|(line, _)| *line > 0).collect(),
        routine: Routine {
            name: String::new(),
            entry: 0,
            frame_bytes: end.next_multiple_of(256),
            constants: rows,
            local_bytes: f.local_bytes.next_multiple_of(16),
            params: f.formals.0,
            returns: f.formals.1,
        },
    })
}
