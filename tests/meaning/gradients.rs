//! What is done to gradients between backward and step.

use warpsmith::nn::optim::{Optimizer, Sgd};
use warpsmith::nn::{
    CrossEntropyLoss, GradScaler, Linear, Module, Precision, Sequential, clip_grad_norm_,
    load_checkpoint_scaled, load_state_dict, save_checkpoint_scaled, state_dict,
};
use warpsmith::{Device, Generator, Tensor};

use crate::common::compare::{Tolerance, assert_close};
use crate::common::data::{tensor, uniform};

const CPU: Device = Device::Cpu;

fn network(precision: Precision) -> Sequential {
    let mut generator = Generator::manual_seed(8);
    Sequential::new()
        .push(Linear::new(5, 7, &mut generator, &CPU).unwrap())
        .push(Linear::new(7, 3, &mut generator, &CPU).unwrap())
        .precision(precision)
}

fn gradients(model: &mut Sequential) -> Vec<f32> {
    let parameters = model.parameters();
    let gradients = parameters.iter().map(|p| p.grad.to_vec().unwrap());
    gradients.flatten().collect()
}

fn batch(rows: usize) -> (Tensor<f32>, Tensor<i32>) {
    let labels: Vec<i32> = (0..rows).map(|i| (i % 3) as i32).collect();
    (
        tensor(&uniform::<f32>(rows * 5, 1), &[rows, 5], &CPU),
        tensor(&labels, &[rows], &CPU),
    )
}

#[test]
fn a_batch_in_parts() {
    let (x, dy) = (uniform::<f32>(60, 1), uniform::<f32>(36, 2));
    for (precision, abs) in [
        (Precision::F32, 1e-5),
        (Precision::Bf16, 0.1),
        (Precision::F16, 0.01),
    ] {
        let mut model = network(precision);
        let mut pass = |accumulate: bool, rows: std::ops::Range<usize>| {
            let n = rows.len();
            let x = tensor(&x[5 * rows.start..5 * rows.end], &[n, 5], &CPU);
            let dy = tensor(&dy[3 * rows.start..3 * rows.end], &[n, 3], &CPU);
            model.accumulate_grad(accumulate);
            model.forward(&x).unwrap();
            model.backward_parameters(&dy).unwrap();
            gradients(&mut model)
        };
        let first = pass(false, 0..4);
        pass(true, 4..9);
        let parts = pass(true, 9..12);
        // written again, not added to
        assert_eq!(pass(false, 0..4), first, "{precision}");
        let whole = pass(false, 0..12);
        let tolerance = Tolerance { abs, rel: 0.0 };
        assert_close("parts", &parts, &whole, tolerance);
        let moved = first.iter().zip(&whole).any(|(a, b)| (a - b).abs() > 0.2);
        assert!(moved, "{precision}");
    }
}

#[test]
fn a_norm_that_is_clipped() {
    let mut model = network(Precision::F32);
    let (x, labels) = batch(9);
    let mut criterion = CrossEntropyLoss::new();
    let logits = model.forward(&x).unwrap();
    criterion.forward(&logits, &labels).unwrap();
    let grad = criterion.backward().unwrap();
    model.backward_parameters(&grad).unwrap();
    let before = gradients(&mut model);
    let squares: f64 = before.iter().map(|&g| f64::from(g).powi(2)).sum();
    let norm = clip_grad_norm_(&mut model, 100.0).unwrap();
    let norm = f64::from(norm.item().unwrap());
    assert!((norm - squares.sqrt()).abs() < 1e-6 * norm, "{norm}");
    assert_eq!(gradients(&mut model), before);
    let again = clip_grad_norm_(&mut model, norm / 4.0).unwrap();
    assert_eq!(f64::from(again.item().unwrap()), norm);
    let want: Vec<f32> = before.iter().map(|g| g / 4.0).collect();
    let tolerance = Tolerance {
        abs: 0.0,
        rel: 1e-4,
    };
    assert_close("clipped", &gradients(&mut model), &want, tolerance);
    let none = clip_grad_norm_(&mut Sequential::new(), 1.0).unwrap();
    assert_eq!(none.item().unwrap(), 0.0);
}

/// Gradients of 2^-27, half of the smallest number of f16, are lost, but not where the loss is scaled.
#[test]
fn small_gradients_are_kept() {
    let run = |scaler: &mut GradScaler| {
        let mut model = network(Precision::F16);
        let (x, labels) = batch(3);
        let weight = Tensor::full(&[3], 2_f32.powi(-27), &CPU).unwrap();
        let mut criterion = CrossEntropyLoss::new()
            .weight(weight)
            .reduction(warpsmith::ops::Reduction::Sum);
        let logits = model.forward(&x).unwrap();
        criterion.forward(&logits, &labels).unwrap();
        model
            .backward_parameters(&scaler.backward(&criterion).unwrap())
            .unwrap();
        scaler.unscale_(&mut model).unwrap();
        scaler.step(&mut Sgd::new(0.1), &mut model).unwrap();
        scaler.update().unwrap();
        assert_eq!(scaler.state_dict().unwrap().skipped, 0);
        gradients(&mut model)
    };
    let plain = run(&mut GradScaler::new().enabled(false));
    assert!(plain.iter().all(|&g| g == 0.0), "{plain:?}");
    let scaled = run(&mut GradScaler::new());
    let largest = scaled.iter().fold(0.0_f32, |m, g| m.max(g.abs()));
    let unit = 2_f32.powi(-27);
    assert!(
        largest > 0.1 * unit && largest < 10.0 * unit,
        "{largest} of {unit}"
    );
}

