//! Arithmetic of f32 and f64.

use super::emit::{count, plain};
use super::function::{Function, Result};
use super::opcode::Opcode;
use super::types::Type;
use crate::exec::float::blurred::{self, Blurred};
use crate::exec::float::{self, mode};
use crate::exec::handler::{Map1, Map2, Map3, select};
use crate::exec::rounding::Rounding;
use crate::exec::state::Run;
use crate::ptx::ast::Operand;

/// The copy of a float function for its `.ftz` and `.sat`.
macro_rules! ftz_sat {
    ($m:expr, $map:ident, $name:ident) => {
        match ($m & mode::FTZ != 0, $m & mode::SAT != 0) {
            (false, false) => select::<$map<float::$name<false, false>>>(),
            (true, false) => select::<$map<float::$name<true, false>>>(),
            (false, true) => select::<$map<float::$name<false, true>>>(),
            (true, true) => select::<$map<float::$name<true, true>>>(),
        }
    };
}

/// Modifiers of float arithmetic as a byte; the rounding mode of `.rn` to `.rp`.
pub fn float_mode(op: &mut Opcode<'_>) -> u8 {
    let rounding = match op.take_any(&["rn", "rz", "rm", "rp"]) {
        Some("rz") => Rounding::Zero,
        Some("rm") => Rounding::Down,
        Some("rp") => Rounding::Up,
        _ => Rounding::Nearest,
    };
    let flag = |on: bool, bit: u8| if on { bit } else { 0 };
    rounding as u8 | flag(op.take("ftz"), mode::FTZ) | flag(op.take("sat"), mode::SAT)
}

pub(super) fn single<'a>(
    f: &mut Function<'a, '_>,
    op: &mut Opcode<'a>,
    operands: &'a [Operand<'a>],
) -> Result<()> {
    let mut m = float_mode(op);
    let nearest = m & mode::ROUNDING == 0;
    let approx = op.take("approx");
    let (runs, sources) = match op.base {
        "add" if nearest => (ftz_sat!(m, Map2, Add), 2),
        "sub" if nearest => (ftz_sat!(m, Map2, Sub), 2),
        "add" => (select::<Map2<float::AddRounded>>(), 2),
        "sub" => {
            m |= mode::NEGATE;
            (select::<Map2<float::AddRounded>>(), 2)
        }
        "mul" if nearest => (ftz_sat!(m, Map2, Mul), 2),
        "mul" => (select::<Map2<float::MulRounded>>(), 2),
        "fma" | "mad" if nearest => (ftz_sat!(m, Map3, Fma), 3),
        "fma" | "mad" => {
            let runs = match m & mode::ROUNDING {
                1 => select::<Map3<float::FmaRounded<1>>>(),
                2 => select::<Map3<float::FmaRounded<2>>>(),
                _ => select::<Map3<float::FmaRounded<3>>>(),
            };
            (runs, 3)
        }
        "div" | "rcp" | "sqrt" | "rsqrt" | "sin" | "cos" | "tanh" | "ex2" | "lg2"
            if blurred::on() && (approx || op.has("full")) =>
        {
            blurred(op.base, op.take("full"), m & mode::FTZ != 0)
        }
        "div" => {
            let _ = op.take("full");
            let runs = match (nearest, approx, m & mode::FTZ != 0) {
                (true, false, false) => select::<Map2<float::Div<false>>>(),
                (true, false, true) => select::<Map2<float::Div<true>>>(),
                (true, true, false) => select::<Map2<float::DivApprox<false>>>(),
                (true, true, true) => select::<Map2<float::DivApprox<true>>>(),
                _ => select::<Map2<float::DivRounded>>(),
            };
            (runs, 2)
        }
        "rcp" => (
            if nearest {
                select::<Map1<float::Rcp>>()
            } else {
                select::<Map1<float::RcpRounded>>()
            },
            1,
        ),
        "sqrt" => (
            if nearest {
                select::<Map1<float::Sqrt>>()
            } else {
                select::<Map1<float::SqrtRounded>>()
            },
            1,
        ),
        "rsqrt" if approx => (select::<Map1<float::Rsqrt>>(), 1),
        "sin" if approx => (select::<Map1<float::Sin>>(), 1),
        "cos" if approx => (select::<Map1<float::Cos>>(), 1),
        "tanh" if approx => (select::<Map1<float::Tanh>>(), 1),
        "ex2" if approx => (select::<Map1<float::Ex2>>(), 1),
        "lg2" if approx => (select::<Map1<float::Lg2>>(), 1),
        "abs" => (select::<Map1<float::Abs>>(), 1),
        "neg" => (select::<Map1<float::Neg>>(), 1),
        "copysign" => (select::<Map2<float::Copysign>>(), 2),
        "min" | "max" => {
            m |= extreme_mode(op);
            let three = operands.len() == 4;
            let runs = match (op.base, three) {
                ("min", false) => select::<Map2<float::Min>>(),
                ("max", false) => select::<Map2<float::Max>>(),
                ("min", true) => select::<Map3<float::Min3>>(),
                _ => select::<Map3<float::Max3>>(),
            };
            (runs, if three { 3 } else { 2 })
        }
        _ => return f.unsupported(op.text),
    };
    count(f, op, operands, sources)?;
    plain(f, op, operands, Type::F32, Some(runs), m)
}

