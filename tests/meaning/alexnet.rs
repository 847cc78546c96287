//! AlexNet's logits beside onnxruntime's, whose are in `alexnet.f32` (`benches/peers/ort_alexnet.py --golden` writes it).

use warpsmith::models::{AlexNetOptions, alexnet};
use warpsmith::nn::Module;
use warpsmith::{Device, Generator, Tensor};

use crate::common::formula::{INPUT_SEED, assert_logits, numbers, scale_of_weights};

/// One image's, little-endian.
const LOGITS: &[u8] = include_bytes!("alexnet.f32");

#[test]
fn the_logits_are_those_of_onnxruntime() {
    let cpu = Device::Cpu;
    let mut model = alexnet(
        &AlexNetOptions::default(),
        &mut Generator::manual_seed(1),
        &cpu,
    )
    .unwrap();
    for (seed, (key, parameter)) in (0..).zip(model.named_parameters()) {
        let shape = parameter.value.shape().to_vec();
        let scale = match key.ends_with("weight") {
            true => scale_of_weights(&shape),
            false => 1e-4,
        };
        let values = numbers(parameter.value.numel(), seed, scale);
        parameter.value = Tensor::from_vec(values, &shape, &cpu).unwrap();
    }
    model.eval();
    let pixels = numbers(3 * 227 * 227, INPUT_SEED, 1e-3);
    let x = Tensor::from_vec(pixels, &[1, 3, 227, 227], &cpu).unwrap();
    let ours = model.forward(&x).unwrap().to_vec().unwrap();
    assert_logits(&ours, LOGITS);
}
