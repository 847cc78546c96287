//! Approximations that err, as those of hardware may: within what the PTX ISA says of each.
//!
//! The error depends on the argument and on a seed. Every result is first rounded correctly, then moved, then rounded again,
//! which must still lie within the documented error.

use super::{Cos, Div, Ex2, Lg2, Rcp, Rsqrt, Sin, Sqrt, Tanh};
use crate::exec::handler::{Fn1, Fn2};
use crate::exec::order::mix;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};

/// 0: exact.
static SEED: AtomicU64 = AtomicU64::new(0);

/// Modules loaded from now on err, differently for every seed but 0.
pub fn switch(seed: u64) {
    SEED.store(seed, Ordering::Relaxed);
}

/// Whether they do.
pub fn on() -> bool {
    SEED.load(Ordering::Relaxed) != 0
}

/// How far a result may be moved: a share of it, and as it is.
pub trait Error {
    fn relative() -> f64 {
        0.0
    }
    fn absolute(_argument: f32) -> f64 {
        0.0
    }
}

/// Half a unit in the last place, at least: leaves `rcp` its unit, `sqrt` its 2^-23, `rsqrt` its 2^-22.9, `ex2` and `div`
/// their two units.
const HALF_A_UNIT: f64 = 1.0 / (1 << 24) as f64;

macro_rules! errors {
    ($($name:ident $method:ident ($a:ident) $value:expr;)*) => {$(
        impl Error for $name {
            fn $method($a: f32) -> f64 { $value }
        }
    )*};
    ($($name:ty),*) => {$(
        impl Error for $name {
            fn relative() -> f64 { HALF_A_UNIT }
        }
    )*};
}
errors!(Rcp, Sqrt, Rsqrt, Ex2, Div<false>, Div<true>);
errors! {
    // 2^-20.5 up to 2 pi, 2^-14.7 up to 100 pi
    Sin absolute(a) if a.abs() <= std::f32::consts::TAU { 6.5e-7 } else { 3.6e-5 };
    Cos absolute(a) if a.abs() <= std::f32::consts::TAU { 6.5e-7 } else { 3.6e-5 };
    // 2^-22 between 1/2 and 2, else relative
    Lg2 absolute(a) if a > 0.5 && a < 2.0 { 1.7e-7 } else { 0.0 };
}
impl Error for Tanh {
    // 2^-11
    fn relative() -> f64 {
        4.8e-4
    }
}

/// `F` with its error.
pub struct Blurred<F>(PhantomData<F>);

impl<F: Fn1<A = f32, D = f32> + Error> Fn1 for Blurred<F> {
    type A = f32;
    type D = f32;
    fn f(m: u8, a: f32) -> f32 {
        moved(
            F::f(m, a),
            a.to_bits().into(),
            F::relative(),
            F::absolute(a),
        )
    }
}

impl<F: Fn2<A = f32, B = f32, D = f32> + Error> Fn2 for Blurred<F> {
    type A = f32;
    type B = f32;
    type D = f32;
    fn f(m: u8, a: f32, b: f32) -> f32 {
        let arguments = u64::from(a.to_bits()) << 32 | u64::from(b.to_bits());
        moved(F::f(m, a, b), arguments, F::relative(), F::absolute(a))
    }
}

/// Zeros, infinities and what is too small for a share of it stay: the ISA has tables for them.
fn moved(exact: f32, arguments: u64, relative: f64, absolute: f64) -> f32 {
    if exact == 0.0 || !exact.is_finite() || exact.abs() < f32::MIN_POSITIVE {
        return exact;
    }
    let random = mix(SEED.load(Ordering::Relaxed) ^ mix(arguments));
    // from -1 to 1
    let share = (random >> 11) as f64 / (1u64 << 52) as f64 - 1.0;
    let wide = f64::from(exact);
    (wide + share * (wide * relative + absolute)) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_move_but_not_too_far() {
        let mut different = 0;
        for k in 1..2000u32 {
            let x = 0.01 * k as f32;
            let (exact, got) = (
                1.0 / f64::from(x),
                moved(1.0 / x, k.into(), Rcp::relative(), 0.0),
            );
            let unit = f64::from((1.0 / x).next_up() - 1.0 / x);
            assert!((f64::from(got) - exact).abs() <= 1.5 * unit, "{x}");
            different += u32::from(got != 1.0 / x);
            let tanh = f64::from(x).tanh();
            let got = moved(tanh as f32, k.into(), Tanh::relative(), 0.0);
            assert!((f64::from(got) / tanh - 1.0).abs() <= 2f64.powi(-11), "{x}");
            different += u32::from(got != tanh as f32);
        }
        assert!(different > 2000, "{different}");
        assert_eq!(moved(f32::INFINITY, 1, 0.1, 0.1), f32::INFINITY);
        assert_eq!(moved(0.0, 1, 0.1, 0.1), 0.0);
    }
}