#[test]
fn a_step_that_overflows_is_skipped() {
    let mut model = network(Precision::F16);
    let (x, labels) = batch(6);
    let values = |model: &mut Sequential| model.parameters()[0].value.to_vec().unwrap();
    let mut sgd = Sgd::new(0.1);
    let mut scaler = GradScaler::new()
        .init_scale(2_f32.powi(20))
        .growth_interval(2);
    let mut criterion = CrossEntropyLoss::new();
    let mut run = |model: &mut Sequential, scaler: &mut GradScaler| {
        let logits = model.forward(&x).unwrap();
        criterion.forward(&logits, &labels).unwrap();
        model
            .backward_parameters(&scaler.backward(&criterion).unwrap())
            .unwrap();
        let before = scaler.state_dict().unwrap().skipped;
        scaler.step(&mut sgd, model).unwrap();
        scaler.update().unwrap();
        let made = scaler.state_dict().unwrap().skipped == before;
        (made, sgd.steps().unwrap())
    };
    let mut skipped = 0;
    loop {
        let (before, scale) = (values(&mut model), scaler.scale().unwrap());
        let (made, steps) = run(&mut model, &mut scaler);
        assert_eq!(values(&mut model) != before, made);
        if made {
            assert_eq!((steps, scaler.scale().unwrap()), (1, scale));
            break;
        }
        skipped += 1;
        assert_eq!((steps, scaler.scale().unwrap()), (0, scale / 2.0));
    }
    assert!(skipped > 0);
    assert_eq!(scaler.state_dict().unwrap().skipped, skipped);
    // a second in a row
    let scale = scaler.scale().unwrap();
    assert!(run(&mut model, &mut scaler).0);
    assert_eq!(scaler.scale().unwrap(), 2.0 * scale);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("checkpoint.safetensors");
    save_checkpoint_scaled(&mut model, &sgd, &scaler, &file).unwrap();
    let (mut other, mut fresh) = (network(Precision::F16), GradScaler::new());
    let mut optimizer = Sgd::new(0.1);
    load_checkpoint_scaled(&mut other, &mut optimizer, &mut fresh, &file).unwrap();
    assert_eq!(fresh.state_dict().unwrap(), scaler.state_dict().unwrap());
    assert_eq!(optimizer.steps().unwrap(), 2);
    assert_eq!(values(&mut other), values(&mut model));
}

/// Unscaled gradients can be clipped, and are not divided once more.
#[test]
fn a_scaler_and_a_clip() {
    let (x, labels) = batch(6);
    let run = |scaler: &mut GradScaler, unscale: bool, max_norm: f64| {
        let mut model = network(Precision::F32);
        let mut criterion = CrossEntropyLoss::new();
        let logits = model.forward(&x).unwrap();
        criterion.forward(&logits, &labels).unwrap();
        // a batch in parts, of one scale
        for accumulate in [false, true] {
            model.accumulate_grad(accumulate);
            model
                .backward_parameters(&scaler.backward(&criterion).unwrap())
                .unwrap();
        }
        if unscale {
            scaler.unscale_(&mut model).unwrap();
        }
        if max_norm < f64::INFINITY {
            clip_grad_norm_(&mut model, max_norm).unwrap();
        }
        scaler.step(&mut Sgd::new(0.1), &mut model).unwrap();
        scaler.update().unwrap();
        let parameters = model.parameters().into_iter();
        let values = parameters.map(|p| p.value.to_vec().unwrap());
        values.collect::<Vec<_>>()
    };
    // powers of two change no digit
    let off = || GradScaler::new().enabled(false);
    let want = run(&mut off(), false, f64::INFINITY);
    assert_eq!(run(&mut GradScaler::new(), false, f64::INFINITY), want);
    assert_eq!(run(&mut GradScaler::new(), true, f64::INFINITY), want);
    let clipped = run(&mut off(), false, 0.01);
    assert_ne!(clipped, want);
    assert_eq!(run(&mut GradScaler::new(), true, 0.01), clipped);
}

/// The copies that a forward in f16 computes with are those of the values, whether a step was skipped or not.
#[test]
fn a_skipped_step_leaves_the_copies() {
    let (x, labels) = batch(6);
    let mut model = network(Precision::F16);
    let mut criterion = CrossEntropyLoss::new();
    let mut scaler = GradScaler::new().init_scale(2_f32.powi(30));
    let mut sgd = Sgd::new(0.1);
    for touched in [false, true] {
        let logits = model.forward(&x).unwrap();
        criterion.forward(&logits, &labels).unwrap();
        let grad = scaler.backward(&criterion).unwrap();
        model.backward_parameters(&grad).unwrap();
        if touched {
            // between forward and step: the copies are of what was there before
            model.parameters()[0].value.mul_(2.0).unwrap();
        }
        scaler.step(&mut sgd, &mut model).unwrap();
        scaler.update().unwrap();
        assert_eq!(sgd.steps().unwrap(), 0);
        let mut other = network(Precision::F16);
        load_state_dict(&mut other, &state_dict(&mut model).unwrap()).unwrap();
        let [got, want] = [&mut model, &mut other].map(|m| m.forward(&x).unwrap());
        assert_eq!(got.to_vec().unwrap(), want.to_vec().unwrap());
    }
}
