use half::f16;
use warpsmith::ops::column_sum;
use warpsmith::{Device, Float, Tensor};

use super::softmax::wide;
use crate::common::compare::{Tolerance, assert_close_f64};
use crate::common::data::{SHAPES, outliers, tensor};

#[test]
fn sum_and_mean_are_those_of_f64() {
    fn check<T: Float>(n: usize) {
        let x = outliers::<T>(n, 1);
        let want: f64 = wide(&x).iter().sum();
        let x = tensor(&x, &[n], &Device::Cpu);
        // added in f64: no allowance for what cancels
        let tolerance = Tolerance::of::<T>(1, 0.0);
        assert_close_f64(
            "sum",
            &x.sum().unwrap().to_vec().unwrap(),
            &[want],
            tolerance,
        );
        let mean = x.mean().unwrap().to_vec().unwrap();
        let tolerance = Tolerance {
            abs: 6e-8,
            ..tolerance
        };
        assert_close_f64("mean", &mean, &[want / n as f64], tolerance);
    }
    for n in [1, 1000, 70_001] {
        check::<f32>(n);
        check::<f16>(n);
    }
}

#[test]
fn sum_and_mean_of_nothing() {
    let nothing = Tensor::<f32>::zeros(&[0, 3], &Device::Cpu).unwrap();
    assert_eq!(nothing.sum().unwrap().item().unwrap(), 0.0);
    assert!(nothing.mean().unwrap().item().unwrap().is_nan());
    assert_eq!(column_sum(&nothing).unwrap().to_vec().unwrap(), [0.0; 3]);
}

#[test]
fn sums_of_small_beside_large_values() {
    // in f32 each 1 would be lost beside 2^24
    let mut x = vec![1.0_f32; 100_000];
    x[0] = 16_777_216.0;
    let x = tensor(&x, &[100_000], &Device::Cpu);
    assert_eq!(x.sum().unwrap().item().unwrap(), 16_877_215.0);
    assert_eq!(
        column_sum(&x.reshape(&[50_000, 2]).unwrap())
            .unwrap()
            .to_vec()
            .unwrap()[0],
        16_827_215.0
    );
}

#[test]
fn column_sum_is_the_formula() {
    for shape in &SHAPES {
        let x = outliers::<f32>(shape.numel(), 1);
        let mut want = vec![0.0; shape.cols];
        for row in wide(&x).chunks(shape.cols) {
            want.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
        }
        let got = column_sum(&tensor(&x, &shape.dims(), &Device::Cpu)).unwrap();
        let tolerance = Tolerance::of::<f32>(1, 0.0);
        assert_close_f64(shape.name, &got.to_vec().unwrap(), &want, tolerance);
    }
}
