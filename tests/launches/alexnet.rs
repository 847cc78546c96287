//! A training step of AlexNet: each convolution and each product of it, forward and backward, is Tensor Cores' work.
//!
//! The emulator would take minutes for it, so this program runs itself again with a sample of the blocks. What is launched is
//! exact, as nothing but shapes decides it, and what is counted of a sample's blocks stands for all.

use std::process::Command;

use warpsmith::models::{AlexNetOptions, alexnet};
use warpsmith::nn::optim::{Optimizer, Sgd};
use warpsmith::nn::{CrossEntropyLoss, Module, Precision};
use warpsmith::{Device, Generator, Tensor};

const SAMPLE: &str = "CUDA_EMULATOR_SAMPLE";
const BATCH: usize = 8;
/// Terms of an output, outputs.
const CONVOLUTIONS: [[usize; 2]; 5] = [
    [3 * 11 * 11, 96 * 55 * 55],
    [48 * 5 * 5, 256 * 27 * 27],
    [256 * 3 * 3, 384 * 13 * 13],
    [192 * 3 * 3, 384 * 13 * 13],
    [192 * 3 * 3, 256 * 13 * 13],
];
const LINEARS: [[usize; 2]; 3] = [[9216, 4096], [4096, 4096], [4096, 1000]];

/// Names, launches and operations of Tensor Cores of the kernels that multiply.
fn products(precision: Precision, device: &Device) -> Vec<(String, u64, u64)> {
    let mut generator = Generator::manual_seed(1);
    let model = alexnet(&AlexNetOptions::default(), &mut generator, device).unwrap();
    let mut model = model.precision(precision);
    let x = Tensor::zeros(&[BATCH, 3, 227, 227], device).unwrap();
    let labels = Tensor::zeros(&[BATCH], device).unwrap();
    let (mut criterion, mut sgd) = (CrossEntropyLoss::new(), Sgd::new(1e-2));
    let kernels = cuda_emulator_testing::count(|| {
        let logits = model.forward(&x).unwrap();
        criterion.forward(&logits, &labels).unwrap();
        let grad = criterion.backward().unwrap();
        model.backward_parameters(&grad).unwrap();
        sgd.step(&mut model).unwrap();
    });
    let kernels = kernels.into_iter();
    let kernels = kernels.filter(|(name, _)| super::multiplies(name));
    kernels
        .map(|(name, counts)| (name, counts.launches, counts.tensor_flop))
        .collect()
}

fn sampled() {
    let device = Device::cuda(0).unwrap();
    // forward and the weights' gradient, and of all but the first the input's
    let layers = CONVOLUTIONS.iter().chain(&LINEARS).enumerate();
    let of =
        |(i, [terms, outputs]): (usize, &[usize; 2])| terms * outputs * if i == 0 { 2 } else { 3 };
    let wanted = 2 * (BATCH * layers.map(of).sum::<usize>()) as u64;
    let kernels = products(Precision::Bf16, &device);
    println!("{kernels:#?}");
    for (name, _, flop) in &kernels {
        assert!(*flop > 0, "{name} multiplies without Tensor Cores");
    }
    let launches: u64 = kernels.iter().map(|(_, launches, _)| launches).sum();
    assert!(launches >= 23, "a layer's product is missing: {launches}");
    let counted: u64 = kernels.iter().map(|(_, _, flop)| flop).sum();
    println!("counted {counted} of {wanted}");
    assert!(counted >= wanted, "{counted} of {wanted}");
}

#[test]
#[cfg_attr(
    not(warpsmith_kernels),
    ignore = "this build holds no kernels: NVRTC was not found"
)]
fn every_product_of_alexnet_is_on_tensor_cores() {
    if !cuda_emulator_testing::emulated() {
        println!("not on the emulated driver: nothing is counted");
        return;
    }
    if std::env::var_os(SAMPLE).is_some() {
        return sampled();
    }
    for capability in ["8.0", "9.0"] {
        let mut again = Command::new(std::env::current_exe().unwrap());
        again.args(["every_product_of_alexnet", "--nocapture"]);
        again.env("WARPSMITH_DEVICE", "emulator").env(SAMPLE, "2");
        again.env("CUDA_EMULATOR_CHECKS", "none");
        again.env("CUDA_EMULATOR_CC", capability);
        let output = again.output().unwrap();
        let text = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
        let text = text.concat();
        let ran = output.status.success() && text.contains("counted");
        assert!(ran, "on {capability}:\n{text}");
    }
}
