use warpsmith::ops::{
    AdadeltaOptions, AdagradOptions, AdamOptions, HalfCopy, RmsPropOptions, SgdOptions, Slot,
    adadelta_step, adagrad_step, adam_amsgrad_step, adam_step, adam_steps, rmsprop_centered_step,
    rmsprop_step, rmsprop_steps, sgd_step, sgd_steps,
};
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
fn adagrad_options() {
    let ok = AdagradOptions::default();
    let step = |options: &AdagradOptions, step| {
        let [mut p, g, mut sum] = [(); 3].map(|()| zeros(&[2]));
        adagrad_step(&mut p, &g, &mut sum, options, step)
    };
    let lr_decay = -0.5;
    assert_says(
        step(&AdagradOptions { lr_decay, ..ok }, 1),
        &["lr_decay", "-0.5"],
    );
    let eps = f64::INFINITY;
    assert_says(step(&AdagradOptions { eps, ..ok }, 1), &["eps", "inf"]);
    assert_says(step(&ok, 0), &["from 1", "0"]);
}

#[test]
fn adadelta_options() {
    let ok = AdadeltaOptions::default();
    let step = |options: &AdadeltaOptions| {
        let [mut p, g, mut v, mut u] = [(); 4].map(|()| zeros(&[2]));
        adadelta_step(&mut p, &g, &mut v, &mut u, options)
    };
    assert_says(
        step(&AdadeltaOptions { rho: 1.5, ..ok }),
        &["rho", "[0, 1)", "1.5"],
    );
    assert_says(step(&AdadeltaOptions { lr: -1.0, ..ok }), &["lr", "-1"]);
}

#[test]
fn rmsprop_options() {
    let ok = RmsPropOptions::default();
    let step = |options: &RmsPropOptions| {
        let [mut p, g, mut v] = [(); 3].map(|()| zeros(&[2]));
        rmsprop_step(&mut p, &g, &mut v, None, options)
    };
    let alpha = f64::NAN;
    assert_says(step(&RmsPropOptions { alpha, ..ok }), &["alpha", "NaN"]);
    let momentum = 0.9;
    assert_says(
        step(&RmsPropOptions { momentum, ..ok }),
        &["velocity", "none"],
    );
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
    assert_says(
        adagrad_step(&mut p, &g, &mut wrong, &AdagradOptions::default(), 1),
        &words,
    );
    assert_says(
        adadelta_step(&mut p, &g, &mut m, &mut wrong, &AdadeltaOptions::default()),
        &words,
    );
    let options = RmsPropOptions {
        momentum: 0.9,
        ..RmsPropOptions::default()
    };
    assert_says(
        rmsprop_step(&mut p, &g, &mut m, Some(&mut wrong), &options),
        &words,
    );
}

#[test]
fn one_bad_slot_of_many() {
    let [mut p, mut q, mut m, mut v, mut n, mut w] =
        [(); 6].map(|()| Tensor::full(&[2], 1.0_f32, &Device::Cpu).unwrap());
    let (grad, wrong) = (zeros(&[2]), zeros(&[3]));
    let slot = |param, grad, states| Slot {
        copy: None,
        param,
        grad,
        states,
    };
    let good = slot(&mut p, &grad, [&mut m, &mut v]);
    let bad = slot(&mut q, &wrong, [&mut n, &mut w]);
    let options = AdamOptions {
        weight_decay: 0.5,
        ..AdamOptions::default()
    };
    assert_says(
        adam_steps(&mut [good, bad], &options, 1),
        &["adam", "[2]", "[3]"],
    );
    for untouched in [p, m, v] {
        assert_eq!(untouched.to_vec().unwrap(), [1.0; 2]);
    }
    // no parameters at all are stepped at once, but not with options that are wrong
    adam_steps::<f32>(&mut [], &options, 1).unwrap();
    assert_says(adam_steps::<f32>(&mut [], &options, 0), &["from 1", "0"]);
}

/// Options and states are of one form.
#[test]
fn states_that_the_options_do_not_have() {
    let [mut p, g, mut a, mut b, mut c] = [(); 5].map(|()| zeros(&[2]));
    let (with, without) = (true, false);
    let amsgrad = |amsgrad| AdamOptions {
        amsgrad,
        ..AdamOptions::default()
    };
    assert_says(
        adam_step(&mut p, &g, &mut a, &mut b, &amsgrad(with), 1),
        &["adam", "amsgrad", "none"],
    );
    assert_says(
        adam_amsgrad_step(&mut p, &g, &mut a, &mut b, &mut c, &amsgrad(without), 1),
        &["adam_amsgrad", "amsgrad: false"],
    );
    let centered = |centered, momentum| RmsPropOptions {
        centered,
        momentum,
        ..RmsPropOptions::default()
    };
    for momentum in [0.0, 0.5] {
        assert_says(
            rmsprop_step(&mut p, &g, &mut a, Some(&mut c), &centered(with, momentum)),
            &["rmsprop", "mean", "centered", "none"],
        );
        let options = centered(without, momentum);
        assert_says(
            rmsprop_centered_step(&mut p, &g, &mut a, &mut b, Some(&mut c), &options),
            &["rmsprop_centered", "centered: false"],
        );
    }
    assert_says(
        rmsprop_centered_step(&mut p, &g, &mut a, &mut b, None, &centered(with, 0.5)),
        &["velocity", "none"],
    );
    for untouched in [p, a, b, c] {
        assert_eq!(untouched.to_vec().unwrap(), [0.0; 2]);
    }
}

#[test]
fn momentum_without_a_place_for_it() {
    let options = SgdOptions {
        momentum: 0.9,
        ..SgdOptions::default()
    };
    assert_says(sgd_steps::<f32>(&mut [], &options), &["velocity", "none"]);
    let options = RmsPropOptions {
        momentum: 0.9,
        ..RmsPropOptions::default()
    };
    assert_says(
        rmsprop_steps::<f32>(&mut [], &options),
        &["velocity", "none"],
    );
}

#[test]
fn a_copy_of_another_shape() {
    let [mut p, g] = [1.0, 0.5].map(|v| Tensor::full(&[2], v, &Device::Cpu).unwrap());
    let mut copy = Tensor::zeros(&[3], &Device::Cpu).unwrap();
    let slot = Slot::<f32, 0> {
        param: &mut p,
        grad: &g,
        states: [],
        copy: Some(HalfCopy::Bf16(&mut copy)),
    };
    let got = sgd_steps(&mut [slot], &SgdOptions::default());
    assert_says(got, &["sgd", "[2]", "[3]"]);
    assert_eq!(p.to_vec().unwrap(), [1.0; 2]);
}
