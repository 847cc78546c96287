//! `wgmma`, and which instructions may touch its registers while it runs.

use super::require_exact;
use crate::decode::draft::{Draft, Group, Leave, Reg};
use crate::decode::function::{Function, Result};
use crate::decode::opcode::Opcode;
use crate::decode::types::Type;
use crate::exec::handler::select;
use crate::exec::hopper::product::Form;
use crate::exec::hopper::wgmma::{self as run, modifier};
use crate::exec::state::NONE;
use crate::ptx::ast::{Number, Operand};
use std::collections::{BTreeMap, HashSet};

pub fn decode<'a>(
    f: &mut Function<'a, '_>,
    op: &mut Opcode<'a>,
    operands: &'a [Operand<'a>],
) -> Result<()> {
    require_exact(f, op)?;
    let action = op.take_any(&["fence", "commit_group", "wait_group", "mma_async"]);
    if !(op.take("sync") && op.take("aligned")) {
        return f.syntax(format!("{} without .sync.aligned", op.text));
    }
    match (action, operands) {
        (Some("fence"), []) => {
            f.emit(select::<run::WgmmaFence>());
        }
        (Some("commit_group"), []) => {
            f.emit(select::<run::WgmmaCommit>()).asynchronous = Group::Commit;
        }
        (Some("wait_group"), [Operand::Number(Number::Int(most))]) => {
            let runs = select::<run::WgmmaWait>();
            f.emit(runs).imm(*most as i64).asynchronous = Group::Wait(*most as u32);
        }
        (Some("mma_async"), operands) => multiply(f, op, operands)?,
        _ => return f.syntax(format!("operands of {}", op.text)),
    }
    Ok(())
}

fn multiply<'a>(
    f: &mut Function<'a, '_>,
    op: &mut Opcode<'a>,
    operands: &'a [Operand<'a>],
) -> Result<()> {
    let saturate = op.take("satfinite");
    let modifiers = op.take_rest();
    let [shape, d_type, a_type, b_type] = modifiers[..] else {
        return f.unsupported(op.text);
    };
    let (form, depth) = match (d_type, a_type, b_type) {
        ("f32", "f16", "f16") => (Form::F16, 16),
        ("f16", "f16", "f16") => (Form::F16ToF16, 16),
        ("f32", "bf16", "bf16") => (Form::Bf16, 16),
        ("f32", "tf32", "tf32") => (Form::Tf32, 8),
        ("s32", a @ ("s8" | "u8"), b @ ("s8" | "u8")) => {
            let (a, b) = (a == "s8", b == "s8");
            (Form::Int { a, b }, 32)
        }
        _ => return f.unsupported(op.text),
    };
    let integer = matches!(form, Form::Int { .. });
    let columns = shape
        .strip_prefix("m64n")
        .and_then(|s| s.strip_suffix(&format!("k{depth}")))
        .and_then(|n| n.parse::<usize>().ok())
        .filter(|n| n % 8 == 0 && (8..=256).contains(n))
        .filter(|n| !integer || n % 16 == 0 || *n == 8 || *n == 24);
    let (Some(columns), true) = (columns, integer || !saturate) else {
        return f.unsupported(op.text);
    };
    let [Operand::Vector(d), a, b, rest @ ..] = operands else {
        return f.syntax(format!("operands of {}", op.text));
    };
    let (registers, ty) = match form {
        Form::F16ToF16 => (columns / 4, Type::B32),
        Form::Int { .. } => (columns / 2, Type::B32),
        _ => (columns / 2, Type::F32),
    };
    if d.len() != registers {
        return f.syntax(format!("{} registers of D, not {registers}", d.len()));
    }
    let d: Vec<Reg> = d.iter().map(|r| f.dst(r, ty)).collect::<Result<_>>()?;
    let (a_list, a) = match a {
        Operand::Vector(list) if list.len() == 4 => {
            let list = list.iter().map(|r| f.src(r, Type::B32));
            (list.collect::<Result<Vec<Reg>>>()?, None)
        }
        Operand::Vector(_) => return f.syntax("A has four registers"),
        a => (vec![], Some(f.src(a, Type::B64)?)),
    };
    let b = f.src(b, Type::B64)?;
    let (scale, numbers) = match rest {
        [scale, numbers @ ..] => (f.predicate(scale)?, numbers),
        [] => return f.syntax("wgmma.mma_async without scale-d"),
    };
    let numbers: Vec<i128> = numbers
        .iter()
        .map(|n| match n {
            Operand::Number(Number::Int(n)) => Ok(*n),
            _ => f.syntax("imm-scale and imm-trans are numbers"),
        })
        .collect::<Result<_>>()?;
    let half = depth == 16;
    let (scales, turns) = match (numbers.as_slice(), half, a.is_some()) {
        ([], _, _) if integer => ([1, 1], [0, 0]),
        (&[x, y], false, _) if !integer => ([x, y], [0, 0]),
        (&[x, y, ta, tb], true, true) => ([x, y], [ta, tb]),
        (&[x, y, tb], true, false) => ([x, y], [0, tb]),
        _ => return f.syntax(format!("operands of {}", op.text)),
    };
    if scales.iter().any(|s| s.abs() != 1) || turns.iter().any(|t| !(0..=1).contains(t)) {
        return f.syntax("imm-scale is 1 or -1, imm-trans 0 or 1");
    }
    let at = f.pool.len();
    f.pool.resize(at + d.len() + a_list.len(), NONE);
    let draft = f.emit(select::<run::Multiply>()).uses(1, b).uses(2, scale);
    draft.a(at as u32).asynchronous = Group::Multiply;
    for (slot, value) in [
        (modifier::COLUMNS, (columns / 8) as u8),
        (modifier::FORM, form.number()),
        (
            modifier::NEGATED,
            u8::from(scales[0] < 0) | u8::from(scales[1] < 0) << 1,
        ),
        (modifier::TURNED, turns[0] as u8 | (turns[1] as u8) << 1),
        (modifier::REGISTERS, registers as u8),
        (modifier::A_IN_REGISTERS, u8::from(a.is_none())),
        (modifier::SATURATE, saturate.into()),
    ] {
        draft.m(slot, value);
    }
    if let Some(a) = a {
        draft.uses(0, a);
    }
    for (n, reg) in d.iter().chain(&a_list).enumerate() {
        // D is read too, but both of its roles have one place
        draft.pooled((at + n) as u32, *reg, false);
    }
    for (n, reg) in d.iter().enumerate() {
        draft.pooled((at + n) as u32, *reg, true);
    }
    Ok(())
}