/// An approximation with its error, and how many operands it takes.
fn blurred(base: &str, full: bool, ftz: bool) -> (Run, usize) {
    match base {
        "div" => match (full, ftz) {
            (true, true) => (select::<Map2<Blurred<float::Div<true>>>>(), 2),
            (true, false) => (select::<Map2<Blurred<float::Div<false>>>>(), 2),
            (false, true) => (select::<Map2<Blurred<float::DivApprox<true>>>>(), 2),
            (false, false) => (select::<Map2<Blurred<float::DivApprox<false>>>>(), 2),
        },
        "rcp" => (select::<Map1<Blurred<float::Rcp>>>(), 1),
        "sqrt" => (select::<Map1<Blurred<float::Sqrt>>>(), 1),
        "rsqrt" => (select::<Map1<Blurred<float::Rsqrt>>>(), 1),
        "sin" => (select::<Map1<Blurred<float::Sin>>>(), 1),
        "cos" => (select::<Map1<Blurred<float::Cos>>>(), 1),
        "tanh" => (select::<Map1<Blurred<float::Tanh>>>(), 1),
        "ex2" => (select::<Map1<Blurred<float::Ex2>>>(), 1),
        _ => (select::<Map1<Blurred<float::Lg2>>>(), 1),
    }
}

/// `.NaN`, `.xorsign.abs`, `.abs` of `min` and `max`.
pub fn extreme_mode(op: &mut Opcode<'_>) -> u8 {
    let flag = |on: bool, bit: u8| if on { bit } else { 0 };
    flag(op.take("NaN"), mode::NAN)
        | flag(op.take("xorsign"), mode::XORSIGN)
        | flag(op.take("abs"), mode::ABS)
}

pub(super) fn double<'a>(
    f: &mut Function<'a, '_>,
    op: &mut Opcode<'a>,
    operands: &'a [Operand<'a>],
) -> Result<()> {
    let m = float_mode(op);
    let approx = op.take("approx");
    let (runs, sources) = match op.base {
        "add" => (select::<Map2<float::AddF64>>(), 2),
        "sub" => (select::<Map2<float::SubF64>>(), 2),
        "mul" => (select::<Map2<float::MulF64>>(), 2),
        "fma" | "mad" => (select::<Map3<float::FmaF64>>(), 3),
        "div" => (select::<Map2<float::DivF64>>(), 2),
        "rcp" if approx => (select::<Map1<float::RcpApproxF64>>(), 1),
        "rcp" => (select::<Map1<float::RcpF64>>(), 1),
        "sqrt" => (select::<Map1<float::SqrtF64>>(), 1),
        "rsqrt" if approx && m & mode::FTZ != 0 => (select::<Map1<float::RsqrtApproxF64>>(), 1),
        "rsqrt" if approx => (select::<Map1<float::RsqrtF64>>(), 1),
        "abs" => (select::<Map1<float::AbsF64>>(), 1),
        "neg" => (select::<Map1<float::NegF64>>(), 1),
        "min" => (select::<Map2<float::MinF64>>(), 2),
        "max" => (select::<Map2<float::MaxF64>>(), 2),
        "copysign" => (select::<Map2<float::CopysignF64>>(), 2),
        _ => return f.unsupported(op.text),
    };
    count(f, op, operands, sources)?;
    plain(f, op, operands, Type::F64, Some(runs), m)
}
