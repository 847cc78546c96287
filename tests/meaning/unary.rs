//! The ops of one operand against f64, and their gradients against central differences.

use half::{bf16, f16};
use warpsmith::ops::unary::{KERNELS, backward, unary};
use warpsmith::{Device, Float, Tensor};

use crate::common::compare::{Tolerance, assert_close_f64};
use crate::common::data::{tensor, uniform};

const CPU: &Device = &Device::Cpu;
/// A slope, or bounds.
const NUMBERS: [f32; 2] = [-0.25, 0.75];

/// erf in f64, by its series, and far from 0 by its continued fraction: no function of the standard library is that.
fn erf(x: f64) -> f64 {
    let root = std::f64::consts::PI.sqrt();
    if x.abs() > 2.0 {
        let fraction = (1..80)
            .rev()
            .fold(x.abs(), |below, k| x.abs() + k as f64 / 2.0 / below);
        return (1.0 - (-x * x).exp() / root / fraction).copysign(x);
    }
    let (mut sum, mut term) = (x, x);
    for n in 1..60 {
        term *= -x * x / n as f64;
        sum += term / (2 * n + 1) as f64;
    }
    sum * 2.0 / root
}

/// What each op means, written anew.
fn meaning(name: &str, x: f64) -> Option<f64> {
    let [p, q] = NUMBERS.map(f64::from);
    Some(match name {
        "neg" => 0.0 - x,
        "abs" => x.max(-x),
        "sign" => [0.0, x.signum()][usize::from(x != 0.0)],
        "sqrt" => x.powf(0.5),
        "rsqrt" => x.powf(-0.5),
        "square" => x.powi(2),
        "reciprocal" => x.powi(-1),
        "exp" => std::f64::consts::E.powf(x),
        "expm1" => x.exp_m1(),
        "log" => x.log2() * std::f64::consts::LN_2,
        "log1p" => x.ln_1p(),
        "sin" => (std::f64::consts::FRAC_PI_2 - x).cos(),
        "cos" => (std::f64::consts::FRAC_PI_2 - x).sin(),
        "tan" => x.sin() / x.cos(),
        "asin" => x.atan2((1.0 - x * x).sqrt()),
        "acos" => (1.0 - x * x).sqrt().atan2(x),
        "atan" => x.atan2(1.0),
        "sinh" => (x.exp() - (-x).exp()) / 2.0,
        "cosh" => (x.exp() + (-x).exp()) / 2.0,
        "erf" => erf(x),
        "floor" => x - x.rem_euclid(1.0),
        "ceil" => x + (-x).rem_euclid(1.0),
        "round" => x.round_ties_even(),
        "trunc" => x - x % 1.0,
        "frac" => x % 1.0,
        "gelu" => x / 2.0 * (1.0 + erf(x / 2_f64.sqrt())),
        "silu" => x / (1.0 + (-x).exp()),
        "softplus" => (1.0 + x.exp()).ln(),
        "leaky_relu" => x.max(0.0) + p * x.min(0.0),
        "elu" => x.max(0.0) + p * (x.min(0.0).exp() - 1.0),
        "clamp" => x.max(p).min(q),
        _ => return None,
    })
}

fn names() -> Vec<&'static str> {
    let forward = KERNELS
        .iter()
        .filter(|kernel| !kernel.contains("_backward_"));
    let names = forward.filter_map(|kernel| kernel.strip_prefix("unary_")?.strip_suffix("_f32"));
    names.collect()
}

fn domain(name: &str, x: f32) -> f32 {
    match name {
        "sqrt" | "rsqrt" | "log" => x.abs() + 0.01,
        "log1p" => x.abs() - 0.9,
        "asin" | "acos" => x / 8.5,
        "tan" => x / 6.0,
        "reciprocal" => x + 0.1_f32.copysign(x),
        _ => x,
    }
}

fn values<T: Float>(name: &str) -> Vec<T> {
    let x = uniform::<f32>(3001, 1).into_iter();
    x.map(|x| T::from_f32(domain(name, 8.0 * x))).collect()
}

fn agrees<T: Float>() {
    for name in names() {
        let x = values::<T>(name);
        let y = unary(name, &tensor(&x, &[x.len()], CPU), NUMBERS)
            .unwrap()
            .to_vec()
            .unwrap();
        let Some(_) = meaning(name, 0.5) else {
            panic!("{name} has no meaning in this test");
        };
        let wide: Vec<f64> = x.iter().map(|x| f64::from(x.to_f32())).collect();
        let want: Vec<f64> = wide.iter().map(|x| meaning(name, *x).unwrap()).collect();
        // a few units in the last place, relative to 1 where the formula subtracts from it
        let tolerance = Tolerance::of::<T>(4, 1.0);
        assert_close_f64(&format!("{name} {}", T::NAME), &y, &want, tolerance);
    }
}

#[test]
fn every_op_is_its_formula() {
    agrees::<f32>();
    agrees::<f16>();
    agrees::<bf16>();
}

#[test]
fn every_gradient_is_the_slope() {
    const STEPS: [&str; 5] = ["sign", "floor", "ceil", "round", "trunc"];
    for name in names() {
        let x = values::<f32>(name);
        let ones = Tensor::ones(&[x.len()], CPU).unwrap();
        let dx = backward(name, &ones, &tensor(&x, &[x.len()], CPU), NUMBERS);
        for (x, dx) in x.iter().zip(dx.unwrap().to_vec().unwrap()) {
            let (x, h) = (f64::from(*x), 1e-5);
            let [below, at, above] = [x - h, x, x + h].map(|x| meaning(name, x).unwrap());
            let slope = (above - below) / (2.0 * h);
            // where a formula has a corner or a step, the two sides differ
            let corner = ((above - at) - (at - below)).abs() > 1e-3 * h * (1.0 + slope.abs());
            let want = if STEPS.contains(&name) { 0.0 } else { slope };
            let off = (f64::from(dx) - want).abs();
            assert!(
                corner || off <= 1e-4 * (1.0 + want.abs()),
                "{name}'s slope at {x}: {dx}, want {want}"
            );
        }
    }
}

#[test]
fn what_is_not_a_number_or_not_finite() {
    let special = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0];
    let x = tensor(&special, &[4], CPU);
    let of = |name: &str| unary(name, &x, [0.0, 6.0]).unwrap().to_vec().unwrap();
    assert_eq!(of("sign")[..3], [0.0, 1.0, -1.0]);
    assert!(of("clamp")[0].is_nan() && of("clamp")[1..3] == [6.0, 0.0]);
    assert!(of("softplus")[0].is_nan() && of("softplus")[1..3] == [f32::INFINITY, 0.0]);
    assert!(of("erf")[0].is_nan() && of("erf")[1..] == [1.0, -1.0, 0.0]);
}

#[test]
fn names_and_shapes_that_are_wrong() {
    let x = Tensor::<f32>::zeros(&[3], CPU).unwrap();
    let error = unary("expm2", &x, NUMBERS).unwrap_err().to_string();
    assert!(
        error.contains("expm2") && error.contains("\"expm1\""),
        "{error}"
    );
    let mut out = Tensor::zeros(&[2], CPU).unwrap();
    let error = x.exp_out(&mut out).unwrap_err().to_string();
    assert!(error.contains("[3]") && error.contains("[2]"), "{error}");
}
