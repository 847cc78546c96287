use half::f16;
use warpsmith::ops::{cross_entropy, cross_entropy_backward};
use warpsmith::{Device, Float, Tensor};

use super::softmax::{central_differences, naive, wide};
use crate::common::compare::{Tolerance, assert_close_f64};
use crate::common::data::{outliers, tensor, uniform};

fn labels(rows: usize, classes: usize) -> Vec<i32> {
    (0..rows).map(|row| (row * 31 % classes) as i32).collect()
}

fn loss(x: &[f64], labels: &[i32], classes: usize) -> f64 {
    let log = naive(x, classes, true);
    let losses = labels
        .iter()
        .enumerate()
        .map(|(row, &label)| -log[row * classes + label as usize]);
    losses.sum::<f64>() / labels.len() as f64
}

#[test]
fn forward_is_the_mean_of_the_labels_log_softmax() {
    fn check<T: Float>() {
        // the second has more rows than are kept at a time
        for (rows, classes) in [(64, 1000), (9001, 3)] {
            let (x, labels) = (outliers::<T>(rows * classes, 1), labels(rows, classes));
            let want = loss(&wide(&x), &labels, classes);
            let x = tensor(&x, &[rows, classes], &Device::Cpu);
            let got = cross_entropy(&x, &tensor(&labels, &[rows], &Device::Cpu)).unwrap();
            assert_eq!(got.shape(), [0_usize; 0]);
            let tolerance = Tolerance::of::<T>(2, 0.0);
            assert_close_f64("cross_entropy", &got.to_vec().unwrap(), &[want], tolerance);
        }
    }
    check::<f32>();
    check::<f16>();
}

#[test]
fn backward_is_the_slope() {
    let (rows, classes) = (4, 6);
    let (x, labels) = (uniform::<f32>(rows * classes, 2), labels(rows, classes));
    let want = central_differences(&wide(&x), |x| loss(x, &labels, classes));
    let x = tensor(&x, &[rows, classes], &Device::Cpu);
    let dx = cross_entropy_backward(&x, &tensor(&labels, &[rows], &Device::Cpu)).unwrap();
    let tolerance = Tolerance {
        abs: 1e-7,
        rel: 1e-5,
    };
    assert_close_f64(
        "cross_entropy_backward",
        &dx.to_vec().unwrap(),
        &want,
        tolerance,
    );
}

#[test]
fn no_rows() {
    let (x, labels) = (
        Tensor::<f32>::zeros(&[0, 3], &Device::Cpu),
        Tensor::zeros(&[0], &Device::Cpu),
    );
    let (x, labels) = (x.unwrap(), labels.unwrap());
    assert!(cross_entropy(&x, &labels).unwrap().item().unwrap().is_nan());
    assert_eq!(cross_entropy_backward(&x, &labels).unwrap().shape(), [0, 3]);
}
