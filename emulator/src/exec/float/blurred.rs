//! Approximations that err, as those of hardware may: within what the PTX ISA says of each.
//!
//! The error depends on the arguments and on a seed. It is any share of the documented one, of either sign.

use super::{Cos, Div, DivApprox, Ex2, Lg2, Rcp, Rsqrt, Sin, Sqrt, Tanh};
use crate::exec::handler::{Fn1, Fn2};
use crate::exec::order::mix;
use std::f64::consts::TAU;
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

/// The value that the ISA measures from, and how far from it a result may be. `rounded` is the correctly rounded result.
pub trait Documented {
    fn error(a: f64, b: f64, rounded: f32) -> (f64, f64);
}

/// A unit in the last place of f32, for normal values; of the two at a power of two, the shorter one below it.
fn unit(value: f64) -> f64 {
    const EXPONENT: u64 = 0x7FF << 52;
    let power = f64::from_bits(value.to_bits() & EXPONENT);
    let below = if power == value.abs() { 0.5 } else { 1.0 };
    below * power / f64::from(1 << 23)
}

macro_rules! documented {
    ($($name:ty: ($a:pat, $b:pat, $rounded:pat) $value:expr, $error:expr;)*) => {$(
        impl Documented for $name {
            fn error($a: f64, $b: f64, $rounded: f32) -> (f64, f64) {
                let value: f64 = $value;
                (value, $error(value))
            }
        }
    )*};
}

fn relative(exponent: f64) -> impl Fn(f64) -> f64 {
    move |value| value.abs() * exponent.exp2()
}

fn units(count: f64) -> impl Fn(f64) -> f64 {
    move |value| count * unit(value)
}

fn absolute(exponent: f64) -> impl Fn(f64) -> f64 {
    move |_| exponent.exp2()
}

/// "div": for `.approx` and |b| in [2^-126, 2^126] "the maximum ulp error is 2"; for `.full` it "is 2 across the full range".
fn quotient(a: f64, b: f64) -> (f64, f64) {
    (a / b, units(2.0)(a / b))
}

impl<const FTZ: bool> Documented for Div<FTZ> {
    fn error(a: f64, b: f64, _: f32) -> (f64, f64) {
        quotient(a, b)
    }
}

impl<const FTZ: bool> Documented for DivApprox<FTZ> {
    fn error(a: f64, b: f64, _: f32) -> (f64, f64) {
        quotient(a, b)
    }
}

// PTX ISA 8.7, 9.7.3 "Floating Point Instructions"
documented! {
    // 9.7.3.13 "rcp": "The maximum ulp error is 1 across the full range of inputs"
    Rcp: (a, _, _) 1.0 / a, units(1.0);
    // 9.7.3.15 "sqrt": "The maximum relative error over the entire positive finite floating-point range is 2^-23"
    Sqrt: (a, _, _) a.sqrt(), relative(-23.0);
    // 9.7.3.16 "rsqrt": "over the entire positive finite floating-point range is 2^-22.9"
    Rsqrt: (a, _, _) 1.0 / a.sqrt(), relative(-22.9);
    // 9.7.3.18 "sin", 9.7.3.19 "cos": see `angle`
    Sin: (a, _, _) a.sin(), angle(a);
    Cos: (a, _, _) a.cos(), angle(a);
    // 9.7.3.20 "lg2": "The maximum absolute error is 2^-22 when the input operand is in the range (0.5, 2). For positive
    // finite inputs outside of this interval, maximum relative error is 2^-22"
    Lg2: (a, _, _) a.log2(), |value| {
        if a > 0.5 && a < 2.0 { absolute(-22.0)(value) } else { relative(-22.0)(value) }
    };
    // 9.7.3.21 "ex2": "The maximum ulp error is 2 ulp from correctly rounded result across the full range of inputs"
    Ex2: (_, _, rounded) rounded.into(), units(2.0);
    // 9.7.3.22 "tanh": "The maximum relative error over the entire floating point range is 2^-11"
    Tanh: (a, _, _) a.tanh(), relative(-11.0);
}

/// "The maximum absolute error" is 2^-20.5 in [-2 pi, 2 pi] and 2^-14.7 in [-100 pi, 100 pi]. Beyond "there are no defined
/// error guarantees"; the error stays what it was.
fn angle(a: f64) -> impl Fn(f64) -> f64 {
    absolute(if a.abs() <= TAU { -20.5 } else { -14.7 })
}

/// `F` with its error.
pub struct Blurred<F>(PhantomData<F>);

impl<F: Fn1<A = f32, D = f32> + Documented> Fn1 for Blurred<F> {
    type A = f32;
    type D = f32;
    fn f(m: u8, a: f32) -> f32 {
        moved::<F>(F::f(m, a), a, 0.0)
    }
}

impl<F: Fn2<A = f32, B = f32, D = f32> + Documented> Fn2 for Blurred<F> {
    type A = f32;
    type B = f32;
    type D = f32;
    fn f(m: u8, a: f32, b: f32) -> f32 {
        moved::<F>(F::f(m, a, b), a, b)
    }
}

/// Whether a result is one that the ISA has no table for.
fn ordinary(result: f32) -> bool {
    result.is_finite() && result.abs() >= f32::MIN_POSITIVE
}

