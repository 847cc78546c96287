use warpsmith::ops::{AdamOptions, SgdOptions, adam_step, sgd_step};
use warpsmith::{Device, Tensor};

use crate::assert_says;

fn zeros(shape: &[usize]) -> Tensor<f32> {
    Tensor::zeros(shape, &Device::Cpu).unwrap()
}

#[test]
fn sgd_options() {
    let ok = SgdOptions::default();
    let step = |options: &SgdOptions, step| {
        let (mut p, g) = (zeros(&[2]), zeros(&[2]));
        sgd_step(&mut p, &g, None, options, step)
    };
    assert_says(step(&SgdOptions { lr: -1.0, ..ok }, 1), &["lr", "-1"]);
    let weight_decay = f64::NAN;
    assert_says(
        step(&SgdOptions { weight_decay, ..ok }, 1),
        &["weight_decay"],
    );
    let nesterov = true;
    assert_says(step(&SgdOptions { nesterov, ..ok }, 1), &["nesterov"]);
    let momentum = 0.9;
    assert_says(
        step(&SgdOptions { momentum, ..ok }, 1),
        &["velocity", "none"],
    );
    assert_says(step(&ok, 0), &["from 1", "0"]);
}

#[test]
fn adam_options() {
    let ok = AdamOptions::default();
    let step = |options: &AdamOptions, step| {
        let [mut p, g, mut m, mut v] = [(); 4].map(|()| zeros(&[2]));
        adam_step(&mut p, &g, &mut m, &mut v, options, step)
    };
    assert_says(
        step(&AdamOptions { beta1: 1.0, ..ok }, 1),
        &["beta1", "[0, 1)"],
    );
    assert_says(
        step(&AdamOptions { beta2: -0.1, ..ok }, 1),
        &["beta2", "-0.1"],
    );
    assert_says(step(&AdamOptions { eps: -1.0, ..ok }, 1), &["eps", "-1"]);
    assert_says(step(&ok, 0), &["from 1", "0"]);
}

#[test]
fn shapes_that_differ() {
    let (mut p, mut m) = (zeros(&[2, 3]), zeros(&[2, 3]));
    let (g, mut wrong) = (zeros(&[2, 3]), zeros(&[6]));
    let words = ["[2, 3]", "[6]"];
    let options = SgdOptions {
        momentum: 0.9,
        ..SgdOptions::default()
    };
    assert_says(
        sgd_step(&mut p, &wrong, None, &SgdOptions::default(), 1),
        &words,
    );
    assert_says(sgd_step(&mut p, &g, Some(&mut wrong), &options, 1), &words);
    let options = AdamOptions::default();
    assert_says(
        adam_step(&mut p, &g, &mut m, &mut wrong, &options, 1),
        &words,
    );
}
