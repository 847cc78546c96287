//! The ops over rows: softmax, cross_entropy, argmax, sum, column_sum.

use warpsmith::ops::{
    CrossEntropyOptions, column_sum, column_sum_out, cross_entropy, cross_entropy_backward,
    cross_entropy_backward_out, cross_entropy_backward_with, cross_entropy_out, cross_entropy_with,
    log_softmax_backward, softmax_backward,
};
use warpsmith::{Device, Tensor};

use crate::assert_says;

fn zeros(shape: &[usize]) -> Tensor<f32> {
    Tensor::zeros(shape, &Device::Cpu).unwrap()
}

fn labels(labels: &[i32]) -> Tensor<i32> {
    Tensor::from_slice(labels, &[labels.len()], &Device::Cpu).unwrap()
}

#[test]
fn softmax() {
    let (x, mut y, scalar) = (zeros(&[2, 3]), zeros(&[3, 2]), zeros(&[]));
    assert_says(x.softmax_out(&mut y), &["softmax", "[2, 3]", "[3, 2]"]);
    assert_says(
        x.log_softmax_out(&mut y),
        &["log_softmax", "[2, 3]", "[3, 2]"],
    );
    assert_says(
        softmax_backward(&x, &y),
        &["softmax_backward", "[2, 3]", "[3, 2]"],
    );
    assert_says(
        log_softmax_backward(&x, &y),
        &["log_softmax_backward", "[2, 3]", "[3, 2]"],
    );
    assert_says(scalar.softmax(), &["softmax", "one dimension", "scalar"]);
    assert_says(scalar.log_softmax(), &["log_softmax", "one dimension"]);
    assert_says(
        softmax_backward(&scalar, &scalar),
        &["softmax_backward", "one dimension"],
    );
    assert_eq!(zeros(&[2, 0]).softmax().unwrap().shape(), [2, 0]);
}

#[test]
fn shapes_of_cross_entropy() {
    let op = "cross_entropy";
    assert_says(
        cross_entropy(&zeros(&[2]), &labels(&[0])),
        &[op, "[rows, classes]", "[2]"],
    );
    assert_says(
        cross_entropy(&zeros(&[2, 3]), &labels(&[0])),
        &[op, "[2]", "[1]"],
    );
    assert_says(
        cross_entropy(&zeros(&[1, 0]), &labels(&[0])),
        &[op, "one class", "[1, 0]"],
    );
    let (x, y) = (zeros(&[1, 3]), labels(&[0]));
    assert_says(
        cross_entropy_out(&x, &y, &mut zeros(&[1])),
        &[op, "[]", "[1]"],
    );
    let mut dx = zeros(&[3, 1]);
    let result = cross_entropy_backward_out(&x, &y, &mut dx);
    assert_says(result, &["cross_entropy_backward", "[1, 3]", "[3, 1]"]);
}

#[test]
fn labels_outside_the_classes() {
    for label in [3, -1, i32::MIN, i32::MAX] {
        let (x, labels) = (zeros(&[3, 3]), labels(&[0, label, 2]));
        let said = label.to_string();
        let words = ["cross_entropy", "0..3", &said, "row 1"];
        assert_says(cross_entropy(&x, &labels), &words);
        assert_says(cross_entropy_backward(&x, &labels), &words);
    }
}

#[test]
fn options_of_cross_entropy() {
    let (x, y, weight) = (zeros(&[2, 3]), labels(&[0, -100]), zeros(&[2]));
    let ok = CrossEntropyOptions::default();
    let weight = Some(&weight);
    assert_says(
        cross_entropy_with(&x, &y, &CrossEntropyOptions { weight, ..ok }),
        &["cross_entropy", "[3]", "[2]"],
    );
    for label_smoothing in [-0.1, 1.1, f64::NAN] {
        let options = CrossEntropyOptions {
            label_smoothing,
            ..ok
        };
        assert_says(cross_entropy_with(&x, &y, &options), &["label_smoothing"]);
    }
    // what is ignored by default is a label like others where another is ignored
    let options = CrossEntropyOptions {
        ignore_index: 1,
        ..ok
    };
    assert_says(cross_entropy_with(&x, &y, &options), &["-100", "row 1"]);
    assert_says(
        cross_entropy_backward_with(Some(&zeros(&[1])), &x, &y, &ok),
        &["cross_entropy_backward", "[]", "[1]"],
    );
}

#[test]
fn reductions() {
    let x = zeros(&[2, 3]);
    assert_says(x.sum_out(&mut zeros(&[1])), &["sum", "[]", "[1]"]);
    assert_says(x.mean_out(&mut zeros(&[2])), &["mean", "[]", "[2]"]);
    assert_says(
        column_sum_out(&x, &mut zeros(&[2])),
        &["column_sum", "[3]", "[2]"],
    );
    assert_says(
        column_sum(&zeros(&[])),
        &["column_sum", "one dimension", "scalar"],
    );
    assert_says(zeros(&[2, 0]).argmax(), &["argmax", "one column", "[2, 0]"]);
    assert_says(zeros(&[]).argmax(), &["argmax", "one dimension", "scalar"]);
    assert_says(x.argmax_out(&mut labels(&[0])), &["argmax", "[2]", "[1]"]);
    assert_eq!(zeros(&[0, 0]).argmax().unwrap().numel(), 0);
}
