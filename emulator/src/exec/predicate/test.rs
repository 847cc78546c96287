//! What `setp` and `set` ask of two values.

use super::compare;
use crate::exec::handler::Test;
use crate::exec::state::Lane;
use std::marker::PhantomData;

/// An integer comparison with the operator as a parameter.
pub struct Int<T, const OP: u8>(PhantomData<T>);
impl<T: Lane + PartialOrd, const OP: u8> Test for Int<T, OP> {
    type A = T;
    #[inline(always)]
    fn f(_: u8, a: T, b: T) -> bool {
        match OP {
            compare::EQ => a == b,
            compare::NE => a != b,
            compare::LT => a < b,
            compare::LE => a <= b,
            compare::GT => a > b,
            _ => a >= b,
        }
    }
}

/// A comparison of floats given as values; `m` is the operator, bit 7 flushes denormals first.
#[inline(always)]
fn float<F: PartialOrd + Copy>(m: u8, a: F, b: F) -> bool {
    #[allow(clippy::eq_op)]
    let nan = a != a || b != b;
    match m & 0x7F {
        compare::EQ => a == b,
        compare::NE => !nan && a != b,
        compare::LT => a < b,
        compare::LE => a <= b,
        compare::GT => a > b,
        compare::GE => a >= b,
        compare::NUM => !nan,
        compare::NAN => nan,
        // the unordered operators
        6 => nan || a == b,
        7 => nan || a != b,
        8 => nan || a < b,
        9 => nan || a <= b,
        10 => nan || a > b,
        _ => nan || a >= b,
    }
}

pub struct F32;
impl Test for F32 {
    type A = f32;
    #[inline(always)]
    fn f(m: u8, a: f32, b: f32) -> bool {
        if m & 0x80 != 0 {
            return float(
                m,
                crate::exec::float::flush(a),
                crate::exec::float::flush(b),
            );
        }
        float(m, a, b)
    }
}

pub struct F64;
impl Test for F64 {
    type A = f64;
    #[inline(always)]
    fn f(m: u8, a: f64, b: f64) -> bool {
        float(m, a, b)
    }
}

pub struct F16;
impl Test for F16 {
    type A = u16;
    #[inline(always)]
    fn f(m: u8, a: u16, b: u16) -> bool {
        let ftz = m & 0x80 != 0;
        float(
            m,
            crate::exec::half::widen_flushed(a, ftz),
            crate::exec::half::widen_flushed(b, ftz),
        )
    }
}

pub struct Bf16;
impl Test for Bf16 {
    type A = u16;
    #[inline(always)]
    fn f(m: u8, a: u16, b: u16) -> bool {
        float(
            m,
            crate::exec::half::widen_bf16(a),
            crate::exec::half::widen_bf16(b),
        )
    }
}
