//! ResNet-18's logits beside onnxruntime's, whose are in `resnet18.f32` (`benches/peers/ort_resnet18.py` writes it); and a step.

use warpsmith::models::resnet18;
use warpsmith::nn::optim::{Optimizer, Sgd};
use warpsmith::nn::{CrossEntropyLoss, Module, Precision, load_state_dict, state_dict};
use warpsmith::{Device, Generator, Tensor};

use crate::common::data::{tensor, uniform};
use crate::common::formula::{INPUT_SEED, assert_logits, numbers, scale_of_weights};

const CPU: Device = Device::Cpu;
const LOGITS: &[u8] = include_bytes!("resnet18.f32");

#[test]
fn the_logits_are_those_of_onnxruntime() {
    let mut model = resnet18(1000, &mut Generator::manual_seed(1), &CPU).unwrap();
    let mut state = state_dict(&mut model).unwrap();
    let counts = |key: &str| key.ends_with("num_batches_tracked");
    let values = state.iter_mut().filter(|(key, _)| !counts(key));
    for (seed, (key, value)) in (0..).zip(values) {
        let (shape, n) = (value.shape().to_vec(), value.numel());
        let around_one = |scale| numbers(n, seed, scale).iter().map(|x| 1.0 + x).collect();
        let values = match (shape.len(), key.rsplit('.').next()) {
            (2.., _) => numbers(n, seed, scale_of_weights(&shape)),
            (_, Some("weight")) => around_one(3e-4),
            (_, Some("running_var")) => around_one(5e-4),
            _ => numbers(n, seed, 1e-4),
        };
        *value = Tensor::from_vec(values, &shape, &CPU).unwrap();
    }
    load_state_dict(&mut model, &state).unwrap();
    model.eval();
    let x = tensor(
        &numbers(3 * 64 * 64, INPUT_SEED, 1e-3),
        &[1, 3, 64, 64],
        &CPU,
    );
    let ours = model.forward(&x).unwrap().to_vec().unwrap();
    assert_logits(&ours, LOGITS);
}

#[test]
fn keys_are_torchvisions() {
    let mut model = resnet18(7, &mut Generator::manual_seed(1), &CPU).unwrap();
    let state = state_dict(&mut model).unwrap();
    // what torchvision's resnet18().state_dict() has
    assert_eq!(state.len(), 122);
    for (key, shape) in [
        ("conv1.weight", &[64, 3, 7, 7][..]),
        ("bn1.num_batches_tracked", &[]),
        ("layer1.0.conv1.weight", &[64, 64, 3, 3]),
        ("layer1.1.bn2.running_var", &[64]),
        ("layer2.0.conv1.weight", &[128, 64, 3, 3]),
        ("layer2.0.downsample.0.weight", &[128, 64, 1, 1]),
        ("layer2.0.downsample.1.running_mean", &[128]),
        ("layer4.1.conv2.weight", &[512, 512, 3, 3]),
        ("fc.weight", &[7, 512]),
        ("fc.bias", &[7]),
    ] {
        assert_eq!(state[key].shape(), shape, "{key}");
    }
    let parameters: usize = model.parameters().iter().map(|p| p.value.numel()).sum();
    assert_eq!(parameters, 11_689_512 - 993 * 513);
}

/// The loss of a batch is less after a step; tf32 is f32 on the CPU.
#[test]
fn a_step_in_every_precision() {
    let x = tensor(&uniform::<f32>(8 * 3 * 32 * 32, 1), &[8, 3, 32, 32], &CPU);
    let labels = tensor(&[0, 1, 2, 3, 0, 1, 2, 3], &[8], &CPU);
    for precision in [Precision::F32, Precision::Bf16, Precision::F16] {
        let mut model = resnet18(4, &mut Generator::manual_seed(2), &CPU)
            .unwrap()
            .precision(precision);
        let (mut criterion, mut sgd) = (CrossEntropyLoss::new(), Sgd::new(0.01));
        let mut losses = Vec::new();
        for _ in 0..2 {
            let logits = model.forward(&x).unwrap();
            let loss = criterion.forward(&logits, &labels).unwrap();
            losses.push(loss.item().unwrap());
            let grad = criterion.backward().unwrap();
            model.backward_parameters(&grad).unwrap();
            sgd.step(&mut model).unwrap();
        }
        assert!(losses[1] < 0.7 * losses[0], "{precision}: {losses:?}");
    }
}
