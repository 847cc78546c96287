//! Ops of two operands against loops in f64 and i64 over broadcast indices, and operators.

use half::f16;
use warpsmith::ops::{binary::binary, sum_to_shape, where_};
use warpsmith::{Device, Float, Result, Tensor};

use crate::common::compare::{Tolerance, assert_close_f64};
use crate::common::data::{tensor, uniform};

const CPU: &Device = &Device::Cpu;

/// The place in a tensor of `own` of element `i` of what it was broadcast to.
fn place(own: &[usize], shape: &[usize], mut i: usize) -> usize {
    let (mut at, mut step) = (0, 1);
    for d in (0..shape.len()).rev() {
        let index = i % shape[d];
        i /= shape[d];
        if let Some(d) = (d + own.len()).checked_sub(shape.len()) {
            at += if own[d] == 1 { 0 } else { index * step };
            step *= own[d];
        }
    }
    at
}

const SHAPES: [[&[usize]; 3]; 5] = [
    [&[1003], &[1003], &[1003]],
    [&[33, 20], &[20], &[33, 20]],
    [&[9, 1], &[1, 31], &[9, 31]],
    [&[3, 1, 5], &[4, 1], &[3, 4, 5]],
    [&[], &[4], &[4]],
];

fn meaning(name: &str, a: f64, b: f64) -> f64 {
    match name {
        "add" => a + b,
        "sub" => a - b,
        "mul" => a * b,
        "div" => a / b,
        "pow" => (b * a.ln()).exp(),
        "fmod" => a - b * (a / b).trunc(),
        "remainder" => a - b * (a / b).floor(),
        "maximum" => {
            if a > b {
                a
            } else {
                b
            }
        }
        "minimum" => {
            if a > b {
                b
            } else {
                a
            }
        }
        "atan2" => {
            (a / b).atan()
                + if b > 0.0 {
                    0.0
                } else {
                    std::f64::consts::PI.copysign(a)
                }
        }
        _ => panic!("{name} has no meaning in this test"),
    }
}

fn agrees<T: Float>() {
    for kernel in warpsmith::ops::binary::KERNELS
        .iter()
        .filter(|k| k.ends_with("_f32"))
    {
        let name = kernel
            .trim_start_matches("binary_")
            .trim_end_matches("_f32");
        for [of_a, of_b, shape] in SHAPES {
            let values = |shape: &[usize], seed| {
                let x = uniform::<f32>(shape.iter().product(), seed);
                // a power's base is positive
                let x = x
                    .into_iter()
                    .map(|x| if name == "pow" { 1.1 + x } else { 3.0 * x });
                x.map(T::from_f32).collect::<Vec<T>>()
            };
            let (a, b) = (values(of_a, 1), values(of_b, 2));
            let y = binary(name, &tensor(&a, of_a, CPU), &tensor(&b, of_b, CPU)).unwrap();
            assert_eq!(y.shape(), shape);
            let n = shape.iter().product();
            let want: Vec<f64> = (0..n)
                .map(|i| {
                    let (a, b) = (a[place(of_a, shape, i)], b[place(of_b, shape, i)]);
                    meaning(name, f64::from(a.to_f32()), f64::from(b.to_f32()))
                })
                .collect();
            let y = y.to_vec().unwrap();
            assert_close_f64(
                &format!("{name} {}", T::NAME),
                &y,
                &want,
                Tolerance::of::<T>(8, 1.0),
            );
        }
    }
}

#[test]
fn every_op_is_its_formula() {
    agrees::<f32>();
    agrees::<f16>();
}

#[test]
fn integers_wrap_and_divide_as_in_pytorch() -> Result<()> {
    let a = tensor(&[i32::MAX, i32::MIN, -7, 7, 5], &[5], CPU);
    let b = tensor(&[1, -1, 2, -2, 0], &[5], CPU);
    assert_eq!(a.add(&b)?.to_vec()?, [i32::MIN, i32::MAX, -5, 5, 5]);
    assert_eq!(a.div(&b)?.to_vec()?, [i32::MAX, i32::MIN, -3, -3, 0]);
    assert_eq!(a.fmod(&b)?.to_vec()?, [0, 0, -1, 1, 0]);
    assert_eq!(a.remainder(&b)?.to_vec()?, [0, 0, 1, -1, 0]);
    assert_eq!(
        tensor(&[2, -1, 3, 0, 0], &[5], CPU)
            .pow(&tensor(&[10, -3, -1, 0, -2], &[5], CPU))?
            .to_vec()?,
        [1024, -1, 0, 1, 0]
    );
    assert_eq!(tensor(&[200_u8, 3], &[2], CPU).mul(2)?.to_vec()?, [144, 6]);
    assert_eq!(tensor(&[i64::MAX], &[1], CPU).add(1)?.to_vec()?, [i64::MIN]);
    Ok(())
}

