//! AlexNet's logits beside onnxruntime's, whose are in `alexnet.f32` (`benches/peers/ort_alexnet.py --golden` writes it).

use warpsmith::models::{AlexNetOptions, alexnet};
use warpsmith::nn::Module;
use warpsmith::{Device, Generator, Tensor};

/// One image's, little-endian.
const LOGITS: &[u8] = include_bytes!("alexnet.f32");
const INPUT_SEED: u32 = 100;

/// Numbers of [-1, 1] times `scale`: a hash of the place, as the script has it.
fn numbers(count: usize, seed: u32, scale: f32) -> Vec<f32> {
    let number = |i: u32| {
        let mut at = i.wrapping_add(seed * 1_000_003).wrapping_mul(2_654_435_761);
        at ^= at >> 15;
        at = at.wrapping_mul(0x85EB_CA6B);
        at ^= at >> 13;
        ((at % 2001) as i32 - 1000) as f32 * scale
    };
    (0..count as u32).map(number).collect()
}

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
            true => (6.0 / shape[1..].iter().product::<usize>() as f64).sqrt() / 1000.0,
            false => 1e-4,
        };
        let values = numbers(parameter.value.numel(), seed, scale as f32);
        parameter.value = Tensor::from_vec(values, &shape, &cpu).unwrap();
    }
    model.eval();
    let pixels = numbers(3 * 227 * 227, INPUT_SEED, 1e-3);
    let x = Tensor::from_vec(pixels, &[1, 3, 227, 227], &cpu).unwrap();
    let ours = model.forward(&x).unwrap().to_vec().unwrap();

    let (theirs, _) = LOGITS.as_chunks::<4>();
    let theirs: Vec<f32> = theirs.iter().map(|b| f32::from_le_bytes(*b)).collect();
    assert_eq!(ours.len(), theirs.len());
    let largest = theirs.iter().fold(0.0_f32, |most, v| most.max(v.abs()));
    for (class, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
        let difference = (ours - theirs).abs() / largest;
        assert!(difference <= 1e-4, "class {class}: {ours} for {theirs}");
    }
}