fn moved<F: Documented>(rounded: f32, a: f32, b: f32) -> f32 {
    if !ordinary(rounded) {
        return rounded;
    }
    let arguments = u64::from(a.to_bits()) << 32 | u64::from(b.to_bits());
    let random = mix(SEED.load(Ordering::Relaxed) ^ mix(arguments));
    // from -1 to 1
    let share = (random >> 11) as f64 / (1u64 << 52) as f64 - 1.0;
    let (value, error) = F::error(a.into(), b.into(), rounded);
    let near = (value + share * error) as f32;
    // rounding may have gone too far, but then not on the other side; the correctly rounded result is always near enough
    let back = if f64::from(near) > value {
        near.next_down()
    } else {
        near.next_up()
    };
    let within = |d: &f32| ordinary(*d) && (f64::from(*d) - value).abs() <= error;
    [near, back].into_iter().find(within).unwrap_or(rounded)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The largest error over many arguments, as a share of what `bound` allows at each.
    fn largest<F: Documented>(
        exact: impl Fn(f64) -> f64,
        bound: impl Fn(f64, f64) -> f64,
        arguments: impl Iterator<Item = f64>,
    ) -> f64 {
        let share = |a: f64| {
            let a = a as f32;
            let value = exact(a.into());
            let got = moved::<F>(value as f32, a, 3.0);
            if value == 0.0 {
                assert_eq!(got, 0.0);
                return 0.0;
            }
            (f64::from(got) - value).abs() / bound(a.into(), value)
        };
        arguments.map(share).fold(0.0, f64::max)
    }

    #[test]
    fn results_err_as_far_as_documented_and_no_farther() {
        let from =
            |low: f64, high: f64| (0..4000).map(move |k| low + (high - low) * f64::from(k) / 4e3);
        // 2^k < |value| <= 2^(k + 1)
        let ulp = |value: f64| 2f64.powf(value.abs().log2().ceil() - 24.0);
        let of = |share: f64| move |_: f64, value: f64| share * value.abs();
        let at = |size: f64| move |_: f64, _: f64| size;
        let inverse = |a: f64| 1.0 / a;
        let rooted = |a: f64| 1.0 / a.sqrt();
        let shares = [
            (
                "rcp",
                largest::<Rcp>(inverse, |_, v| ulp(v), from(1.0, 9.0)),
            ),
            (
                "sqrt",
                largest::<Sqrt>(f64::sqrt, of(2f64.powi(-23)), from(1.0, 99.0)),
            ),
            (
                "rsqrt",
                largest::<Rsqrt>(rooted, of(2f64.powf(-22.9)), from(1.0, 99.0)),
            ),
            (
                "div",
                largest::<DivApprox<true>>(|a| a / 3.0, |_, v| 2.0 * ulp(v), from(1.0, 9.0)),
            ),
            (
                "full",
                largest::<Div<true>>(|a| a / 3.0, |_, v| 2.0 * ulp(v), from(1.0, 9.0)),
            ),
            (
                "sin",
                largest::<Sin>(f64::sin, at(2f64.powf(-20.5)), from(-6.2, 6.2)),
            ),
            (
                "cos",
                largest::<Cos>(f64::cos, at(2f64.powf(-20.5)), from(-6.2, 6.2)),
            ),
            (
                "far sin",
                largest::<Sin>(f64::sin, at(2f64.powf(-14.7)), from(6.3, 314.0)),
            ),
            (
                "far cos",
                largest::<Cos>(f64::cos, at(2f64.powf(-14.7)), from(6.3, 314.0)),
            ),
            (
                "near lg2",
                largest::<Lg2>(f64::log2, at(2f64.powi(-22)), from(0.5001, 1.9999)),
            ),
            (
                "low lg2",
                largest::<Lg2>(f64::log2, of(2f64.powi(-22)), from(0.0001, 0.5)),
            ),
            (
                "high lg2",
                largest::<Lg2>(f64::log2, of(2f64.powi(-22)), from(2.0, 1e6)),
            ),
            (
                "tanh",
                largest::<Tanh>(f64::tanh, of(2f64.powi(-11)), from(0.01, 9.0)),
            ),
        ];
        for (name, share) in shares {
            assert!(share > 0.9 && share <= 1.0, "{name}: {share}");
        }
        // from the correctly rounded result
        let powers = largest::<Ex2>(
            |a| f64::from(a.exp2() as f32),
            |_, v| 2.0 * ulp(v),
            from(-9.0, 9.0),
        );
        assert_eq!(powers, 1.0);
    }

    #[test]
    fn what_the_tables_have_stays() {
        for value in [0.0, -0.0, f32::INFINITY, f32::NEG_INFINITY, 1e-40] {
            assert_eq!(moved::<Rcp>(value, 1.0, 0.0).to_bits(), value.to_bits());
        }
        assert!(moved::<Sqrt>(f32::NAN, -1.0, 0.0).is_nan());
        // nothing flows over or under
        assert_eq!(
            moved::<Ex2>(f32::MIN_POSITIVE, -126.0, 0.0),
            f32::MIN_POSITIVE
        );
        assert!(moved::<Div<false>>(f32::MAX, f32::MAX, 1.0).is_finite());
    }
}
