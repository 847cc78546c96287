use half::f16;
use warpsmith::nn::CrossEntropyLoss;
use warpsmith::ops::{
    CrossEntropyOptions, Reduction, cross_entropy, cross_entropy_backward,
    cross_entropy_backward_with, cross_entropy_with,
};
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

/// What PyTorch's `cross_entropy_loss_label_smoothing` does, in f64: the loss of each row and its weight.
fn rows_of(
    x: &[f64],
    labels: &[i32],
    classes: usize,
    options: &CrossEntropyOptions<'_>,
) -> Vec<[f64; 2]> {
    let log = naive(x, classes, true);
    let weight: Vec<f64> = match options.weight {
        Some(weight) => wide(&weight.to_vec().unwrap()),
        None => vec![1.0; classes],
    };
    let row = |(row, &label): (usize, &i32)| {
        if label == options.ignore_index {
            return [0.0, 0.0];
        }
        let (log, label) = (&log[row * classes..][..classes], label as usize);
        let nll = -weight[label] * log[label];
        let smooth: f64 = (0..classes).map(|c| -weight[c] * log[c]).sum();
        let s = options.label_smoothing;
        [(1.0 - s) * nll + s / classes as f64 * smooth, weight[label]]
    };
    labels.iter().enumerate().map(row).collect()
}

/// Every combination: reductions, weights or none, smoothing or none, with rows that are ignored.
fn combinations(weight: &Tensor<f32>) -> Vec<CrossEntropyOptions<'_>> {
    let mut all = Vec::new();
    for reduction in [Reduction::None, Reduction::Mean, Reduction::Sum] {
        for weight in [None, Some(weight)] {
            for (label_smoothing, ignore_index) in [(0.0, -100), (0.3, 2)] {
                all.push(CrossEntropyOptions {
                    weight,
                    ignore_index,
                    reduction,
                    label_smoothing,
                });
            }
        }
    }
    all
}

/// Labels of which some are ignored by default.
fn some_ignored(rows: usize, classes: usize) -> Vec<i32> {
    let mut labels = labels(rows, classes);
    for label in labels.iter_mut().step_by(5) {
        *label = -100;
    }
    labels
}

fn reduced(rows: &[[f64; 2]], reduction: Reduction) -> Vec<f64> {
    let sum = |i: usize| rows.iter().map(|row| row[i]).sum::<f64>();
    match reduction {
        Reduction::None => rows.iter().map(|row| row[0]).collect(),
        Reduction::Mean => vec![sum(0) / sum(1)],
        Reduction::Sum => vec![sum(0)],
    }
}

#[test]
fn options_are_pytorchs() {
    fn check<T: Float>() {
        let (rows, classes) = (4200, 7);
        let x = outliers::<T>(rows * classes, 1);
        let weight: Vec<f32> = uniform::<f32>(classes, 3).iter().map(|w| w.abs()).collect();
        let weight = tensor(&weight, &[classes], &Device::Cpu);
        for options in combinations(&weight) {
            let labels = match options.ignore_index {
                -100 => some_ignored(rows, classes),
                _ => labels(rows, classes),
            };
            let want = reduced(
                &rows_of(&wide(&x), &labels, classes, &options),
                options.reduction,
            );
            let x = tensor(&x, &[rows, classes], &Device::Cpu);
            let labels = tensor(&labels, &[rows], &Device::Cpu);
            let got = cross_entropy_with(&x, &labels, &options).unwrap();
            let tolerance = Tolerance::of::<T>(2, 1e-3);
            let got = got.to_vec().unwrap();
            if T::NAME == "f16" && options.reduction == Reduction::Sum {
                // past its largest number
                continue;
            }
            assert_close_f64(&format!("{options:?}"), &got, &want, tolerance);
        }
    }
    check::<f32>();
    check::<f16>();
}

#[test]
fn backward_with_options_is_the_slope() {
    let (rows, classes) = (6, 5);
    let x = uniform::<f32>(rows * classes, 2);
    let weight = tensor(&[0.5_f32, 2.0, 1.0, 0.1, 3.0], &[classes], &Device::Cpu);
    for options in combinations(&weight) {
        let labels = match options.ignore_index {
            -100 => some_ignored(rows, classes),
            _ => labels(rows, classes),
        };
        let shape: &[usize] = match options.reduction {
            Reduction::None => &[rows],
            _ => &[],
        };
        let dy = uniform::<f32>(shape.iter().product(), 9);
        let want = central_differences(&wide(&x), |x| {
            let losses = reduced(&rows_of(x, &labels, classes, &options), options.reduction);
            let scaled = losses
                .iter()
                .zip(&dy)
                .map(|(loss, dy)| loss * f64::from(*dy));
            scaled.sum()
        });
        let x = tensor(&x, &[rows, classes], &Device::Cpu);
        let labels = tensor(&labels, &[rows], &Device::Cpu);
        let dy = tensor(&dy, shape, &Device::Cpu);
        let dx = cross_entropy_backward_with(Some(&dy), &x, &labels, &options).unwrap();
        let tolerance = Tolerance {
            abs: 2e-7,
            rel: 2e-5,
        };
        let dx = dx.to_vec().unwrap();
        assert_close_f64(&format!("{options:?}"), &dx, &want, tolerance);
        // the layer, which keeps the sum of the weights
        let mut layer = CrossEntropyLoss::new()
            .ignore_index(options.ignore_index)
            .reduction(options.reduction)
            .label_smoothing(options.label_smoothing);
        if let Some(weight) = options.weight {
            layer = layer.weight(weight.clone());
        }
        let loss = layer.forward(&x, &labels).unwrap();
        let op = cross_entropy_with(&x, &labels, &options).unwrap();
        assert_eq!(loss.to_vec().unwrap(), op.to_vec().unwrap());
        assert_eq!(layer.backward_from(&dy).unwrap().to_vec().unwrap(), dx);
        if options.reduction != Reduction::None {
            let ones = cross_entropy_backward_with(None, &x, &labels, &options).unwrap();
            let backward = layer.backward().unwrap();
            assert_eq!(backward.to_vec().unwrap(), ones.to_vec().unwrap());
        }
    }
}

/// PyTorch divides nothing by nothing, and leaves their gradients 0; what stands in an ignored row does not matter.
#[test]
fn rows_that_are_all_ignored() {
    let x = tensor(
        &[1.0_f32, f32::NAN, f32::INFINITY, 2.0],
        &[2, 2],
        &Device::Cpu,
    );
    let labels = tensor(&[-100, -100], &[2], &Device::Cpu);
    assert!(cross_entropy(&x, &labels).unwrap().item().unwrap().is_nan());
    let dx = cross_entropy_backward(&x, &labels).unwrap();
    assert_eq!(dx.to_vec().unwrap(), [0.0; 4]);
    let sum = CrossEntropyOptions {
        reduction: Reduction::Sum,
        ..CrossEntropyOptions::default()
    };
    let loss = cross_entropy_with(&x, &labels, &sum).unwrap();
    assert_eq!(loss.item().unwrap(), 0.0);
}