#[test]
fn operators_are_the_methods() -> Result<()> {
    let (a, b) = (
        tensor(&[1.0_f32, 2.0], &[2], CPU),
        tensor(&[3.0, 5.0], &[2], CPU),
    );
    assert_eq!((&a + &b)?.to_vec()?, [4.0, 7.0]);
    assert_eq!((&a - 1.0)?.to_vec()?, [0.0, 1.0]);
    assert_eq!((2.0 / &a)?.to_vec()?, [2.0, 1.0]);
    assert_eq!(((&a * &b)? / &b)?.to_vec()?, [1.0, 2.0]);
    let mut y = a.clone();
    y.sub_(&b)?;
    y.mul_(-1.0)?;
    assert_eq!((y.to_vec()?, a.to_vec()?), (vec![2.0, 3.0], vec![1.0, 2.0]));
    Ok(())
}

#[test]
fn comparisons_and_choices() -> Result<()> {
    let x = tensor(&[1.0_f32, f32::NAN, -2.0, 0.0], &[2, 2], CPU);
    assert_eq!(x.gt(0.0)?.to_vec()?, [true, false, false, false]);
    assert_eq!(x.ne(&x)?.to_vec()?, [false, true, false, false]);
    assert_eq!(x.isnan()?.to_vec()?, [false, true, false, false]);
    assert_eq!(x.logical_not()?.to_vec()?, [false, false, false, true]);
    let row = tensor(&[10.0_f32, 20.0], &[2], CPU);
    assert_eq!(
        where_(&x.gt(0.0)?, &x, &row)?.to_vec()?,
        [1.0, 20.0, 10.0, 20.0]
    );
    assert_eq!(
        x.masked_fill(&x.isnan()?, 7.0)?.to_vec()?,
        [1.0, 7.0, -2.0, 0.0]
    );
    Ok(())
}

#[test]
fn a_gradient_is_summed_over_what_was_repeated() -> Result<()> {
    let dy = tensor(&uniform::<f32>(24, 1), &[2, 3, 4], CPU);
    for (shape, places) in [(&[3, 1][..], 3), (&[4], 4), (&[2, 3, 4], 24), (&[], 1)] {
        let got = sum_to_shape(&dy, shape)?;
        assert_eq!(got.shape(), shape);
        let mut want = vec![0.0; places];
        for (i, dy) in dy.to_vec()?.iter().enumerate() {
            want[place(shape, &[2, 3, 4], i)] += f64::from(*dy);
        }
        assert_close_f64(
            "sum_to_shape",
            &got.to_vec()?,
            &want,
            Tolerance::of::<f32>(8, 1.0),
        );
    }
    Ok(())
}

#[test]
fn what_does_not_fit_is_named() {
    let (a, b) = (
        Tensor::<f32>::zeros(&[2, 3], CPU).unwrap(),
        Tensor::zeros(&[4], CPU).unwrap(),
    );
    for error in [
        a.add(&b).map(drop),
        a.lt(&b).map(drop),
        where_(&a.gt(0.0).unwrap(), &b, 0.0).map(drop),
    ] {
        let error = error.unwrap_err().to_string();
        assert!(error.contains("[2, 3]") && error.contains("[4]"), "{error}");
    }
    let mut row = Tensor::<f32>::zeros(&[3], CPU).unwrap();
    let error = row.add_(&a).unwrap_err().to_string();
    assert!(error.contains("[3]") && error.contains("[2, 3]"), "{error}");
    let mut out = Tensor::zeros(&[3], CPU).unwrap();
    assert!(a.add_out(1.0, &mut out).is_err());
    assert!(
        binary("plus", &a, 1.0)
            .unwrap_err()
            .to_string()
            .contains("\"add\"")
    );
}

#[test]
fn truths() -> Result<()> {
    let a = tensor(&[true, true, false, false], &[4], CPU);
    let b = tensor(&[true, false, true, false], &[4], CPU);
    assert_eq!(a.logical_and(&b)?.to_vec()?, [true, false, false, false]);
    assert_eq!(a.logical_or(&b)?.to_vec()?, [true, true, true, false]);
    assert_eq!(a.logical_xor(&b)?.to_vec()?, [false, true, true, false]);
    assert_eq!(a.logical_not()?.to_vec()?, [false, false, true, true]);
    let one = tensor(&[true], &[1, 1], CPU);
    assert_eq!(a.logical_xor(&one)?.shape(), [1, 4]);
    let error = a.logical_or(&tensor(&[true; 3], &[3], CPU)).unwrap_err();
    assert!(error.to_string().contains("[4] and [3]"), "{error}");
    let (nan, inf) = (f32::NAN, f32::INFINITY);
    let x = tensor(&[nan, inf, -inf, 0.0, f32::MAX], &[5], CPU);
    assert_eq!(x.isinf()?.to_vec()?, [false, true, true, false, false]);
    assert_eq!(x.isfinite()?.to_vec()?, [false, false, false, true, true]);
    Ok(())
}
