use half::{bf16, f16};
use warpsmith::ops::{Activation, MatmulOptions, linear, matmul_with};
use warpsmith::{Device, Float, Tensor};

use crate::common::compare::{Tolerance, assert_close_f64};
use crate::common::data::{tensor, uniform};

/// Products of two uniform numbers have a deviation of 1/3, so partial sums of k stay within three of theirs, sqrt(k):
/// the scale of what the rounding is relative to.
fn sums<T: Float>(k: usize) -> Tolerance {
    Tolerance::of::<T>(k, (k as f64).sqrt())
}

/// op(a) op(b) in f64, for matrices.
fn naive<T: Float>(a: &[T], b: &[T], [m, n, k]: [usize; 3], ta: bool, tb: bool) -> Vec<f64> {
    let at = |x: &[T], i: usize| f64::from(x[i].to_f32());
    let element = |i: usize, j: usize| {
        let term = |l| {
            at(a, if ta { l * m + i } else { i * k + l })
                * at(b, if tb { j * k + l } else { l * n + j })
        };
        (0..k).map(term).sum()
    };
    (0..m * n).map(|at| element(at / n, at % n)).collect()
}

#[test]
fn products_are_sums_of_products() {
    fn check<T: Float>() {
        for [m, n, k] in [
            [1, 1, 1],
            [3, 100, 2],
            [65, 129, 33],
            [1, 70, 300],
            [70, 1, 300],
            [257, 40, 1025],
        ] {
            for (ta, tb) in [(false, false), (false, true), (true, false), (true, true)] {
                let (a, b) = (uniform::<T>(m * k, 1), uniform::<T>(k * n, 2));
                let shape = |rows, cols, transposed| {
                    if transposed {
                        [cols, rows]
                    } else {
                        [rows, cols]
                    }
                };
                let options = MatmulOptions {
                    transpose_a: ta,
                    transpose_b: tb,
                    ..Default::default()
                };
                let x = tensor(&a, &shape(m, k, ta), &Device::Cpu);
                let y =
                    matmul_with(&x, &tensor(&b, &shape(k, n, tb), &Device::Cpu), &options).unwrap();
                assert_eq!(y.shape(), [m, n]);
                let what = format!("{} {m} {n} {k} {ta} {tb}", T::NAME);
                let want = naive(&a, &b, [m, n, k], ta, tb);
                assert_close_f64(&what, &y.to_vec().unwrap(), &want, sums::<T>(k));
            }
        }
    }
    check::<f32>();
    check::<f16>();
    check::<bf16>();
}

#[test]
fn half_precision_is_rounded_once() {
    // 2048 + 1 is no f16, so a sum kept in f16 would stay at 2048
    let a = Tensor::from_vec(vec![f16::from_f32(1.0); 4096], &[1, 4096], &Device::Cpu).unwrap();
    let b = Tensor::from_vec(vec![f16::from_f32(1.0); 4096], &[4096, 1], &Device::Cpu).unwrap();
    assert_eq!(a.matmul(&b).unwrap().item().unwrap().to_f32(), 4096.0);
}

#[test]
fn batches_broadcast() {
    let (a, b) = (uniform::<f32>(2 * 3 * 4, 3), uniform::<f32>(5 * 4 * 2, 4));
    let y = tensor(&a, &[2, 1, 3, 4], &Device::Cpu)
        .matmul(&tensor(&b, &[5, 4, 2], &Device::Cpu))
        .unwrap();
    assert_eq!(y.shape(), [2, 5, 3, 2]);
    let want: Vec<f64> = (0..10)
        .flat_map(|i| {
            naive(
                &a[i / 5 * 12..][..12],
                &b[i % 5 * 8..][..8],
                [3, 2, 4],
                false,
                false,
            )
        })
        .collect();
    assert_close_f64(
        "broadcast",
        &y.to_vec().unwrap(),
        &want,
        Tolerance::of::<f32>(4, 1.0),
    );
    // a batch large enough to be shared out, and no terms at all
    let x = tensor(&uniform::<f32>(300 * 8 * 8, 5), &[300, 8, 8], &Device::Cpu);
    let square = x.matmul(&x).unwrap().to_vec().unwrap();
    let data = x.to_vec().unwrap();
    let want: Vec<f64> = data
        .chunks(64)
        .flat_map(|x| naive(x, x, [8, 8, 8], false, false))
        .collect();
    assert_close_f64("batch", &square, &want, Tolerance::of::<f32>(8, 1.0));
    let none = Tensor::<f32>::zeros(&[3, 0], &Device::Cpu).unwrap();
    let zeros = none.matmul(&none.reshape(&[0, 3]).unwrap()).unwrap();
    assert_eq!(zeros.to_vec().unwrap(), [0.0; 9]);
}

#[test]
fn linear_is_x_times_the_transposed_weight_plus_bias() {
    let cpu = Device::Cpu;
    let (x, w, bias) = (
        uniform::<f32>(2 * 7 * 5, 6),
        uniform::<f32>(3 * 5, 7),
        uniform::<f32>(3, 8),
    );
    let (tx, tw) = (tensor(&x, &[2, 7, 5], &cpu), tensor(&w, &[3, 5], &cpu));
    let tb = tensor(&bias, &[3], &cpu);
    let y = linear(&tx, &tw, Some(&tb)).unwrap();
    assert_eq!(y.shape(), [2, 7, 3]);
    let mut want = naive(&x, &w, [14, 3, 5], false, true);
    want.iter_mut()
        .enumerate()
        .for_each(|(i, y)| *y += f64::from(bias[i % 3]));
    assert_close_f64(
        "linear",
        &y.to_vec().unwrap(),
        &want,
        Tolerance::of::<f32>(6, 1.0),
    );

    let sigmoid = |v: f64| 1.0 / (1.0 + (-v).exp());
    for activation in [Activation::Relu, Activation::Sigmoid, Activation::Tanh] {
        let f = |v: f64| match activation {
            Activation::Relu => v.max(0.0),
            Activation::Tanh => v.tanh(),
            _ => sigmoid(v),
        };
        let options = MatmulOptions {
            transpose_b: true,
            bias: Some(&tb),
            activation,
            ..Default::default()
        };
        let y = matmul_with(&tx, &tw, &options).unwrap().to_vec().unwrap();
        let want: Vec<f64> = want.iter().map(|&v| f(v)).collect();
        assert_close_f64("activation", &y, &want, Tolerance::of::<f32>(8, 1.0));
    }
}

#[test]
fn nan_and_infinity_are_those_of_ieee() {
    let row = |values: &[f32]| tensor(values, &[1, values.len()], &Device::Cpu);
    let dot = |a: &[f32], b: &[f32]| {
        let options = MatmulOptions {
            transpose_b: true,
            activation: Activation::Relu,
            ..Default::default()
        };
        matmul_with(&row(a), &row(b), &options)
            .unwrap()
            .item()
            .unwrap()
    };
    assert!(dot(&[0.0, 1.0], &[f32::INFINITY, 1.0]).is_nan());
    assert!(dot(&[0.0, 1.0], &[f32::NAN, 1.0]).is_nan());
    assert_eq!(dot(&[2.0, 1.0], &[f32::INFINITY, 1.0]), f32::INFINITY);
}
