//! Against the host, and against each other.

use super::*;
use crate::exec::rounding;

fn random(state: &mut u64) -> u64 {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    *state ^ *state >> 29
}

/// A finite value of any size, often close to others in exponent.
fn value(state: &mut u64) -> f64 {
    let bits = random(state);
    let exponent = if bits & 1 != 0 {
        1000 + (bits >> 8) % 50
    } else {
        1 + (bits >> 8) % 2045
    };
    f64::from_bits(random(state) & !(0x7FF << 52) | exponent << 52)
}

#[test]
fn nearest_agrees_with_the_host() {
    let state = &mut 1;
    for _ in 0..200_000 {
        let (a, b, c) = (value(state), value(state), value(state));
        let same = |x: f64, y: f64, what: &str| {
            assert_eq!(x.to_bits(), y.to_bits(), "{what} {a:e} {b:e} {c:e}")
        };
        same(add(a, b, Rounding::Nearest), a + b, "add");
        same(fma(a, b, c, Rounding::Nearest), a.mul_add(b, c), "fma");
        same(div(a, b, Rounding::Nearest), a / b, "div");
        same(sqrt(a.abs(), Rounding::Nearest), a.abs().sqrt(), "sqrt");
    }
}

#[test]
fn directed_results_are_neighbours_around_the_nearest() {
    let state = &mut 2;
    for _ in 0..100_000 {
        let (a, b, c) = (value(state), value(state), value(state));
        let (down, up) = (fma(a, b, c, Rounding::Down), fma(a, b, c, Rounding::Up));
        let zero = fma(a, b, c, Rounding::Zero);
        let nearest = a.mul_add(b, c);
        assert!(down <= nearest && nearest <= up, "{a:e} {b:e} {c:e}");
        assert!(
            up == down || up == down.next_up(),
            "{a:e} {b:e} {c:e}: {down:e} {up:e}"
        );
        assert_eq!(zero, if nearest < 0.0 { up } else { down });
    }
}

#[test]
fn fast_single_precision_agrees_with_the_exact_one() {
    let state = &mut 3;
    let single = |state: &mut u64| {
        let bits = random(state);
        let exponent = if bits & 1 != 0 {
            120 + (bits >> 8) % 16
        } else {
            (bits >> 8) % 255
        };
        f32::from_bits((random(state) as u32) & !(0xFF << 23) | (exponent as u32) << 23)
    };
    for _ in 0..200_000 {
        let (a, b, c) = (single(state), single(state), single(state));
        for r in [
            Rounding::Nearest,
            Rounding::Zero,
            Rounding::Down,
            Rounding::Up,
        ] {
            let exact = |a: f32, b: f32, c: f32| {
                let ((ma, ea), (mb, eb), (mc, ec)) =
                    (split(a.into()), split(b.into()), split(c.into()));
                // products and addends of singles fit 128 bits if they are not too far apart
                let _ = (ma, ea, mb, eb, mc, ec);
                let wide = fma(a.into(), b.into(), c.into(), Rounding::Zero);
                let up = fma(a.into(), b.into(), c.into(), Rounding::Up);
                let down = fma(a.into(), b.into(), c.into(), Rounding::Down);
                let (m, e) = split(wide);
                round32(wide.is_sign_negative(), m.into(), e, up != down, r)
            };
            let same = |x: f32, y: f32, what: &str| {
                assert_eq!(
                    x.to_bits(),
                    y.to_bits(),
                    "{what} {r:?} {a:e} {b:e} {c:e}: {x:e} {y:e}"
                );
            };
            same(rounding::fma(a, b, c, r), exact(a, b, c), "fma");
            same(rounding::add(a, c, r), exact(a, 1.0, c), "add");
            let zero = if a.is_sign_negative() != b.is_sign_negative() {
                -0.0
            } else {
                0.0
            };
            same(rounding::mul(a, b, r), exact(a, b, zero), "mul");
        }
    }
}
