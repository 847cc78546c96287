//! add, bias_add, scale, fill and cast: one line of formula each.

use half::{bf16, f16};
use warpsmith::{Device, Tensor};

use crate::common::compare::{Tolerance, assert_close_f64};
use crate::common::data::{outliers, tensor};

const CPU: &Device = &Device::Cpu;

fn wide(x: &[f32]) -> Vec<f64> {
    x.iter().map(|&v| f64::from(v)).collect()
}

/// One rounding of the exact result.
const ROUNDED: Tolerance = Tolerance {
    abs: 1e-45,
    rel: 6e-8,
};

#[test]
fn add_is_a_sum_rounded_once() {
    let n = 70_001;
    let [a, b] = [1, 2].map(|seed| outliers::<f32>(n, seed));
    let want: Vec<f64> = wide(&a)
        .iter()
        .zip(wide(&b))
        .map(|(a, b)| a - 0.75 * b)
        .collect();
    let [mut x, other] = [&a, &b].map(|data| tensor(data, &[n], CPU));
    let got = x.add_alpha(&other, -0.75).unwrap().to_vec().unwrap();
    assert_close_f64("add", &got, &want, ROUNDED);
    x.add_alpha_(&other, -0.75).unwrap();
    assert_close_f64("add_", &x.to_vec().unwrap(), &want, ROUNDED);
}

#[test]
fn bias_add_adds_to_every_row() {
    for (rows, cols) in [
        (1, 1),
        (7, 3),
        (300, 256),
        (90, 1000),
        (2, 40_000),
        (50_000, 2),
    ] {
        let (x, bias) = (outliers::<f32>(rows * cols, 1), outliers::<f32>(cols, 2));
        let want: Vec<f64> = (0..rows * cols)
            .map(|i| f64::from(x[i]) + f64::from(bias[i % cols]))
            .collect();
        let mut x = tensor(&x, &[rows, 1, cols], CPU);
        let bias = tensor(&bias, &[cols], CPU);
        let got = x.bias_add(&bias).unwrap().to_vec().unwrap();
        assert_close_f64("bias_add", &got, &want, ROUNDED);
        x.bias_add_(&bias).unwrap();
        assert_close_f64("bias_add_", &x.to_vec().unwrap(), &want, ROUNDED);
    }
}

#[test]
fn mul_scales() {
    let x = outliers::<f32>(1000, 1);
    let want: Vec<f64> = wide(&x).iter().map(|v| v * -1.5).collect();
    let mut x = tensor(&x, &[1000], CPU);
    assert_close_f64(
        "mul",
        &x.mul(-1.5).unwrap().to_vec().unwrap(),
        &want,
        ROUNDED,
    );
    x.mul_(-1.5).unwrap();
    assert_close_f64("mul_", &x.to_vec().unwrap(), &want, ROUNDED);
}

#[test]
fn full_is_full_and_a_clone_keeps_its_own() {
    let mut x = Tensor::full(&[3, 50_000], 7_i32, CPU).unwrap();
    let before = x.clone();
    x.fill_(-1).unwrap();
    assert_eq!(x.to_vec().unwrap(), vec![-1; 150_000]);
    assert_eq!(before.to_vec().unwrap(), vec![7; 150_000]);
}

#[test]
fn cast_rounds_to_the_nearest_even() {
    let x = tensor(
        &[1.0_f32, 2049.0, 2051.0, 65_519.0, 65_520.0, -1e-9],
        &[6],
        CPU,
    );
    let halves = x.cast::<f16>().unwrap().to_vec().unwrap();
    let want = [1.0, 2048.0, 2052.0, 65_504.0, f32::INFINITY, -0.0];
    assert_eq!(halves, want.map(f16::from_f32));
    let x = tensor(&[257.0_f32, 259.0, 3.4e38], &[3], CPU);
    let halves = x.cast::<bf16>().unwrap().to_vec().unwrap();
    assert_eq!(halves, [256.0, 260.0, f32::INFINITY].map(bf16::from_f32));
}

#[test]
fn cast_to_integers_truncates_and_saturates() {
    let x = tensor(&[2.9_f32, -2.9, 3e9, -3e9, f32::NAN, -0.0], &[6], CPU);
    let want = [2, -2, i32::MAX, i32::MIN, 0, 0];
    assert_eq!(x.cast::<i32>().unwrap().to_vec().unwrap(), want);
    let x = tensor(&[7_i32, -16_777_217, i32::MAX], &[3], CPU);
    let floats = x.cast::<f32>().unwrap().to_vec().unwrap();
    assert_eq!(floats, [7.0, -16_777_216.0, 2_147_483_648.0]);
    // the same type: the same elements, not through f32
    let same = x.cast::<i32>().unwrap().to_vec().unwrap();
    assert_eq!(same, [7, -16_777_217, i32::MAX]);
}
