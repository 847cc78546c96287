use half::bf16;
use warpsmith::nn::optim::{Optimizer, Scaling, Sgd};
use warpsmith::nn::{
    CrossEntropyLoss, GradScaler, GradScalerState, Layer, Linear, Module, Precision, Sequential,
    clip_grad_norm_, load_checkpoint_scaled, save_checkpoint,
};
use warpsmith::ops::{Growth, amp_non_finite_check, amp_update_scale_};
use warpsmith::{Device, Generator, Tensor};

use crate::assert_says;

const CPU: Device = Device::Cpu;

fn linear() -> Linear {
    Linear::new(2, 2, &mut Generator::manual_seed(1), &CPU).unwrap()
}

#[test]
fn a_precision_that_is_none() {
    assert_says("bfloat".parse::<Precision>(), &["tf32", "bf16", "bfloat"]);
    assert_says("F16".parse::<Precision>(), &["f16", "F16"]);
}

#[test]
fn backward_in_another_type() {
    let mut layer = linear();
    let x = Tensor::<bf16>::zeros(&[3, 2], &CPU).unwrap();
    Layer::forward(&mut layer, &x).unwrap();
    let grad = Tensor::<f32>::zeros(&[3, 2], &CPU).unwrap();
    assert_says(Module::backward(&mut layer, &grad), &["Linear", "f32"]);
    Layer::backward(&mut layer, &x).unwrap();
    // a parameter that no forward has seen in the type
    assert_says(
        linear().parameters()[0].computed::<bf16>(),
        &["Parameter", "bf16"],
    );
}

#[test]
fn scalers_that_cannot_scale() {
    let mut model = Sequential::new().push(linear());
    let x = Tensor::full(&[2, 2], 1.0, &CPU).unwrap();
    let labels = Tensor::from_slice(&[0, 1], &[2], &CPU).unwrap();
    let mut criterion = CrossEntropyLoss::new();
    assert_says(
        GradScaler::new().backward(&criterion),
        &["CrossEntropyLoss", "forward before backward"],
    );
    let logits = model.forward(&x).unwrap();
    criterion.forward(&logits, &labels).unwrap();
    for scale in [0.0, -1.0, f32::NAN, f32::INFINITY] {
        let mut bad = GradScaler::new().init_scale(scale);
        assert_says(bad.backward(&criterion), &["GradScaler", "above 0"]);
        let state = GradScalerState {
            scale,
            ..GradScaler::new().state_dict().unwrap()
        };
        let mut scaler = GradScaler::new();
        assert_says(scaler.load_state_dict(&state), &["GradScaler", "above 0"]);
        assert_eq!(scaler.scale().unwrap(), 65536.0);
    }
    let mut scaler = GradScaler::new();
    model
        .backward_parameters(&scaler.backward(&criterion).unwrap())
        .unwrap();
    scaler.unscale_(&mut model).unwrap();
    let says = ["GradScaler", "once before each update"];
    assert_says(scaler.unscale_(&mut model), &says);
    scaler.update().unwrap();
    scaler.unscale_(&mut model).unwrap();
    let mut sgd = Sgd::new(0.1);
    scaler.step(&mut sgd, &mut model).unwrap();
    let says = ["GradScaler", "an update between two steps"];
    assert_says(scaler.step(&mut sgd, &mut model), &says);
    assert_says(scaler.unscale_(&mut model), &["GradScaler"]);
    assert_eq!(sgd.steps().unwrap(), 1);
}

/// What a scaler hands to an optimizer or a kernel is one number each.
#[test]
fn scales_of_other_shapes() {
    let (one, two) = (
        Tensor::full(&[], 1.0, &CPU).unwrap(),
        Tensor::full(&[2], 1.0, &CPU).unwrap(),
    );
    let mut model = linear();
    for (scale, found_inf) in [(&two, &one), (&one, &two)] {
        let scaling = Scaling {
            scale: Some(scale),
            found_inf,
        };
        let step = Sgd::new(0.1).step_scaled(&mut model, Some(scaling));
        assert_says(step, &["Sgd", "[]", "[2]"]);
        let checked = amp_non_finite_check(&[&one], scale, &mut found_inf.clone());
        assert_says(checked, &["amp", "[]", "[2]"]);
    }
    let counts = &mut Tensor::zeros(&[3], &CPU).unwrap();
    let growth = Growth {
        growth_factor: 2.0,
        backoff_factor: 0.5,
        growth_interval: 2,
    };
    let updated = amp_update_scale_(&mut one.clone(), &mut one.clone(), counts, &growth);
    assert_says(updated, &["amp", "[2]", "[3]"]);
}

#[test]
fn a_checkpoint_without_a_scaler() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("checkpoint.safetensors");
    let (mut model, mut sgd) = (linear(), Sgd::new(0.1));
    sgd.step(&mut model).unwrap();
    save_checkpoint(&mut model, &sgd, &file).unwrap();
    let mut scaler = GradScaler::new();
    let loaded = load_checkpoint_scaled(&mut model, &mut sgd, &mut scaler, &file);
    assert_says(loaded, &["grad_scaler.scale"]);
    let mut off = GradScaler::new().enabled(false);
    load_checkpoint_scaled(&mut model, &mut sgd, &mut off, &file).unwrap();
}

#[test]
fn norms_that_cannot_be() {
    let mut model = linear();
    for max_norm in [0.0, -1.0, f64::NAN] {
        let says = ["clip_grad_norm_", "above 0"];
        assert_says(clip_grad_norm_(&mut model, max_norm), &says);
    }
    // one that is not finite is there to be seen
    model.parameters()[1].grad.fill_(f32::INFINITY).unwrap();
    let norm = clip_grad_norm_(&mut model, 1.0).unwrap();
    assert_eq!(norm.item().unwrap(), f32::INFINITY);
}
