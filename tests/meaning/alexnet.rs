//! AlexNet's logits beside onnxruntime's, whose are in `alexnet.f32` (`benches/peers/ort_alexnet.py --golden` writes it).

use warpsmith::models::{AlexNetOptions, LrnConstants, alexnet};
use warpsmith::nn::Module;
use warpsmith::{Device, Generator, Tensor};

use crate::common::formula::{INPUT_SEED, assert_logits, numbers, scale_of_weights};

/// One image's, little-endian.
const LOGITS: &[u8] = include_bytes!("alexnet.f32");
const LOGITS_OF_BVLC: &[u8] = include_bytes!("bvlc_alexnet.f32");

/// The logits for an image of this side, with weights by the formula.
fn logits(lrn: LrnConstants, side: usize, scale_of_pixels: f64) -> Vec<f32> {
    let cpu = Device::Cpu;
    let options = AlexNetOptions {
        lrn,
        ..AlexNetOptions::default()
    };
    let mut model = alexnet(&options, &mut Generator::manual_seed(1), &cpu).unwrap();
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
    let pixels = numbers(3 * side * side, INPUT_SEED, scale_of_pixels);
    let x = Tensor::from_vec(pixels, &[1, 3, side, side], &cpu).unwrap();
    model.forward(&x).unwrap().to_vec().unwrap()
}

#[test]
fn the_logits_are_those_of_onnxruntime() {
    assert_logits(&logits(LrnConstants::Paper, 227, 1e-3), LOGITS);
}

/// The published graph, with pixels so large that Caffe's constants matter (`benches/peers/ort_bvlc_alexnet.py`).
#[test]
fn the_logits_of_bvlc_alexnet_are_those_of_onnxruntime() {
    assert_logits(&logits(LrnConstants::Caffe, 224, 0.1), LOGITS_OF_BVLC);
}