/// Products that may be on their way at once: more groups are told apart no further.
const MOST_GROUPS: u32 = 9;

/// Makes every wait a reader of every register that a product writes: their rows stay theirs until then.
pub fn hold(drafts: &mut [Draft]) {
    let written: HashSet<Reg> = products(drafts).flat_map(|(_, d)| d).collect();
    for draft in drafts {
        if matches!(draft.asynchronous, Group::Wait(_)) {
            for reg in &written {
                draft.holds(*reg);
            }
        }
    }
}

fn products(drafts: &[Draft]) -> impl Iterator<Item = (usize, Vec<Reg>)> {
    drafts
        .iter()
        .enumerate()
        .filter(|(_, d)| d.asynchronous == Group::Multiply)
        .map(|(at, d)| {
            let written = d.operands.iter().filter(|o| o.written);
            (at, written.map(|o| o.reg).collect())
        })
}

/// The instructions that may come between a product and its wait, and which of its registers they touch.
pub fn touches(drafts: &[Draft], labels: &[usize]) -> BTreeMap<usize, Vec<Reg>> {
    let mut out: BTreeMap<usize, Vec<Reg>> = BTreeMap::new();
    for (start, registers) in products(drafts) {
        let registers: HashSet<Reg> = registers.into_iter().collect();
        let mut seen = HashSet::new();
        let mut next = vec![(start + 1, 0u32)];
        while let Some((at, commits)) = next.pop() {
            let Some(draft) = drafts.get(at) else {
                continue;
            };
            if !seen.insert((at, commits)) {
                continue;
            }
            let mut commits = commits;
            match draft.asynchronous {
                Group::Commit => commits = (commits + 1).min(MOST_GROUPS),
                Group::Wait(most) if commits > most => continue,
                Group::None => {
                    for operand in &draft.operands {
                        if registers.contains(&operand.reg) {
                            out.entry(at).or_default().push(operand.reg);
                        }
                    }
                }
                _ => {}
            }
            let place = |label: &crate::decode::draft::Label| labels[label.0 as usize];
            match &draft.leave {
                Leave::Next => next.push((at + 1, commits)),
                Leave::Jump(label) => next.push((place(label), commits)),
                Leave::Branch(label) => {
                    next.push((at + 1, commits));
                    next.push((place(label), commits));
                }
                Leave::Table(all) => next.extend(all.iter().map(|l| (place(l), commits))),
                Leave::End => {}
            }
        }
    }
    out
}
